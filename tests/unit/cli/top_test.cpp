// SPDX-License-Identifier: Apache-2.0
// Rates from two readings of the counters.
#include <sstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "control/cli/show.h"

namespace gabion::cli {
namespace {

Json counters(std::uint64_t received, std::uint64_t dropped) {
    Json one{{"packets", {{"received", received}, {"dropped", dropped}}},
             {"bytes", {{"received", received * 125}}},
             {"drops", {{"ban-operator", dropped}}},
             {"passes", {{"clean", received - dropped}}}};
    Json all = one;
    all["interfaces"] = {{"eth0", one}};
    return all;
}

TEST(Top, TellsRatesForTheWholeAndForEachInterface) {
    const Json report = top_report(Json::object(), counters(1000, 100), counters(6000, 2100), 2);
    EXPECT_EQ(report["packets"]["received"], 2500);
    EXPECT_EQ(report["drops"]["ban-operator"], 1000);
    EXPECT_EQ(report["interfaces"]["eth0"]["packets"]["dropped"], 1000);
    std::ostringstream out;
    show_top(out, report);
    EXPECT_NE(out.str().find("eth0"), std::string::npos);
    EXPECT_NE(out.str().find("2.5 Mbit/s"), std::string::npos) << out.str();
    EXPECT_NE(out.str().find("dropped: ban-operator"), std::string::npos);
}

TEST(Top, CountersThatBeganAnewAreNoRate) {
    const Json report = top_report(Json::object(), counters(6000, 100), counters(10, 0), 1);
    EXPECT_EQ(report["packets"]["received"], 0);
}

TEST(Top, AnInterfaceThatJustCameHasRatesFromNothing) {
    Json before = counters(0, 0);
    before["interfaces"] = Json::object();
    const Json report = top_report(Json::object(), before, counters(50, 0), 1);
    EXPECT_EQ(report["interfaces"]["eth0"]["packets"]["received"], 50);
}

}  // namespace
}  // namespace gabion::cli
