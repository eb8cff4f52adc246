// SPDX-License-Identifier: Apache-2.0
// Commands that do more than ask and print: the live view, and replay, which asks nobody.
#include "tests/unit/cli/cli_fixture.h"
#include "tests/unit/replay/capture_file.h"

namespace gabion::cli {
namespace {

TEST_F(Cli, TopTellsRatesAsOftenAsAsked) {
    const Done done = gabion({"--json", "top", "--interval", "0.1", "--count", "3"});
    ASSERT_EQ(done.status, 0) << done.err;
    std::istringstream lines(done.out);
    int reports = 0;
    for (std::string line; std::getline(lines, line); ++reports) {
        const auto report = nlohmann::json::parse(line);
        EXPECT_GE(report["seconds"].get<double>(), 0.1);
        EXPECT_TRUE(report["packets"].contains("received"));
        EXPECT_TRUE(report.contains("panic") && report.contains("attacks") && report.contains("interfaces"));
    }
    EXPECT_EQ(reports, 3);
    EXPECT_NE(gabion({"top", "--interval", "0.1", "--count", "1"}).out.find("RECEIVED/s"), std::string::npos);
    EXPECT_EQ(gabion({"top", "--interval", "0"}).status, 2);
}

TEST_F(Cli, ReplayNeedsNoDaemon) {
    replay::test::CaptureFile capture;
    const auto frame = (gabion::test::Ethernet{} / gabion::test::IPv4{} / gabion::test::UDP{}).bytes();
    capture.add(frame, 1);
    capture.add(gabion::test::Bytes(frame.begin(), frame.begin() + 20), 2);
    const Done done = gabion({"--socket", "/nonexistent", "--json", "replay", capture.done()});
    ASSERT_EQ(done.status, 0) << done.err;
    const auto report = nlohmann::json::parse(done.out);
    EXPECT_EQ(report["packets"]["received"], 2);
    EXPECT_EQ(report["drops"]["malformed-ipv4"], 1);
    EXPECT_EQ(report["identity"]["holds"], true);
    EXPECT_EQ(report["files"][0]["seconds"], 1.0);
    EXPECT_NE(gabion({"replay", capture.done()}).out.find("malformed-ipv4"), std::string::npos);
    const Done missing = gabion({"replay", "/nonexistent.pcap"});
    EXPECT_EQ(missing.status, 1);
    EXPECT_NE(missing.err.find("/nonexistent.pcap"), std::string::npos);
}

}  // namespace
}  // namespace gabion::cli
