// SPDX-License-Identifier: Apache-2.0
// One golden document a method: these keys are the contract.
#include "control/daemon/methods.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "bpf/abi/table.h"
#include "control/wire/client.h"
#include "control/wire/protocol.h"
#include "tests/unit/daemon/running_server.h"

namespace gabion::daemon {
namespace {

using namespace std::chrono_literals;

class Methods : public ::testing::Test {
protected:
    Result<Json> call(std::string_view method, const Json& params = Json::object(), int fd = -1) {
        auto client = wire::Client::connect(server.path(), 5s);
        if (!client) return client.error();
        return client->call(method, params, fd);
    }
    void expect(std::string_view method, const Json& params, const char* wanted) {
        const auto answer = call(method, params);
        ASSERT_TRUE(answer) << method << ": " << answer.error().text;
        EXPECT_EQ(*answer, Json::parse(wanted)) << method << ": " << answer->dump(2);
    }

    RunningServer server;
};

UniqueFd sealed(const std::string& text) {
    UniqueFd file(::memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    EXPECT_EQ(::write(file.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
    EXPECT_EQ(::fcntl(file.get(), F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW), 0);
    return file;
}

TEST_F(Methods, Status) {
    Status& status = server.surface.status_;
    status.version = "1.2.3";
    status.kernel = "6.1.0";
    status.uptime = 90s;
    status.trial_left = 300s;
    status.interfaces = {{"eth0", "host", "native", true, "", {{0, 2, true, false, 7}}}};
    status.bans = 3;
    status.quarantined = 2;
    status.allowed = 1;
    status.features = {{"hand_over", true}, {"bpf_loop", false}};
    status.feature_notes = {{"bpf_loop", "needs kernel 5.17"}};
    expect("status", Json::object(),
           R"({"version":"1.2.3","kernel":"6.1.0","uptime_s":90,"dry_run":false,"trial_left_s":300,
        "interfaces":[{"name":"eth0","mode":"host","backend":"xdp","attach":"native","present":true,"note":"",
            "workers":[{"queue":0,"cpu":2,"alive":true,"late":false,"in_flight":7}]}],
        "panic":{"mode":"auto","tripped":false,"learned":false,"rate_pps":0,"drop_ratio":0.0,"trips":0,"met":0,"dropped":0},
        "bans":3,"quarantined":2,"allowed":1,"features":{"hand_over":true,"bpf_loop":false},
        "feature_notes":{"bpf_loop":"needs kernel 5.17"},"learning":false,"attacks":0,
        "verdicts":{"count":0,"median_us":0.0,"p99_us":0.0,"worst_us":0.0},
        "memory":{"resident_bytes":0,"table_bytes":0}})");
}

TEST_F(Methods, Counters) {
    Counters one;
    one.packets = {100, 60, 0, 0, 30, 10};
    one.bytes = {6400, 3840, 0, 0, 1920, 640};
    one.drops = {{"ban-operator", 10}};
    one.passes = {{"clean", 60}};
    one.workers = {30, 28, 0, 1, 0, 1, 2, {}};
    one.identity_off_by = -4;
    one.identity_holds = false;
    one.nic = {{"rx_dropped", 5}};
    server.surface.counters_.total = one;
    server.surface.counters_.interfaces = {{"eth0", one, {}}};
    server.surface.counters_.cpus = {{3, one.packets, one.bytes, one.drops}};
    const std::string shape =
        R"("packets":{"received":100,"passed":60,"forwarded":0,"answered":0,"handed_over":30,"dropped":10},
        "bytes":{"received":6400,"passed":3840,"forwarded":0,"answered":0,"handed_over":1920,"dropped":640},
        "drops":{"ban-operator":10},"passes":{"clean":60},"would_drop":{},
        "workers":{"received":30,"handed_back":28,"dropped":0,"in_flight":1,"tx_failed":0,"lost":1,"late":2,"drops":{}},
        "identity":{"holds":false,"off_by":-4},"nic":{"rx_dropped":5})";
    const std::string base = "{" + shape + R"(,"interfaces":{"eth0":{)" + shape + "}}";
    expect("counters", Json::object(), (base + "}").c_str());
    expect(
        "counters", {{"per_core", true}},
        (base +
         R"(,"cpus":[{"cpu":3,"packets":{"received":100,"passed":60,"forwarded":0,"answered":0,"handed_over":30,"dropped":10},
            "bytes":{"received":6400,"passed":3840,"forwarded":0,"answered":0,"handed_over":1920,"dropped":640},
            "drops":{"ban-operator":10}}]})")
            .c_str());
}

