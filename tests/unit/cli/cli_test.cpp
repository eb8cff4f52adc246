// SPDX-License-Identifier: Apache-2.0
// The built command line, run as an operator runs it, against the real server with a fake appliance behind it.
#include "tests/unit/cli/cli_fixture.h"

namespace gabion::cli {
namespace {

using daemon::ProfileReport;

TEST_F(Cli, WrongUsageIsOneLineAndStatusTwo) {
    const std::vector<std::vector<std::string>> cases{{},
                                                      {"nonsense"},
                                                      {"replay"},
                                                      {"ban"},
                                                      {"ban", "add"},
                                                      {"ban", "nonsense"},
                                                      {"status", "too", "much"},
                                                      {"--nonsense"},
                                                      {"why"},
                                                      {"ban", "add", "192.0.2.256"},
                                                      {"ban", "add", "host.example"},
                                                      {"ban", "add", ""},
                                                      {"ban", "add", "192.0.2.1/8"},
                                                      {"ban", "add", "192.0.2.1", "--for", "soon"},
                                                      {"ban", "add", "192.0.2.1", "--for", "0s"},
                                                      {"ban", "add", "0.0.0.0/0"},
                                                      {"ban", "add", "::/0"},
                                                      {"ban", "del", "x"},
                                                      {"panic", "sometimes"},
                                                      {"allow", "add", "192.0.2.1", "--skip", "everything"},
                                                      {"allow", "add", "192.0.2.1", "--skip", "bans,,rates"},
                                                      {"why", "x"},
                                                      {"profile", "--seconds", "0"},
                                                      {"profile", "--seconds", "601"},
                                                      {"profile", "--seconds", "99999"},
                                                      {"profile", "--seconds", "99999999999999999999"},
                                                      {"profile", "--seconds", "-1"},
                                                      {"profile", "--seconds", "1.5"},
                                                      {"profile", "--seconds", "text"},
                                                      {"profile", "--seconds", ""},
                                                      {"profile", "--seconds"},
                                                      {"profile", "5"},
                                                      {"config"},
                                                      {"config", "check"},
                                                      {"ban", "load"},
                                                      {"ban", "add", "192.0.2.1", "--note", std::string(201, 'x')}};
    for (const auto& arguments : cases) {
        const auto done = gabion(arguments);
        std::string shown;
        for (const auto& argument : arguments)
            shown += argument + " ";
        EXPECT_EQ(done.status, 2) << shown << done.out << done.err;
        EXPECT_EQ(done.out, "") << shown;
        EXPECT_TRUE(done.err.starts_with("gabion: ")) << shown << done.err;
        EXPECT_EQ(std::count(done.err.begin(), done.err.end(), '\n'), 1) << shown << done.err;
    }
    EXPECT_TRUE(server.surface.bans_.empty());
}

TEST_F(Cli, ABanThatWouldEndOnesOwnSessionNeedsForce) {
    const std::vector<std::pair<std::string, std::string>> sessions{
        {"SSH_CONNECTION=192.0.2.7 51514 203.0.113.1 22", "192.0.2.7"},
        {"SSH_CONNECTION=192.0.2.7 51514 203.0.113.1 22", "192.0.2.0/24"},
        {"SSH_CLIENT=2001:db8::7 51514 22", "2001:db8::/64"},
        {"SSH_CONNECTION=fe80::7%eth0 51514 fe80::1%eth0 22", "fe80::7"}};
    for (const auto& [variable, target] : sessions) {
        ssh = variable;
        const auto refused = gabion({"ban", "add", target});
        EXPECT_EQ(refused.status, 1) << variable;
        EXPECT_NE(refused.err.find("your own session"), std::string::npos) << refused.err;
        EXPECT_TRUE(server.surface.bans_.empty());
        EXPECT_EQ(gabion({"ban", "add", target, "--force"}).status, 0) << variable;
        EXPECT_EQ(gabion({"ban", "del", target}).status, 0);
    }
    for (const char* other :
         {"SSH_CONNECTION=192.0.2.8 1 203.0.113.1 22", "SSH_CONNECTION=", "SSH_CONNECTION=nonsense", ""}) {
        ssh = other;
        EXPECT_EQ(gabion({"ban", "add", "192.0.2.7"}).status, 0) << other;
    }
}

TEST_F(Cli, HelpAndVersionAreNoErrors) {
    EXPECT_EQ(gabion({"--help"}).status, 0);
    EXPECT_EQ(gabion({"ban", "add", "--help"}).status, 0);
    EXPECT_EQ(gabion({"--version"}).out, "gabion " GABION_VERSION "\n");
}

TEST_F(Cli, NoDaemonIsStatusOneAndSaysWhatToDo) {
    path = files.file("none.sock");
    const auto done = gabion({"status"});
    EXPECT_EQ(done.status, 1);
    EXPECT_NE(done.err.find("none.sock; start it"), std::string::npos) << done.err;
    EXPECT_EQ(gabion({"--socket", std::string(300, 'x'), "status"}).status, 1);
}

TEST_F(Cli, TheSocketOptionGoesBeforeTheEnvironment) {
    const std::string real = path;
    path = files.file("none.sock");
    EXPECT_EQ(gabion({"status", "--socket", real}).status, 0);
    EXPECT_EQ(gabion({"--socket", real, "status"}).status, 0);
}

TEST_F(Cli, EveryCommandPrintsTextAndJson) {
    server.surface.status_.version = "1.2.3";
    server.surface.status_.interfaces = {{"eth0", "host", "native", true, "", {{0, 0, true, false, 0}}}};
    const std::vector<std::vector<std::string>> cases{{"status"},
                                                      {"counters"},
                                                      {"counters", "--per-core"},
                                                      {"events"},
                                                      {"ban", "list"},
                                                      {"allow", "list"},
                                                      {"panic"},
                                                      {"panic", "on"},
                                                      {"why", "192.0.2.1"},
                                                      {"profile"},
                                                      {"profile", "--seconds", "2"},
                                                      {"reload"},
                                                      {"reload", "--channels", "2", "--interface", "eth0"},
                                                      {"config", "show"},
                                                      {"ban", "add", "192.0.2.1"},
                                                      {"allow", "add", "192.0.2.1", "--skip", "bans"},
                                                      {"ban", "del", "192.0.2.1"}};
    for (auto arguments : cases) {
        auto with_json = arguments;
        with_json.push_back("--json");
        const auto json = gabion(with_json);
        EXPECT_EQ(json.status, 0) << json.err;
        EXPECT_TRUE(Json::accept(json.out)) << arguments[0] << ": " << json.out;
        if (arguments.size() > 2 && arguments[1] == "del") gabion({"ban", "add", "192.0.2.1"});
        const auto text = gabion(arguments);
        EXPECT_EQ(text.status, 0) << text.err;
        EXPECT_FALSE(text.out.empty()) << arguments[0];
        EXPECT_FALSE(Json::accept(text.out)) << arguments[0] << ": " << text.out;
    }
}

TEST_F(Cli, AProfileNamesStagesReasonsAndMapsThatHoldSomething) {
    ProfileReport& report = server.surface.profile_;
    report.programs_note = "no CAP_SYS_ADMIN";
    counter::StageTimes stages{.packets = 10, .clock_ns = 25.5, .packet_ns = 42.5, .stages = {}};
    stages.stages.push_back({"bans", "the bans", 5, 12.34, 11, 40, 900});
    report.interfaces.push_back({"eth0", "generic", "", 1700, {{"clean", 1700}}, {}, {}, stages});
    report.maps = {{"", "op_e4", "entries", 3000, 6000, 4096}, {"eth0", "queues", "queues", 0, 2, 4096}};
    const std::string out = gabion({"profile"}).out;
    for (const char* wanted : {"eth0 (generic)", "bans            50.0 %     12.3", "42.5", "10 packets timed",
                               "1,700  100.0 %", "no CAP_SYS_ADMIN", "op_e4  3,000  6,000  50.0 %", "empty maps: 1"})
        EXPECT_NE(out.find(wanted), std::string::npos) << wanted << " in\n" << out;
    EXPECT_EQ(out.find("queues"), std::string::npos) << out;
}

TEST_F(Cli, BansComeAndGo) {
    EXPECT_EQ(gabion({"ban", "add", "192.0.2.1", "--for", "1m", "--note", "ticket 7"}).out,
              "192.0.2.1 is banned until 2031-06-23T16:54:20.250Z\n");
    const auto list = gabion({"ban", "list"}).out;
    EXPECT_NE(list.find("192.0.2.1  operator  operator"), std::string::npos) << list;
    EXPECT_NE(list.find("ticket 7"), std::string::npos);
    const auto json = Json::parse(gabion({"ban", "list", "--json"}).out);
    ASSERT_EQ(json.size(), 1u);
    EXPECT_EQ(json[0].at("target"), "192.0.2.1");
    EXPECT_EQ(gabion({"ban", "del", "192.0.2.1"}).status, 0);
    const auto again = gabion({"ban", "del", "192.0.2.1"});
    EXPECT_EQ(again.status, 1);
    EXPECT_EQ(again.err, "gabion: 192.0.2.1 was not banned\n");
    EXPECT_EQ(gabion({"ban", "add", "0.0.0.0/0", "--force"}).status, 0);
}

TEST_F(Cli, LongListingsAreOneArray) {
    std::string text;
    for (int i = 0; i < 2500; ++i)
        text += "10.0." + std::to_string(i / 250) + "." + std::to_string(i % 250) + "\n";
    const auto loaded = gabion({"ban", "load", file_with(text)});
    EXPECT_EQ(loaded.status, 0) << loaded.err;
    EXPECT_EQ(loaded.out, "2,500 addresses are banned, 2,500 of them were not before\n");
    EXPECT_EQ(Json::parse(gabion({"ban", "list", "--json"}).out).size(), 2500u);
    const auto list = gabion({"ban", "list"}).out;
    EXPECT_EQ(std::count(list.begin(), list.end(), '\n'), 2501);
}

TEST_F(Cli, BanLoadReadsStandardInputAndNamesABadLine) {
    EXPECT_EQ(gabion({"ban", "load", "-"}, file_with("192.0.2.1\n")).status, 0);
    const auto bad = gabion({"ban", "load", file_with("192.0.2.1\n192.0.2.2\nnobody\n")});
    EXPECT_EQ(bad.status, 1);
    EXPECT_NE(bad.err.find("3"), std::string::npos) << bad.err;
    EXPECT_NE(bad.err.find("nobody"), std::string::npos) << bad.err;
    EXPECT_NE(bad.err.find("nothing was loaded"), std::string::npos) << bad.err;
    EXPECT_EQ(server.surface.bans_.size(), 1u);
    const auto none = gabion({"ban", "load", "/nowhere/list"});
    EXPECT_EQ(none.status, 1);
    EXPECT_NE(none.err.find("/nowhere/list"), std::string::npos);
    EXPECT_EQ(gabion({"ban", "load", "/tmp"}).status, 1);
}

TEST_F(Cli, ConfigCheckNeedsNoDaemon) {
    path = files.file("none.sock");
    EXPECT_EQ(gabion({"config", "check", file_with("[[interface]]\nname = \"eth0\"\n")}).status, 0);
    const auto bad = gabion({"config", "check", file_with("nonsense = 1\n[[interface]]\nname = \"eth0\"\n")});
    EXPECT_EQ(bad.status, 1);
    EXPECT_NE(bad.err.find(":1:1: nonsense"), std::string::npos) << bad.err;
    EXPECT_EQ(gabion({"config", "check", "/nowhere"}).status, 1);
}

TEST_F(Cli, AReloadThatIsRefusedIsStatusOne) {
    server.surface.reload_ = Error{"gabion.toml:1:1: nonsense: unknown key", EBADMSG};
    const auto done = gabion({"reload"});
    EXPECT_EQ(done.status, 1);
    EXPECT_NE(done.err.find("nonsense"), std::string::npos);
}

TEST_F(Cli, NothingFromTheSocketReachesTheTerminalRaw) {
    server.surface.status_.interfaces = {{"eth0",
                                          "host",
                                          "native",
                                          true,
                                          "\x1b]0;owned\x07 \xc2\x9b"
                                          "31m",
                                          {}}};
    const auto out = gabion({"status"}).out;
    EXPECT_EQ(out.find('\x1b'), std::string::npos);
    EXPECT_EQ(out.find("\xc2\x9b"), std::string::npos);
    EXPECT_NE(out.find("?]0;owned?"), std::string::npos) << out;
}

TEST_F(Cli, AFullDiskIsAnError) {
    if (!std::filesystem::exists("/dev/full")) GTEST_SKIP() << "no /dev/full";
    const std::string command = "GABION_SOCKET=" + path + " " + program() + " status >/dev/full 2>/dev/null";
    EXPECT_EQ(WEXITSTATUS(std::system(command.c_str())), 1);
}

}  // namespace
}  // namespace gabion::cli
