// SPDX-License-Identifier: Apache-2.0
// The real server on a real socket, and clients that abuse it. Whatever one does, another one's request is answered at once.
#include "control/daemon/server.h"

#include <sys/stat.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "control/wire/client.h"
#include "control/wire/protocol.h"
#include "tests/unit/daemon/running_server.h"

namespace gabion::daemon {
namespace {

using namespace std::chrono_literals;

TEST(Server, AnswersARequest) {
    RunningServer server;
    expect_served(server);
}

TEST(Server, MakesItsSocketForRootAndTheGroupAlone) {
    RunningServer server;
    struct stat status {};
    ASSERT_EQ(::stat(server.path().c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 07777, 0660u);
}

TEST(Server, AnswersRequestsInOrderThoughTheyComeAtOnce) {
    RunningServer server;
    RawClient client(server.path());
    std::string requests;
    for (int i = 0; i < 100; ++i)
        requests += R"({"jsonrpc":"2.0","id":)" + std::to_string(i) + R"(,"method":"panic"})" + "\n";
    ASSERT_TRUE(client.send(requests));
    for (int i = 0; i < 100; ++i)
        EXPECT_EQ(Json::parse(client.line()).at("id"), i);
}

TEST(Server, TellsAGarbledRequestFromAWrongOne) {
    RunningServer server;
    RawClient client(server.path());
    const struct {
        const char* line;
        int code;
    } cases[] = {
        {"garbage", -32700},
        {"\xff\xfe\x00\x01", -32700},
        {"{\"jsonrpc\":\"2.0\",\"id\":1", -32700},
        {"[]", -32600},
        {"{}", -32600},
        {R"({"jsonrpc":"1.0","id":1,"method":"status"})", -32600},
        {R"({"jsonrpc":"2.0","id":1,"method":7})", -32600},
        {R"({"jsonrpc":"2.0","id":{},"method":"status"})", -32600},
        {R"({"jsonrpc":"2.0","id":1,"method":"launch"})", -32601},
        {R"({"jsonrpc":"2.0","id":1,"method":"status","params":[1]})", -32602},
        {R"({"jsonrpc":"2.0","id":1,"method":"status","params":{"colour":1}})", -32602},
        {R"({"jsonrpc":"2.0","id":1,"method":"ban.add","params":{}})", -32602},
        {R"({"jsonrpc":"2.0","id":1,"method":"ban.add","params":{"target":"192.0.2.256"}})", -32602},
        {R"({"jsonrpc":"2.0","id":1,"method":"ban.add","params":{"target":"0.0.0.0/0"}})", -32602},
        {R"({"jsonrpc":"2.0","id":1,"method":"ban.list","params":{"limit":1001}})", -32602},
        {R"({"jsonrpc":"2.0","id":1,"method":"ban.load","params":{}})", -32602},
        {R"({"jsonrpc":"2.0","id":1,"method":"panic","params":{"mode":"maybe"}})", -32602},
    };
    for (const auto& one : cases) {
        ASSERT_TRUE(client.send(std::string(one.line) + "\n"));
        const auto answer = Json::parse(client.line());
        EXPECT_EQ(answer.at("error").at("code"), one.code) << one.line << " -> " << answer;
    }
    ASSERT_TRUE(client.send(std::string(10'000, '[') + "\n"));
    EXPECT_EQ(Json::parse(client.line()).at("error").at("code"), -32700);
    ASSERT_TRUE(client.send(status_request));
    EXPECT_TRUE(Json::parse(client.line()).contains("result")) << "the connection is still good";
}

TEST(Server, CutsOffALineWithoutAnEndAndSaysWhy) {
    RunningServer server;
    RawClient client(server.path());
    const std::string block(1 << 20, 'x');
    bool sent = true;
    for (int i = 0; i < 10 && sent; ++i)
        sent = client.send(block);
    EXPECT_FALSE(sent) << "10 MB were taken";
    EXPECT_NE(client.line().find("cut off: a line is longer than 65536 bytes"), std::string::npos);
    EXPECT_TRUE(comes_true([&] { return server.clients() == 0; }));
    ASSERT_EQ(server.cuts().size(), 1u);
    expect_served(server);
}

TEST(Server, CutsOffHalfALineAfterAWhile) {
    ServerSettings settings;
    settings.request_time_max = 300ms;
    RunningServer server(settings);
    RawClient client(server.path());
    ASSERT_TRUE(client.send(R"({"jsonrpc":"2.0",)"));
    expect_served(server);
    // A byte now and then does not buy more time.
    for (int i = 0; i < 3; ++i) {
        std::this_thread::sleep_for(100ms);
        client.send(" ");
    }
    EXPECT_NE(client.line().find("not complete"), std::string::npos);
    EXPECT_TRUE(comes_true([&] { return server.clients() == 0; }));
}

TEST(Server, CutsOffWhoIsSilentButNotWhoFollows) {
    ServerSettings settings;
    settings.idle_time_max = 300ms;
    RunningServer server(settings);
    RawClient silent(server.path());
    RawClient follower(server.path());
    ASSERT_TRUE(follower.send(R"({"jsonrpc":"2.0","id":1,"method":"events.follow"})"
                              "\n"));
    EXPECT_NE(follower.line().find("result"), std::string::npos);
    EXPECT_NE(silent.line().find("silent"), std::string::npos);
    EXPECT_TRUE(comes_true([&] { return server.clients() == 1; }));
}

TEST(Server, SendsEventsToWhoFollows) {
    RunningServer server;
    auto client = wire::Client::connect(server.path(), 5s);
    ASSERT_TRUE(client);
    ASSERT_TRUE(client->call("events.follow", Json::object()));
    server.raise("attack-began", "it began");
    const auto event = client->next_notification();
    ASSERT_TRUE(event) << event.error().text;
    EXPECT_EQ(event->at("kind"), "attack-began");
    EXPECT_EQ(event->at("text"), "it began");
    const auto listed = client->call("events.list", Json::object());
    ASSERT_TRUE(listed);
    EXPECT_EQ(listed->at("entries").at(0), *event);
}

TEST(Server, CutsOffAFollowerThatDoesNotRead) {
    ServerSettings settings;
    settings.notice_bytes_max = 64 * 1024;
    RunningServer server(settings);
    RawClient client(server.path());
    ASSERT_TRUE(client.send(R"({"jsonrpc":"2.0","id":1,"method":"events.follow"})"
                            "\n"));
    client.line();
    const std::string text(2000, 'x');
    // A kind of its own each, since a kind is limited to ten a second. The kernel's buffer takes some hundred KB first.
    for (int i = 0; i < 2000 && server.clients() > 0; ++i)
        server.raise("kind-" + std::to_string(i), text);
    EXPECT_TRUE(comes_true([&] { return server.clients() == 0; }));
    ASSERT_FALSE(server.cuts().empty());
    EXPECT_NE(server.cuts().front().find("too slowly"), std::string::npos);
    expect_served(server);
}

TEST(Server, AnswersWhoHasFinishedSending) {
    RunningServer server;
    RawClient client(server.path());
    client.send(status_request + status_request);
    ::shutdown(client.fd(), SHUT_WR);
    EXPECT_NE(client.line().find("result"), std::string::npos);
    EXPECT_NE(client.line().find("result"), std::string::npos);
    EXPECT_EQ(client.line(), "");
    EXPECT_TRUE(client.closed);
}

TEST(Server, AMethodThatThrowsFailsAlone) {
    TemporaryDirectory directory;
    auto loop = *EventLoop::create();
    ServerSettings settings;
    settings.path = directory.file("control.sock");
    auto server = Server::listen(*loop, settings, [](const std::string&) {});
    ASSERT_TRUE(server);
    (*server)->add("throw", [](const Json&, Call&) -> Result<Json> { throw std::runtime_error("out of luck"); });
    std::thread thread([&] { EXPECT_TRUE(loop->run()); });
    auto client = wire::Client::connect(settings.path, 5s);
    ASSERT_TRUE(client);
    for (int i = 0; i < 2; ++i) {
        const auto answer = client->call("throw", Json::object());
        ASSERT_FALSE(answer);
        EXPECT_EQ(answer.error().code, static_cast<int>(wire::ErrorCode::internal_error));
    }
    loop->stop();
    thread.join();
}

}  // namespace
}  // namespace gabion::daemon
