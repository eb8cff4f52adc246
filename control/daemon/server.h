// SPDX-License-Identifier: Apache-2.0
// The control socket: many clients, one thread, nobody waits for anybody. Methods are functions with a name.
//
// What keeps one client from hurting the others: it holds at most one unfinished request and one unsent answer (its next request
// is not read before that is gone); of the requests it has sent, one is done a round; it is cut off, with a reason, when a line is
// too long, a request stays unfinished, output does not move, nothing is asked for long, or there are too many clients
// (the longest silent one of the user with the most).
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "control/daemon/connection.h"
#include "control/daemon/event_loop.h"
#include "control/daemon/listener.h"
#include "control/wire/json.h"
#include "dataplane/core/fd.h"
#include "dataplane/core/result.h"

namespace gabion::daemon {

struct ServerSettings {
    std::string path;
    std::string group = "gabion";
    std::size_t clients_max = 128;
    std::size_t request_bytes_max = 64 * 1024;
    std::size_t notice_bytes_max = 256 * 1024;  // unsent notifications of one client
    std::chrono::milliseconds request_time_max{10'000};
    std::chrono::milliseconds stall_time_max{30'000};
    std::chrono::milliseconds idle_time_max{600'000};
};

// One request being answered.
struct Call {
    using Answer = std::function<void(Result<Json>)>;

    Peer peer;
    UniqueFd file;      // that came with it, if any
    std::string topic;  // set it to send the caller all notifications of that name from now on

    // For work that takes several rounds: what the method returns does not count then; the answer is what the returned function is
    // given, on the loop's thread, once. It may come when the caller, or the server, is gone.
    std::function<Answer()> answer_later;
    // With that: called, in a round of the loop, when the caller leaves before its answer.
    std::function<void()> when_gone;
};

class Server {
public:
    // The result, or an error: EINVAL for parameters the caller got wrong, any other code for what was tried and failed.
    using Method = std::function<Result<Json>(const Json& params, Call& call)>;
    // Told whom and why, in one sentence, after a client was cut off or turned away. It may publish.
    using OnCut = std::function<void(const std::string& text)>;

    static Result<std::unique_ptr<Server>> listen(EventLoop& loop, ServerSettings settings, OnCut on_cut);
    ~Server();
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    void add(std::string_view method, Method function);

    // Sends the notification to all who follow `topic`; the topic is its method name.
    void publish(std::string_view topic, const Json& params);

    [[nodiscard]] std::size_t clients() const noexcept { return clients_.size(); }

private:
    using Time = Connection::Clock::time_point;

    Server(EventLoop& loop, ServerSettings settings, OnCut on_cut, Listener listener);
    Result<void> start();

    void accept_clients();
    void make_room();
    void on_ready(int fd, std::uint32_t events);
    void serve(int fd);
    std::string answer(Connection& client, std::string_view line);
    Call::Answer postpone(Connection& client, const Json& id);
    void settle(Connection& client);
    void queue(Connection& client);
    void refuse(Connection& client, const std::string& why);
    void refuse_long_line(Connection& client);
    void cut(int fd, const std::string& why);
    void close(int fd);
    void check_times();
    void tell(std::string text);
    void pause_accepting();
    [[nodiscard]] std::string overdue(const Connection& client, Time now) const;

    EventLoop& loop_;
    ServerSettings settings_;
    OnCut on_cut_;
    Listener listener_;
    EventLoop::TimerId timer_ = 0;
    bool accepting_ = true;
    std::uint64_t next_serial_ = 1;
    std::map<std::string, Method, std::less<>> methods_;
    std::unordered_map<int, std::unique_ptr<Connection>> clients_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // deferred work looks here first
};

}  // namespace gabion::daemon
