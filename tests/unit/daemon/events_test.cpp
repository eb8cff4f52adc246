// SPDX-License-Identifier: Apache-2.0
#include "control/daemon/events.h"

#include <gtest/gtest.h>

namespace gabion::daemon {
namespace {

using namespace std::chrono_literals;
const auto start = EventLog::Clock::time_point(1h);

std::vector<std::string> texts(const EventLog& log) {
    std::vector<std::string> list;
    for (const Event& event : log.after(0, 100'000))
        list.push_back(event.text);
    return list;
}

TEST(EventLog, NumbersEventsWithoutGaps) {
    EventLog log;
    log.raise(Severity::info, "a", "one", {{"key", "value"}});
    log.raise(Severity::warning, "b", "two");
    const auto events = log.after(0, 10);
    ASSERT_EQ(events.size(), 2u);
    EXPECT_EQ(events[0].id, 1u);
    EXPECT_EQ(events[1].id, 2u);
    EXPECT_EQ(events[0].fields[0].second, "value");
    EXPECT_EQ(log.after(1, 10).size(), 1u);
    EXPECT_EQ(log.after(2, 10).size(), 0u);
    EXPECT_EQ(log.after(99, 10).size(), 0u);
    EXPECT_EQ(log.after(0, 1).size(), 1u);
}

TEST(EventLog, ForgetsTheOldestAndSaysHowMany) {
    EventLog log(100);
    for (int i = 0; i < 250; ++i)
        log.raise_at(start, Severity::info, "kind-" + std::to_string(i), std::to_string(i));
    EXPECT_EQ(texts(log).size(), 100u);
    EXPECT_EQ(texts(log).front(), "150");
    EXPECT_EQ(log.missed_after(0), 150u);
    EXPECT_EQ(log.missed_after(140), 10u);
    EXPECT_EQ(log.missed_after(150), 0u);
    EXPECT_EQ(log.missed_after(250), 0u);
}

TEST(EventLog, TenOfAKindASecondThenASummary) {
    EventLog log;
    for (int i = 0; i < 1000; ++i)
        log.raise_at(start + i * 500us, Severity::info, "flood", "x");
    log.raise_at(start + 600ms, Severity::info, "other", "y");
    EXPECT_EQ(texts(log).size(), 11u) << "another kind is not held back";
    log.tick(start + 999ms);
    EXPECT_EQ(texts(log).size(), 11u);
    log.tick(start + 1s);
    ASSERT_EQ(texts(log).size(), 12u);
    EXPECT_EQ(texts(log).back(), "990 more of flood within a second");
    log.tick(start + 2s);
    EXPECT_EQ(texts(log).size(), 12u) << "told once";
}

TEST(EventLog, TheSummaryComesWithoutATickToo) {
    EventLog log;
    for (int i = 0; i < 11; ++i)
        log.raise_at(start, Severity::warning, "flood", "x");
    log.raise_at(start + 1s, Severity::info, "flood", "next");
    const auto all = log.after(0, 100);
    ASSERT_EQ(all.size(), 12u);
    EXPECT_EQ(all[10].text, "1 more of flood within a second");
    EXPECT_EQ(all[10].severity, Severity::warning);
    EXPECT_EQ(all[11].text, "next");
}

TEST(EventLog, AListenerMayRaiseEventsItself) {
    EventLog log;
    int told = 0;
    log.listen([&](const Event& event) {
        ++told;
        if (event.kind == "cause") log.raise_at(start, Severity::info, "effect", "because");
        if (event.kind == "effect") log.raise_at(start + 5s, Severity::info, "effect", "again");
    });
    for (int i = 0; i < 3; ++i)
        log.raise_at(start, Severity::info, "cause", "x");
    EXPECT_EQ(static_cast<std::size_t>(told), log.after(0, 1000).size());
    EXPECT_LT(told, 100) << "the limit ends the loop";
}

}  // namespace
}  // namespace gabion::daemon