TEST_F(Methods, Bans) {
    expect("ban.add", {{"target", "192.0.2.1"}}, R"({"target":"192.0.2.1","expires":null})");
    expect("ban.add", {{"target", "2001:DB8::/32"}, {"for_ms", 60000}, {"note", "ticket 7"}},
           R"({"target":"2001:db8::/32","expires":"2031-06-23T16:54:20.250Z"})");
    server.on_loop([&] {
        BanEntry& entry = server.surface.bans_[*Prefix::parse("192.0.2.1")];
        entry.tier = "quarantine";
        entry.reason = "heavy-source";
        entry.hits = 9;
        entry.evidence = {"rate", "unproven", 100, 4096, {{"source_pps", 5000, 200}}};
        return 0;
    });
    expect("ban.list", {{"limit", 1}},
           R"({"entries":[{"target":"192.0.2.1","tier":"quarantine","reason":"heavy-source","note":"",
        "since":"2031-06-23T16:53:20.250Z","expires":null,"hits":9,
        "evidence":{"detector":"rate","standing":"unproven","window_ms":100,"samples":4096,
                    "figures":{"source_pps":{"value":5000.0,"threshold":200.0}}}}],"next":"192.0.2.1"})");
    expect("ban.list", {{"cursor", "192.0.2.1"}},
           R"({"entries":[{"target":"2001:db8::/32","tier":"operator","reason":"operator",
        "note":"ticket 7","since":"2031-06-23T16:53:20.250Z","expires":"2031-06-23T16:54:20.250Z","hits":0,"evidence":{}}],"next":null})");
    expect("ban.del", {{"target", "192.0.2.1"}}, R"({"target":"192.0.2.1","removed":1})");
    expect("ban.del", {{"target", "192.0.2.1"}}, R"({"target":"192.0.2.1","removed":0})");
}

TEST_F(Methods, BansThatAreRefused) {
    for (const char* target : {"0.0.0.0/0", "::/0"}) {
        const auto refused = call("ban.add", {{"target", target}});
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().code, static_cast<int>(wire::ErrorCode::invalid_parameters)) << target;
        EXPECT_TRUE(call("ban.add", {{"target", target}, {"force", true}})) << target;
    }
    EXPECT_FALSE(call("ban.add", {{"target", "192.0.2.1"}, {"note", std::string(201, 'x')}}));
    EXPECT_FALSE(call("ban.add", {{"target", "192.0.2.1"}, {"note", "\x1b[31m"}}));
    EXPECT_FALSE(call("ban.add", {{"target", "192.0.2.1"}, {"for_ms", 0}}));
    EXPECT_FALSE(call("ban.add", {{"target", "192.0.2.1"}, {"for_ms", 1.5}}));
    EXPECT_EQ(server.surface.ban_requests.size(), 2u);
    server.surface.refuse_bans = true;
    const auto full = call("ban.add", {{"target", "192.0.2.1"}});
    ASSERT_FALSE(full);
    EXPECT_EQ(full.error().code, static_cast<int>(wire::ErrorCode::failed));
}

