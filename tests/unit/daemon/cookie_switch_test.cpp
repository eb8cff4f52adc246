// SPDX-License-Identifier: Apache-2.0
// The sysctl is changed from 1 alone, remembered before, and put back by whoever comes next. A file stands for it.
#include "control/daemon/cookie_switch.h"

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "tests/unit/daemon/temporary_directory.h"

namespace gabion::daemon {
namespace {

class CookieSwitchTest : public ::testing::Test {
protected:
    CookieSwitchTest() {
        std::filesystem::create_directories(directory_.file("state"));
        set(1);
    }

    CookieSwitch open(const std::string& place = "here") const { return {state(), sysctl(), place}; }
    std::string state() const { return directory_.file("state/syncookies"); }
    std::string sysctl() const { return directory_.file("tcp_syncookies"); }
    void set(int value) const { std::ofstream(sysctl()) << value << "\n"; }
    int value() const {
        int value = -1;
        std::ifstream(sysctl()) >> value;
        return value;
    }
    bool remembered() const { return std::filesystem::exists(state()); }

    TemporaryDirectory directory_;
};

TEST_F(CookieSwitchTest, ChangesItWhileWantedAndPutsItBack) {
    CookieSwitch one = open();
    EXPECT_FALSE(one.tend(false));
    EXPECT_EQ(value(), 1);
    const auto changed = one.tend(true);
    ASSERT_TRUE(changed);
    EXPECT_FALSE(changed->bad);
    EXPECT_EQ(value(), 2);
    EXPECT_TRUE(remembered());
    EXPECT_FALSE(one.tend(true)) << "told once";
    ASSERT_TRUE(one.tend(false));
    EXPECT_EQ(value(), 1);
    EXPECT_FALSE(remembered());
    EXPECT_FALSE(one.tend(false));
}

TEST_F(CookieSwitchTest, TheNextOnePutsBackWhatAKilledOneLeft) {
    (void)open().tend(true);
    CookieSwitch next = open();
    EXPECT_FALSE(next.tend(true)) << "the flood goes on";
    EXPECT_EQ(value(), 2);
    EXPECT_TRUE(next.tend(false));
    EXPECT_EQ(value(), 1);
}

TEST_F(CookieSwitchTest, WhatWasLeftBeforeTheBootOrElsewhereIsNotOurs) {
    (void)open("another boot").tend(true);
    CookieSwitch next = open();
    EXPECT_FALSE(next.tend(false));
    EXPECT_EQ(value(), 2) << "somebody's";
}

TEST_F(CookieSwitchTest, TheOperatorsWordStays) {
    CookieSwitch one = open();
    for (const int word : {0, 2}) {
        set(word);
        EXPECT_FALSE(one.tend(true));
        EXPECT_FALSE(one.tend(false));
        EXPECT_EQ(value(), word);
        EXPECT_FALSE(remembered());
    }
    set(1);
    (void)one.tend(true);
    set(0);
    EXPECT_FALSE(one.tend(true)) << "set while it was changed";
    EXPECT_FALSE(one.tend(false));
    EXPECT_EQ(value(), 0);
    EXPECT_FALSE(remembered());
}

TEST_F(CookieSwitchTest, AnotherThatEndsItsFloodIsMadeGood) {
    CookieSwitch one = open();
    (void)one.tend(true);
    set(1);
    EXPECT_TRUE(one.tend(true));
    EXPECT_EQ(value(), 2);
    (void)one.tend(false);
    EXPECT_EQ(value(), 1);
}

TEST_F(CookieSwitchTest, WhatCannotBeRememberedIsNotChanged) {
    std::filesystem::remove_all(directory_.file("state"));
    CookieSwitch one = open();
    const auto failed = one.tend(true);
    ASSERT_TRUE(failed);
    EXPECT_TRUE(failed->bad);
    EXPECT_EQ(value(), 1);
    EXPECT_FALSE(one.obstacle().empty());
    EXPECT_FALSE(one.tend(true)) << "not tried again, nor told";
    std::filesystem::create_directories(directory_.file("state"));
    one.forget_obstacle();
    EXPECT_TRUE(one.obstacle().empty());
    (void)one.tend(true);
    EXPECT_EQ(value(), 2);
}

TEST_F(CookieSwitchTest, AKernelWithoutThemIsToldBeforehand) {
    std::filesystem::remove(sysctl());
    CookieSwitch one = open();
    EXPECT_NE(one.obstacle().find("without SYN cookies"), std::string::npos);
    EXPECT_FALSE(one.tend(true));
    EXPECT_FALSE(std::filesystem::exists(sysctl()));
}

}  // namespace
}  // namespace gabion::daemon
