// SPDX-License-Identifier: Apache-2.0
#include "dataplane/ban/ban_load.h"

#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>

#include <gtest/gtest.h>

#include "dataplane/core/fd.h"
#include "tests/unit/ban/host_memory.h"
#include "tests/unit/ban/kernel_reader.h"

namespace gabion::ban {
namespace {

constexpr std::uint64_t second = 1'000'000'000;
constexpr std::uint64_t start = 1000 * second;

// CPU time of this thread: what the work costs, however busy the machine is.
std::chrono::nanoseconds thread_time() {
    timespec time{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

std::string million_lines() {
    std::string text;
    text.reserve(16u << 20);
    for (std::uint32_t i = 0; i < 1'000'000; ++i) {
        const std::uint32_t address = 0x0b000000u + i * 2654435761u % 0xd0000000u;
        char line[20];
        const int length = std::snprintf(line, sizeof line, "%u.%u.%u.%u\n", address >> 24, address >> 16 & 255,
                                         address >> 8 & 255, address & 255);
        text.append(line, static_cast<std::size_t>(length));
    }
    return text;
}

std::string with_bad_line(std::string text, std::size_t number) {
    std::size_t at = 0;
    for (std::size_t line = 1; line < number; ++line)
        at = text.find('\n', at) + 1;
    return text.replace(at, text.find('\n', at) - at, "192.0.2.300");
}

TEST(TargetFile, LinesOfEveryKind) {
    const auto targets = parse_targets(
        "# our list\n192.0.2.1\n\n  198.51.100.0/24 \t# a net\r\n2001:db8::1 10m\n2001:db8::/32  7d # "
        "both\n203.0.113.9",
        "x", false);
    ASSERT_TRUE(targets) << targets.error().text;
    ASSERT_EQ(targets->size(), 5u);
    EXPECT_EQ((*targets)[0].target.text(), "192.0.2.1");
    EXPECT_EQ((*targets)[1].target.text(), "198.51.100.0/24");
    EXPECT_EQ((*targets)[2].duration_s, 600u);
    EXPECT_EQ((*targets)[3].duration_s, 7 * 86400u);
    EXPECT_EQ((*targets)[4].target.text(), "203.0.113.9");
}

TEST(TargetFile, AnErrorNamesLineAndText) {
    const struct {
        const char* text;
        const char* says;
    } cases[] = {
        {"192.0.2.1\n192.0.2.256\n", "list:2: '192.0.2.256'"},
        {"192.0.2.01\n", "list:1: '192.0.2.01'"},
        {"1.2.3\n", "list:1:"},
        {"1.2.3.4.5\n", "list:1:"},
        {"0.0.0.0/0\n", "unless forced"},
        {"192.0.2.1\n\n::/0\n", "list:3:"},
        {"10.0.0.0/7\n", "list:1:"},
        {"192.0.2.1 forever\n", "'forever' is not a duration"},
        {"192.0.2.1 0s\n", "not a duration"},
        {"192.0.2.1/24\n", "192.0.2.0/24"},
        {"\x7f"
         "ELF\x02\x01\x01\n",
         "'?ELF"},
        {"::ffff:192.0.2.1\n", "list:1:"},
    };
    for (const auto& [text, says] : cases) {
        const auto targets = parse_targets(text, "list", false);
        ASSERT_FALSE(targets) << text;
        EXPECT_NE(targets.error().text.find(says), std::string::npos) << targets.error().text;
        EXPECT_NE(targets.error().text.find("nothing was loaded"), std::string::npos);
    }
    EXPECT_TRUE(parse_targets("0.0.0.0/0\n::/0\n", "list", true));
    EXPECT_TRUE(parse_targets("", "list", false)->empty());
}

TEST(TargetFile, TheFastWayReadsWhatTheCarefulOneReads) {
    for (unsigned i = 0; i < 256; ++i) {
        const std::string text = std::to_string(i) + "." + std::to_string(255 - i) + ".0." + std::to_string(i / 2);
        const auto fast = parse_targets(text, "x", false);
        ASSERT_TRUE(fast);
        EXPECT_EQ((*fast)[0].target, *Prefix::parse(text));
    }
}

TEST(TargetFile, OnlyRegularFilesAreRead) {
    EXPECT_FALSE(read_target_file("/nonexistent/list"));
    EXPECT_FALSE(read_target_file("/dev/zero"));
    EXPECT_FALSE(read_target_file("/tmp"));
    char path[] = "/tmp/gbn-targets-XXXXXX";
    const UniqueFd fd(::mkstemp(path));
    ASSERT_EQ(::write(fd.get(), "192.0.2.1\n", 10), 10);
    const auto content = read_target_file(path);
    ::unlink(path);
    ASSERT_TRUE(content);
    EXPECT_EQ(*content, "192.0.2.1\n");
}

class BanLoadTest : public ::testing::Test {
protected:
    testing::HostMemory host_{{1u << 18, 64, 64, 64, 64}};
    BanMemory memory_ = host_.memory();
    BanBook book_{memory_, TickClock(1000, {1, start})};

    std::uint32_t value(const char* address) {
        return testing::read4(memory_.set[GABION_SET_OPERATOR].exact4, host_.control().hash,
                              Prefix::parse(address)->bytes.data());
    }
};

TEST_F(BanLoadTest, AMillionAddressesAreInForceWithinTheirTime) {
    const std::string text = million_lines();
    const auto begin = thread_time();
    auto targets = parse_targets(text, "list", false);
    ASSERT_TRUE(targets) << targets.error().text;
    BanLoad load(book_, std::move(*targets), Order{}, start);
    std::chrono::nanoseconds longest{0};
    bool done = false;
    while (!done) {
        const auto step_begin = thread_time();
        done = load.step(1000);
        longest = std::max(longest, thread_time() - step_begin);
    }
    const auto took = thread_time() - begin;
    ASSERT_TRUE(load.result()) << load.result().error().text;
    EXPECT_EQ(load.result()->added + load.result()->extended, 1'000'000u);
    EXPECT_EQ(book_.size(GABION_SET_OPERATOR), load.result()->added);
    EXPECT_LT(took, std::chrono::seconds(2));
    EXPECT_LT(book_.memory_bytes(), 64u * 1'000'000);
    RecordProperty("milliseconds", static_cast<int>(took / std::chrono::milliseconds(1)));
    RecordProperty("longest_step_us", static_cast<int>(longest / std::chrono::microseconds(1)));
    RecordProperty("bytes_a_ban", static_cast<int>(book_.memory_bytes() / 1'000'000));
    for (std::size_t at = 0; at < text.size(); at = text.find('\n', at + 200000 % text.size())) {
        if (at != 0) ++at;
        const std::string address = text.substr(at, text.find('\n', at) - at);
        EXPECT_EQ(value(address.c_str()), GABION_FOREVER) << address;
        if (at + 200000 >= text.size()) break;
    }
}

TEST_F(BanLoadTest, ABadLineLoadsNothing) {
    const auto targets = parse_targets(with_bad_line(million_lines(), 500'001), "list", false);
    ASSERT_FALSE(targets);
    EXPECT_NE(targets.error().text.find("list:500001: '192.0.2.300'"), std::string::npos) << targets.error().text;
}

TEST_F(BanLoadTest, WhatDoesNotFitIsUndoneToTheLast) {
    BookOptions options;
    options.limits[GABION_SET_OPERATOR].exact4 = 100;
    BanBook book(memory_, TickClock(1000, {1, start}), options);
    Order before;
    before.target = *Prefix::parse("10.0.0.5");
    before.until_ns = start + 77 * second;
    before.note = "mine";
    ASSERT_TRUE(book.add(before, start));
    std::string text = "10.0.0.5\n10.0.0.5 10s\n";
    for (int i = 0; i < 150; ++i)
        text += "10.0.1." + std::to_string(i) + "\n";
    {
        BanLoad load(book, *parse_targets(text, "list", false), Order{}, start);
        while (!load.step(16)) {
        }
        ASSERT_FALSE(load.result());
        EXPECT_NE(load.result().error().text.find("10.0.1.99"), std::string::npos) << load.result().error().text;
        EXPECT_NE(load.result().error().text.find("[bans] capacity"), std::string::npos);
    }
    EXPECT_EQ(book.size(GABION_SET_OPERATOR), 1u);
    const auto entry = book.find(GABION_SET_OPERATOR, before.target);
    ASSERT_TRUE(entry);
    EXPECT_EQ(entry->note, "mine");
    EXPECT_EQ(entry->until_ns, start + 77 * second);
    EXPECT_EQ(value("10.0.1.5"), 0u);
    EXPECT_EQ(value("10.0.0.5"), book.clock().expiry_at(start + 77 * second, start));
    EXPECT_EQ(host_.control().set[GABION_SET_OPERATOR].exact4, 1u);
    EXPECT_EQ(book.sweep(start + 77 * second), 1u);
}

TEST_F(BanLoadTest, LoadedBansShareWhatIsToldOfThem) {
    Order order;
    order.note = "from list.txt";
    order.until_ns = start + 60 * second;
    {
        BanLoad load(book_, *parse_targets("10.0.0.1\n10.0.0.2 10s\n10.0.0.0/8\n", "list", false), order, start);
        EXPECT_TRUE(load.step(10));
    }
    EXPECT_EQ(book_.find(GABION_SET_OPERATOR, *Prefix::parse("10.0.0.1"))->until_ns, start + 60 * second);
    EXPECT_EQ(book_.find(GABION_SET_OPERATOR, *Prefix::parse("10.0.0.2"))->until_ns, start + 10 * second);
    EXPECT_EQ(book_.find(GABION_SET_OPERATOR, *Prefix::parse("10.0.0.0/8"))->note, "from list.txt");
    EXPECT_EQ(book_.sweep(start + 60 * second), 3u);
    EXPECT_EQ(book_.history(*Prefix::parse("10.0.0.2"))[0].entry.note, "from list.txt");
}

}  // namespace
}  // namespace gabion::ban