TEST_F(Methods, BanLoad) {
    const auto list = sealed("# ours\n192.0.2.1\n\n 192.0.2.2  # him\r\n2001:db8::/32\n192.0.2.1\n");
    const auto loaded = call("ban.load", {{"name", "list"}}, list.get());
    ASSERT_TRUE(loaded) << loaded.error().text;
    EXPECT_EQ(*loaded, Json::parse(R"({"loaded":4,"added":3})"));
    EXPECT_EQ(server.surface.bans_.size(), 3u);
}

TEST_F(Methods, BanLoadIsAllOrNothingAndNamesTheLine) {
    std::string text;
    for (int i = 0; i < 500'000; ++i)
        text +=
            "10." + std::to_string(i >> 16) + "." + std::to_string(i >> 8 & 255) + "." + std::to_string(i & 255) + "\n";
    const auto bad = sealed(text + "10.256.0.1\n");
    const auto refused = call("ban.load", {{"name", "bad.txt"}}, bad.get());
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().text.find("bad.txt"), std::string::npos) << refused.error().text;
    EXPECT_NE(refused.error().text.find("500001"), std::string::npos) << refused.error().text;
    EXPECT_EQ(wire::exit_status(refused.error().code), 1);
    const auto wide = sealed("192.0.2.1\n0.0.0.0/0\n");
    EXPECT_FALSE(call("ban.load", Json::object(), wide.get()));
    EXPECT_TRUE(server.surface.bans_.empty());
}

TEST_F(Methods, BanLoadTakesNoOrdinaryFile) {
    char name[] = "/tmp/gabion-test-XXXXXX";
    const UniqueFd file(::mkstemp(name));
    ::unlink(name);
    ASSERT_EQ(::write(file.get(), "192.0.2.1\n", 10), 10);
    EXPECT_FALSE(call("ban.load", Json::object(), file.get()));
    UniqueFd open(::memfd_create("open", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    EXPECT_FALSE(call("ban.load", Json::object(), open.get())) << "not sealed";
    EXPECT_FALSE(call("ban.load", Json::object(), STDIN_FILENO));
    EXPECT_TRUE(server.surface.bans_.empty());
}

TEST_F(Methods, ALoadThatTakesLongHoldsUpNobodyAndSurvivesItsClient) {
    server.surface.hold_loads = true;
    const auto list = sealed("192.0.2.1\n");
    auto asked = std::async(std::launch::async, [&] { return call("ban.load", Json::object(), list.get()); });
    const auto held = [&] { return server.on_loop([&] { return static_cast<bool>(server.surface.held_load); }); };
    while (!held())
        std::this_thread::sleep_for(1ms);
    EXPECT_TRUE(call("status"));
    EXPECT_NE(asked.wait_for(50ms), std::future_status::ready);
    server.on_loop([&] {
        server.surface.held_load();
        return 0;
    });
    const auto loaded = asked.get();
    ASSERT_TRUE(loaded);
    EXPECT_EQ(loaded->at("loaded"), 1);
    // The answer comes when the asker is gone: nobody gets it.
    {
        auto client = wire::Client::connect(server.path(), 50ms);
        EXPECT_FALSE(client->call("ban.load", Json::object(), list.get()));
    }
    EXPECT_TRUE(call("status"));
    server.on_loop([&] {
        server.surface.held_load();
        return 0;
    });
    EXPECT_TRUE(call("status"));
}

TEST_F(Methods, Allow) {
    expect("allow.add", {{"target", "192.0.2.0/24"}},
           R"({"target":"192.0.2.0/24","skip":["bans","rates","validation"]})");
    expect("allow.add", {{"target", "192.0.2.0/24"}, {"skip", {"rates"}}, {"note", "us"}},
           R"({"target":"192.0.2.0/24","skip":["rates"]})");
    expect("allow.list", Json::object(),
           R"({"entries":[{"target":"192.0.2.0/24","skip":["rates"],"note":"us","origin":"operator",
        "since":"2031-06-23T16:53:20.250Z"}],"next":null})");
    EXPECT_FALSE(call("allow.add", {{"target", "192.0.2.1"}, {"skip", {"everything"}}}));
    EXPECT_FALSE(call("allow.add", {{"target", "192.0.2.1"}, {"skip", "bans"}}));
    expect("allow.del", {{"target", "192.0.2.0/24"}}, R"({"target":"192.0.2.0/24","removed":1})");
}

