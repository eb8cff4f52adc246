// SPDX-License-Identifier: Apache-2.0
// The real server with a fake appliance behind it, on a socket of its own, in a thread of its own; and clients that need not behave.
#pragma once

#include <sys/socket.h>
#include <sys/un.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <future>
#include <thread>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "control/daemon/event_loop.h"
#include "control/daemon/events.h"
#include "control/daemon/server.h"
#include "control/wire/client.h"
#include "tests/unit/daemon/fake_surface.h"
#include "tests/unit/daemon/temporary_directory.h"

namespace gabion::daemon {

class RunningServer {
public:
    explicit RunningServer(ServerSettings settings = {}) {
        settings.path = path();
        loop_ = *EventLoop::create();
        auto server = Server::listen(*loop_, settings, [this](const std::string& text) {
            events.raise(Severity::warning, "client-cut-off", text);
            cuts_.push_back(text);
        });
        EXPECT_TRUE(server) << server.error().text;
        server_ = *std::move(server);
        register_methods(*server_, surface, events);
        thread_ = std::thread([this] { EXPECT_TRUE(loop_->run()); });
    }
    ~RunningServer() {
        loop_->stop();
        thread_.join();
    }
    RunningServer(const RunningServer&) = delete;
    RunningServer& operator=(const RunningServer&) = delete;

    [[nodiscard]] std::string path() const { return directory_.file("control.sock"); }

    // Runs `work` on the server's thread and returns what it returns.
    template <typename Work>
    auto on_loop(Work work) {
        std::promise<decltype(work())> promise;
        auto future = promise.get_future();
        loop_->post([&] { promise.set_value(work()); });
        return future.get();
    }
    std::size_t clients() {
        return on_loop([this] { return server_->clients(); });
    }
    std::vector<std::string> cuts() {
        return on_loop([this] { return cuts_; });
    }
    void raise(const std::string& kind, const std::string& text) {
        on_loop([&] {
            events.raise(Severity::info, kind, text);
            return 0;
        });
    }

    // Touched before the first client only, or through on_loop().
    FakeSurface surface;
    EventLog events;

private:
    TemporaryDirectory directory_;
    std::vector<std::string> cuts_;
    std::unique_ptr<EventLoop> loop_;
    std::unique_ptr<Server> server_;
    std::thread thread_;
};

// A connection that sends bytes, not requests. Reads and writes give up after five seconds.
class RawClient {
public:
    explicit RawClient(const std::string& path) : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        path.copy(address.sun_path, sizeof address.sun_path - 1);
        const timeval limit{5, 0};
        ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
        ::setsockopt(fd_.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
        connected = ::connect(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    }

    bool send(std::string_view bytes) {
        while (!bytes.empty()) {
            const ssize_t count = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (count <= 0) return false;
            bytes.remove_prefix(static_cast<std::size_t>(count));
        }
        return true;
    }
    // The next line; empty when the server hung up or nothing came in time.
    std::string line() {
        while (buffer_.find('\n') == std::string::npos) {
            char chunk[4096];
            const ssize_t count = ::recv(fd_.get(), chunk, sizeof chunk, 0);
            if (count <= 0) {
                closed = count == 0 || errno == ECONNRESET;
                return "";
            }
            buffer_.append(chunk, static_cast<std::size_t>(count));
        }
        const auto end = buffer_.find('\n');
        std::string line = buffer_.substr(0, end);
        buffer_.erase(0, end + 1);
        return line;
    }
    [[nodiscard]] int fd() const { return fd_.get(); }
    void close() { fd_.reset(); }

    bool connected = false;
    bool closed = false;

private:
    UniqueFd fd_;
    std::string buffer_;
};

inline const std::string status_request = R"({"jsonrpc":"2.0","id":1,"method":"status"})"
                                          "\n";

// A well-behaved client's request is answered, and soon.
inline void expect_served(const RunningServer& server) {
    const auto begin = std::chrono::steady_clock::now();
    auto client = wire::Client::connect(server.path(), std::chrono::seconds(5));
    ASSERT_TRUE(client) << client.error().text;
    const auto answer = client->call("status", Json::object());
    ASSERT_TRUE(answer) << answer.error().text;
    EXPECT_EQ(answer->at("panic").at("mode"), "auto");
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(1));
}

template <typename Condition>
bool comes_true(Condition condition, std::chrono::milliseconds limit = std::chrono::seconds(5)) {
    for (const auto end = std::chrono::steady_clock::now() + limit; std::chrono::steady_clock::now() < end;
         std::this_thread::sleep_for(std::chrono::milliseconds(5)))
        if (condition()) return true;
    return condition();
}

}  // namespace gabion::daemon
