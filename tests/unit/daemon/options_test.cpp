// SPDX-License-Identifier: Apache-2.0
#include "control/daemon/options.h"

#include <vector>

#include <gtest/gtest.h>

namespace gabion::daemon {
namespace {

ParsedOptions parse(std::vector<const char*> arguments) {
    arguments.insert(arguments.begin(), "gabiond");
    testing::internal::CaptureStderr();
    testing::internal::CaptureStdout();
    auto parsed = parse_options(static_cast<int>(arguments.size()), arguments.data());
    testing::internal::GetCapturedStdout();
    const std::string complaint = testing::internal::GetCapturedStderr();
    EXPECT_EQ(complaint.empty(), parsed.exit_status == 0) << complaint;
    return parsed;
}

TEST(DaemonOptions, AreRead) {
    const auto parsed = parse({"--config", "/x.toml", "--interface", "eth0", "--check"});
    ASSERT_TRUE(parsed.options);
    EXPECT_EQ(parsed.options->config, "/x.toml");
    EXPECT_EQ(parsed.options->interface, "eth0");
    EXPECT_TRUE(parsed.options->check);
    EXPECT_EQ(parse({}).options->config, "/etc/gabion/gabion.toml");
    EXPECT_FALSE(parse({}).options->trial);
    EXPECT_TRUE(parse({"--detach"}).options->detach);
}

TEST(DaemonOptions, ATrialTakesFromASecondToAWeek) {
    using namespace std::chrono_literals;
    EXPECT_EQ(parse({"--for", "5m"}).options->trial, 5min);
    EXPECT_EQ(parse({"--for", "1s"}).options->trial, 1s);
    EXPECT_EQ(parse({"--for", "7d"}).options->trial, 24h * 7);
    for (const char* wrong : {"", "0s", "999ms", "8d", "5", "-5m", "soon", "5 m"})
        EXPECT_EQ(parse({"--for", wrong}).exit_status, 2) << wrong;
    EXPECT_EQ(parse({"--for", "5m", "--check"}).exit_status, 2);
    EXPECT_EQ(parse({"--for", "5m", "--detach"}).exit_status, 2);
}

TEST(DaemonOptions, WrongUsageIsStatusTwoAndHelpIsNone) {
    EXPECT_EQ(parse({"--nonsense"}).exit_status, 2);
    EXPECT_EQ(parse({"--config"}).exit_status, 2);
    EXPECT_EQ(parse({"extra"}).exit_status, 2);
    EXPECT_EQ(parse({"--help"}).exit_status, 0);
    EXPECT_FALSE(parse({"--version"}).options);
}

}  // namespace
}  // namespace gabion::daemon
