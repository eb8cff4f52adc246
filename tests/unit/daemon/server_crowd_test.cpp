// SPDX-License-Identifier: Apache-2.0
// Clients in numbers, long lists, and answers that nobody reads: another one's request is still answered at once.
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "control/daemon/server.h"
#include "control/wire/client.h"
#include "tests/unit/daemon/running_server.h"

namespace gabion::daemon {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

TEST(Server, AMillionBansAreListedWhileOthersDoNotReadAndOthersAsk) {
    constexpr std::uint32_t count = 1'000'000;
    RunningServer server;
    server.on_loop([&] {
        for (std::uint32_t i = 0; i < count; ++i) {
            Prefix target;
            target.bytes = {10, static_cast<std::uint8_t>(i >> 16), static_cast<std::uint8_t>(i >> 8),
                            static_cast<std::uint8_t>(i)};
            server.surface.bans_.emplace_hint(
                server.surface.bans_.end(), target,
                BanEntry{target, "operator", "operator", "", server.surface.start, std::nullopt, i, {}});
        }
        return 0;
    });
    // Fifty that ask for page after page and never read.
    std::vector<std::unique_ptr<RawClient>> lazy;
    std::string requests;
    for (int i = 0; i < 50; ++i)
        requests += R"({"jsonrpc":"2.0","id":1,"method":"ban.list"})"
                    "\n";
    for (int i = 0; i < 50; ++i) {
        lazy.push_back(std::make_unique<RawClient>(server.path()));
        lazy.back()->send(requests);
    }
    auto client = wire::Client::connect(server.path(), 10s);
    ASSERT_TRUE(client);
    std::uint64_t seen = 0;
    Json params = Json::object();
    std::string last;
    auto slowest = Clock::duration(0);
    for (unsigned page_number = 0;; ++page_number) {
        const auto page = client->call("ban.list", params);
        ASSERT_TRUE(page) << page.error().text;
        seen += page->at("entries").size();
        if (page->at("next").is_null()) break;
        ASSERT_NE(page->at("next"), last);
        params["cursor"] = last = page->at("next");
        if (page_number % 100 == 0) {
            const auto begin = Clock::now();
            expect_served(server);
            slowest = std::max(slowest, Clock::now() - begin);
        }
    }
    EXPECT_EQ(seen, count);
    EXPECT_LT(slowest, 500ms);
    RecordProperty("slowest_status_us",
                   static_cast<int>(std::chrono::duration_cast<std::chrono::microseconds>(slowest).count()));
}

TEST(Server, AThousandConnectionsDoNotShutOutTheNextOne) {
    RunningServer server;
    std::vector<std::unique_ptr<RawClient>> crowd;
    for (int i = 0; i < 1000; ++i) {
        crowd.push_back(std::make_unique<RawClient>(server.path()));
        ASSERT_TRUE(crowd.back()->connected) << i;
        if (i % 3 == 0) crowd.back()->send("{");
        if (i % 100 == 0) expect_served(server);
    }
    expect_served(server);
    EXPECT_LE(server.clients(), 128u);
    crowd.clear();
    EXPECT_TRUE(comes_true([&] { return server.clients() == 0; }));
    EXPECT_EQ(server.surface.bans_.size(), 0u);
}

TEST(Server, SurvivesWhoHangsUpInTheMiddleOfAnAnswer) {
    RunningServer server;
    server.on_loop([&] {
        for (std::uint32_t i = 0; i < 5000; ++i) {
            Prefix target;
            target.bytes = {10, 0, static_cast<std::uint8_t>(i >> 8), static_cast<std::uint8_t>(i)};
            server.surface.bans_[target].target = target;
        }
        return 0;
    });
    for (int i = 0; i < 50; ++i) {
        RawClient client(server.path());
        client.send(R"({"jsonrpc":"2.0","id":1,"method":"ban.list"})"
                    "\n");
        if (i % 2 == 0) {
            char some[100];
            ASSERT_GT(::recv(client.fd(), some, sizeof some, 0), 0);
        }
    }
    EXPECT_TRUE(comes_true([&] { return server.clients() == 0; }));
    expect_served(server);
}

TEST(Server, CutsOffWhoDoesNotReadAnAnswer) {
    ServerSettings settings;
    settings.stall_time_max = 300ms;
    RunningServer server(settings);
    server.on_loop([&] {
        for (std::uint32_t i = 0; i < 1000; ++i) {
            Prefix target;
            target.bytes = {10, 0, static_cast<std::uint8_t>(i >> 8), static_cast<std::uint8_t>(i)};
            BanEntry& entry = server.surface.bans_[target];
            entry.target = target;
            entry.note = std::string(200, 'n');
        }
        return 0;
    });
    RawClient client(server.path());
    std::string requests;
    for (int i = 0; i < 20; ++i)
        requests += R"({"jsonrpc":"2.0","id":1,"method":"ban.list"})"
                    "\n";
    client.send(requests);
    ASSERT_TRUE(comes_true([&] { return !server.cuts().empty(); }));
    EXPECT_NE(server.cuts().front().find("does not read"), std::string::npos);
}

}  // namespace
}  // namespace gabion::daemon