TEST_F(Methods, Panic) {
    expect(
        "panic", {{"mode", "on"}},
        R"({"mode":"on","tripped":true,"learned":false,"rate_pps":0,"drop_ratio":0.0,"trips":0,"met":0,"dropped":0})");
}

TEST_F(Methods, ConfirmingTwiceDoesNoHarm) {
    server.surface.on_trial = true;
    expect("confirm", Json::object(), R"({"confirmed":true})");
    expect("confirm", Json::object(), R"({"confirmed":false})");
}

TEST_F(Methods, Why) {
    expect("why", {{"target", "192.0.2.9"}}, R"({"target":"192.0.2.9","verdict":"its packets pass","findings":[]})");
    ASSERT_TRUE(call("ban.add", {{"target", "192.0.2.9"}}));
    const auto answer = call("why", {{"target", "192.0.2.9"}});
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->at("findings").at(0).at("ban").at("tier"), "operator");
}

TEST_F(Methods, ReloadAndConfigShow) {
    expect("reload", Json::object(), R"({"changed":["panic.mode"],"restart_needed":["bans.capacity"]})");
    expect("config.show", Json::object(), R"({"toml":"dry_run = false\n"})");
    server.surface.reload_ = Error{"gabion.toml:3:1: nonsense: unknown key", EINVAL};
    const auto refused = call("reload");
    ASSERT_FALSE(refused);
    EXPECT_EQ(wire::exit_status(refused.error().code), 1) << "the command was right";
}

TEST_F(Methods, ReloadWithChannels) {
    expect("reload", {{"channels", 2}},
           R"({"changed":["panic.mode","channels of eth0"],"restart_needed":["bans.capacity"]})");
    expect("reload", {{"channels", 2}, {"interface", "eth7"}},
           R"({"changed":["panic.mode","channels of eth7"],"restart_needed":["bans.capacity"]})");
    EXPECT_FALSE(call("reload", {{"channels", 0}}));
    EXPECT_FALSE(call("reload", {{"interface", "eth7"}})) << "nothing to change of it";
    const auto refused = call("reload", {{"channels", 9}, {"interface", "eth7"}});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().text, "the file is in force, but: eth7 can have 1 to 4 channels that receive");
    server.surface.reload_ = Error{"gabion.toml:3:1: nonsense: unknown key", EINVAL};
    EXPECT_EQ(call("reload", {{"channels", 2}}).error().text.find("gabion.toml"), 0u)
        << "a bad file changes no channels";
}

TEST_F(Methods, EventsInPages) {
    for (int i = 0; i < 5; ++i)
        server.raise("kind-" + std::to_string(i), std::to_string(i));
    const auto first = call("events.list", {{"limit", 3}});
    ASSERT_TRUE(first);
    EXPECT_EQ(first->at("next"), 3);
    EXPECT_EQ(first->at("missed"), 0);
    const auto second = call("events.list", {{"after", 3}});
    ASSERT_TRUE(second);
    EXPECT_EQ(second->at("entries").size(), 2u);
    EXPECT_TRUE(second->at("next").is_null());
    const Json& event = second->at("entries").at(0);
    EXPECT_EQ(event.at("id"), 4);
    EXPECT_EQ(event.at("kind"), "kind-3");
    EXPECT_TRUE(event.at("time").get<std::string>().ends_with("Z"));
    EXPECT_TRUE(event.at("fields").is_object());
}

}  // namespace
}  // namespace gabion::daemon
