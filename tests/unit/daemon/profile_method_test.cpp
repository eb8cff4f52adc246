// SPDX-License-Identifier: Apache-2.0
// The method `profile`: its document, its limits, and that it neither holds up others nor outlasts its asker.
#include <future>
#include <thread>
#include <utility>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "control/wire/client.h"
#include "control/wire/protocol.h"
#include "tests/unit/daemon/running_server.h"

namespace gabion::daemon {
namespace {

using namespace std::chrono_literals;

class ProfileMethod : public ::testing::Test {
protected:
    Result<Json> call(std::string_view method, const Json& params = Json::object()) {
        auto client = wire::Client::connect(server.path(), 5s);
        if (!client) return client.error();
        return client->call(method, params);
    }

    RunningServer server;
};

TEST_F(ProfileMethod, AnswersAllThatWasMeasured) {
    ProfileReport& report = server.surface.profile_;
    report.seconds = 2.0004;
    report.empty_ns = 21.04;
    counter::StageTimes stages{.packets = 10, .clock_ns = 25.5, .packet_ns = 40, .stages = {}};
    stages.stages.push_back({"bans", "the bans", 9, 12.34, 11, 40, 900});
    report.interfaces.push_back({.name = "eth0",
                                 .attach = "native",
                                 .note = "",
                                 .received = 700,
                                 .reasons = {{"clean", 600}, {"ban-operator", 100}},
                                 .programs = {{"xdp", 350, 33.33}},
                                 .profiling = {"xdp, timed", 350, 44},
                                 .stages = stages});
    report.maps = {{"", "op_e4", "entries", 3, 100, 4096}, {"eth0", "queues", "queues", 1, 2, 4096}};
    const auto answer = call("profile", {{"seconds", 2}});
    ASSERT_TRUE(answer) << answer.error().text;
    EXPECT_EQ(*answer, Json::parse(R"({"seconds":2.0,"programs_note":"","statistics_ns":21.0,"interfaces":{"eth0":{
        "attach":"native","note":"","received":700,"reasons":{"clean":600,"ban-operator":100},
        "programs":[{"name":"xdp","runs":350,"ns":33.3},{"name":"xdp, timed","runs":350,"ns":44.0}],
        "stages":{"packets":10,"one_in":64,"clock_ns":25.5,"packet_ns":40.0,"list":[{"name":"bans","what":"the bans",
            "packets":9,"mean_ns":12.3,"median_ns":11.0,"p99_ns":40.0,"most_ns":900.0}]}}},
        "maps":[{"interface":null,"name":"op_e4","unit":"entries","used":3,"size":100,"bytes":4096},
            {"interface":"eth0","name":"queues","unit":"queues","used":1,"size":2,"bytes":4096}]})"))
        << answer->dump(2);
    EXPECT_EQ(server.surface.profile_time, 2s);
    ASSERT_TRUE(call("profile"));
    EXPECT_EQ(server.surface.profile_time, std::chrono::seconds(wire::profile_seconds_default));
    for (const char* wrong : {R"({"seconds":0})", R"({"seconds":601})", R"({"seconds":-1})", R"({"seconds":"5"})",
                              R"({"seconds":1.5})", R"({"second":5})"}) {
        const auto refused = call("profile", Json::parse(wrong));
        ASSERT_FALSE(refused) << wrong;
        EXPECT_EQ(wire::exit_status(refused.error().code), 2) << wrong;
    }
}

TEST_F(ProfileMethod, HoldsUpNobodyAndEndsWhenItsAskerGoes) {
    server.surface.hold_profiles = true;
    const auto left = [&] { return server.on_loop([&] { return server.surface.profile_left; }); };
    auto asked = std::async(std::launch::async, [&] { return call("profile"); });
    while (!server.on_loop([&] { return static_cast<bool>(server.surface.profile_done); }))
        std::this_thread::sleep_for(1ms);
    EXPECT_TRUE(call("status"));
    EXPECT_FALSE(left());
    server.on_loop([&] {
        std::exchange(server.surface.profile_done, nullptr)(ProfileReport{});
        return 0;
    });
    EXPECT_TRUE(asked.get());
    EXPECT_TRUE(call("status"));
    EXPECT_FALSE(left()) << "it had its answer before it went";
    {
        auto client = wire::Client::connect(server.path(), 50ms);
        EXPECT_FALSE(client->call("profile", Json::object()));
    }
    for (int i = 0; i < 1000 && !left(); ++i)
        std::this_thread::sleep_for(1ms);
    EXPECT_TRUE(left());
    server.on_loop([&] {
        server.surface.profile_done(Error{"too late", ECANCELED});
        return 0;
    });
    EXPECT_TRUE(call("status"));
}

}  // namespace
}  // namespace gabion::daemon
