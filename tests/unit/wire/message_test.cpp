// SPDX-License-Identifier: Apache-2.0
#include "control/wire/message.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "control/wire/client.h"

namespace gabion::wire {
namespace {

TEST(Message, ARequestIsReadAsItWasWritten) {
    const auto read = read_request(request_line(7, "ban.add", {{"target", "192.0.2.1"}}));
    const auto* request = std::get_if<Request>(&read);
    ASSERT_NE(request, nullptr);
    EXPECT_EQ(request->id, 7);
    EXPECT_EQ(request->method, "ban.add");
    EXPECT_EQ(request->params.at("target"), "192.0.2.1");
    EXPECT_TRUE(request->wants_reply());
}

TEST(Message, ANotificationWantsNoReplyButANullIdDoes) {
    const auto without = read_request(R"({"jsonrpc":"2.0","method":"status"})");
    EXPECT_FALSE(std::get<Request>(without).wants_reply());
    const auto with_null = read_request(R"({"jsonrpc":"2.0","id":null,"method":"status"})");
    EXPECT_TRUE(std::get<Request>(with_null).wants_reply());
}

TEST(Message, NestingIsBoundedBothWays) {
    const auto nested = [](unsigned depth) { return std::string(depth, '[') + std::string(depth, ']'); };
    EXPECT_TRUE(parse_json(nested(nesting_max)));
    EXPECT_FALSE(parse_json(nested(nesting_max + 1)));
    EXPECT_TRUE(parse_json("\"" + std::string(1000, '[') + "\"")) << "brackets in a text do not nest";
    EXPECT_TRUE(parse_json(R"(["\"[[[[[[[[[[[[[[[[[[[[[["])"));
}

TEST(Message, AnswersErrorsAndNotificationsAreTold) {
    const auto answer = read_incoming(result_line(3, {{"mode", "on"}}));
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->id, 3);
    EXPECT_EQ(answer->value.at("mode"), "on");
    const auto error = read_incoming(error_line("x", ErrorCode::failed, "no room"));
    ASSERT_TRUE(error && error->error);
    EXPECT_EQ(error->error->text, "no room");
    EXPECT_EQ(error->error->code, -32000);
    const auto notification = read_incoming(notification_line("event", {{"id", 1}}));
    ASSERT_TRUE(notification);
    EXPECT_EQ(notification->method, "event");
    for (const char* foreign :
         {"HTTP/1.1 400 Bad Request", "{}", "[]", R"({"jsonrpc":"2.0","id":1})", R"({"jsonrpc":"2.0","error":7})",
          R"({"jsonrpc":"2.0","id":1,"error":{"code":"x","message":"y"}})"})
        EXPECT_FALSE(read_incoming(foreign)) << foreign;
}

TEST(Message, TextThatIsNotUtf8IsSentAllTheSame) {
    const auto line = error_line(nullptr, ErrorCode::failed, "bad \xff byte");
    EXPECT_EQ(line.find('\xff'), std::string::npos);
    EXPECT_TRUE(parse_json(line));
}

TEST(Message, ExitStatusFollowsTheCode) {
    EXPECT_EQ(exit_status(-32602), 2);
    EXPECT_EQ(exit_status(-32601), 1);
    EXPECT_EQ(exit_status(-32000), 1);
    EXPECT_EQ(exit_status(ECONNREFUSED), 1);
}

TEST(SealedCopy, HoldsTheTextAndNobodyCanChangeIt) {
    char name[] = "/tmp/gabion-test-XXXXXX";
    const UniqueFd file(::mkstemp(name));
    ASSERT_EQ(::write(file.get(), "192.0.2.1\n", 10), 10);
    const auto copy = sealed_copy(name);
    ::unlink(name);
    ASSERT_TRUE(copy) << copy.error().text;
    char text[16]{};
    EXPECT_EQ(::pread(copy->get(), text, sizeof text, 0), 10);
    EXPECT_STREQ(text, "192.0.2.1\n");
    EXPECT_EQ(::pwrite(copy->get(), "x", 1, 0), -1);
    EXPECT_EQ(::ftruncate(copy->get(), 0), -1);
    EXPECT_FALSE(sealed_copy("/nowhere/list"));
    EXPECT_FALSE(sealed_copy("/tmp")) << "a directory";
}

}  // namespace
}  // namespace gabion::wire
