// SPDX-License-Identifier: Apache-2.0
// A ban book over tables in ordinary memory, with times in nanoseconds of boot time, and the orders that tests give it.
#pragma once

#include <gtest/gtest.h>

#include "dataplane/ban/ban_book.h"
#include "tests/unit/ban/host_memory.h"
#include "tests/unit/ban/kernel_reader.h"

namespace gabion::ban {

inline constexpr std::uint64_t second = 1'000'000'000;
inline constexpr std::uint64_t start = 1000 * second;  // boot time at which the tests begin
inline constexpr std::uint32_t hz = 1000;

inline Prefix at(const char* text) { return *Prefix::parse(text); }

inline Prefix address4(std::uint32_t number) {
    Prefix prefix;
    prefix.bytes = {10, static_cast<std::uint8_t>(number >> 16), static_cast<std::uint8_t>(number >> 8),
                    static_cast<std::uint8_t>(number)};
    return prefix;
}

class BanBookTest : public ::testing::Test {
protected:
    static TickClock clock() { return TickClock(hz, {0xfffffff0, start}); }  // jiffies about to wrap: the hardest time

    Order order(gabion_set set, const char* target, std::uint64_t until = never_ns) {
        Order result;
        result.set = set;
        result.target = at(target);
        result.until_ns = until;
        return result;
    }
    Order quarantine(const Prefix& target, double rate = 100) {
        Order result;
        result.set = GABION_SET_QUARANTINE;
        result.target = target;
        result.reason = "heavy-source";
        result.by = "rate";
        result.rate_pps = rate;
        result.evidence = &evidence_;
        return result;
    }
    // Whether the kernel would drop the address at that time, by the tables alone.
    bool dropped(gabion_set set, const char* address, std::uint64_t now) {
        const Prefix source = at(address);
        const SetMemory& memory = memory_.set[set];
        const std::uint32_t value = source.family == Family::v4
                                        ? testing::read4(memory.exact4, host_.control().hash, source.bytes.data())
                                        : testing::read6(memory.exact6, host_.control().hash, source.bytes.data());
        return book_.clock().in_force(value, now);
    }

    testing::HostMemory host_;
    BanMemory memory_ = host_.memory();
    BookOptions options_;
    BanBook book_{memory_, clock(), options_};
    detect::Evidence evidence_{"rate", detect::Standing::unproven, 100, 5000, {{{"source_pps", 50000, 1000}}}, 1};
};

}  // namespace gabion::ban
