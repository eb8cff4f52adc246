// SPDX-License-Identifier: Apache-2.0
// A million random and malformed frames of every length through an lcore, both ways, with bans held and the detectors on. Sanitizers watch its
// reads, of which none may leave the frame. After each burst every frame was delivered as it came, or dropped and counted, and
// nothing else; no buffer is lost. The same frames in each run; twenty times as many with GABION_LONG=1.
#include <rte_mbuf.h>

#include <array>
#include <cstdlib>
#include <unordered_map>

#include <gtest/gtest.h>

#include "bpf/abi/control.h"
#include "bpf/lib/flood.h"
#include "dataplane/ban/address_set.h"
#include "dataplane/ban/named_memory.h"
#include "tests/fuzz/guarded_frames.h"
#include "tests/support/generator.h"
#include "tests/support/lcore_bed.h"

namespace gabion::test {
namespace {

// What a port's buffer has room for (RTE_MBUF_DEFAULT_DATAROOM), and an empty frame.
constexpr std::uint32_t lengths = 2048 + 1;
constexpr std::uint32_t start_tick = 1'000'000;

bool long_run() {
    const char* asked = std::getenv("GABION_LONG");
    return asked != nullptr && *asked == '1';
}

struct Sent {
    Bytes bytes;
    std::size_t place;  // in its burst
};
using Burst = std::unordered_map<const rte_mbuf*, Sent>;

class LcoreFuzz : public ::testing::TestWithParam<std::uint32_t> {
protected:
    void SetUp() override {
        std::printf("seed %u, one in %u sampled\n", seed(), GetParam());
        gabion_control& all = bed_.tables.control();
        all.flow_idle_ticks = 10'000;
        all.connections.proven_ticks = 10'000;
        all.sampling = {.one_in = GetParam(), .budget = 1, .period_ticks = 25, .reserved = 0};
        bed_.tables.cpu().sampler.random = 1;
        if (GetParam() > 1) gabion_flood_raise(&all, GABION_FLOOD_TCP, start_tick, UINT32_MAX / 4);
        for (int last = 0; last < 64; last += 5) {
            ban(GABION_SET_OPERATOR, "10.0.0." + std::to_string(last));
            ban(GABION_SET_DETECTOR, "2001:db8:0::" + std::to_string(last));
            ban(GABION_SET_WATCH, "10.0.2." + std::to_string(last));
        }
        ban(GABION_SET_DETECTOR, "10.0.0.32/27");
        ban(GABION_SET_OPERATOR, "2001:db8:3::/60");
        full_ = rte_mempool_avail_count(bed_.cables.buffers);
    }
    void TearDown() override {
        bed_.cables.empty();
        EXPECT_EQ(rte_mempool_avail_count(bed_.cables.buffers), full_) << "buffers are lost";
        EXPECT_EQ(frames_.alive(), 0u);
    }

    [[nodiscard]] static std::uint32_t seed() { return 20261201 + GetParam(); }

    void ban(gabion_set which, const std::string& target) {
        ban::AddressSet set(ban::set_memory(bed_.tables, which), bed_.tables.control().hash, {}, [] {});
        set.add(*Prefix::parse(target), GABION_FOREVER);
    }

    Bytes random_frame() {
        Bytes frame(below(2) ? below(lengths) : below(128));
        for (std::byte& one : frame)
            one = std::byte(generator_.byte());
        return frame;
    }
    // Something that the parser follows for a while, and then not.
    Bytes malformed_frame() {
        Bytes frame = generator_.next();
        generator_.mangle(frame, 1 + below(8));
        if (below(2)) frame.resize(below(static_cast<std::uint32_t>(frame.size()) + 1));
        return frame;
    }
    Bytes frame(std::uint64_t number) {
        switch (below(4)) {
            case 0: {  // each length in its turn
                Bytes frame = generator_.next();
                frame.resize(number % lengths, std::byte(generator_.byte()));
                return frame;
            }
            case 1:
                return random_frame();
            case 2:
                return malformed_frame();
            default:
                return generator_.next();
        }
    }

    Burst put(const Cable& cable, std::uint64_t first) {
        Burst burst;
        for (std::uint16_t i = 0; i < dpdk::burst_packets; ++i) {
            Bytes bytes = frame(first + i);
            const auto memory = below(3) ? GuardedFrames::Memory::exact : GuardedFrames::Memory::pooled;
            rte_mbuf* const buffer = frames_.make(bytes, memory, below(2) ? below(8) : 0);
            EXPECT_TRUE(cable.put(buffer));
            burst.emplace(buffer, Sent{std::move(bytes), i});
        }
        return burst;
    }

    // How many came, each at most once, as it was sent and in its turn.
    static std::uint64_t take(const Cable& cable, Burst& burst) {
        std::uint64_t count = 0;
        std::size_t next = 0;
        while (rte_mbuf* const buffer = cable.take()) {
            const auto sent = burst.find(buffer);
            if (sent == burst.end()) {
                ADD_FAILURE() << "a frame that nobody sent";
                break;
            }
            EXPECT_EQ(bytes_of(buffer), sent->second.bytes);
            EXPECT_GE(sent->second.place, next) << "overtaken";
            next = sent->second.place + 1;
            burst.erase(sent);
            rte_pktmbuf_free(buffer);
            ++count;
        }
        return count;
    }

    static std::uint64_t dropped(const gabion_cpu& cpu) {
        return counter::of_cpu(cpu, counter::Mode::inline_port).dropped.packets;
    }
    // All by which a frame of this way can be accounted for that did not arrive.
    std::uint64_t lost_inwards() {
        return dropped(bed_.tables.cpu()) + bed_.counters.dropped + bed_.counters.lost +
               bed_.ports[GABION_SIDE_INSIDE].too_long;
    }
    std::uint64_t lost_outwards() { return dropped(bed_.inside_cpu) + bed_.ports[GABION_SIDE_OUTSIDE].too_long; }

    void burst(std::uint64_t first, std::uint32_t now) {
        Burst inwards = put(bed_.cables.outside, first), outwards = put(bed_.cables.inside, first);
        const std::uint64_t before_in = lost_inwards(), before_out = lost_outwards();
        EXPECT_TRUE(bed_.round(now));
        arrived_[GABION_SIDE_INSIDE] += take(bed_.cables.inside, inwards);
        arrived_[GABION_SIDE_OUTSIDE] += take(bed_.cables.outside, outwards);
        EXPECT_EQ(lost_inwards() - before_in, inwards.size()) << "what did not arrive is not what was counted";
        EXPECT_EQ(lost_outwards() - before_out, outwards.size());
        EXPECT_EQ(frames_.alive(), 0u) << "a dropped frame was not freed";
        const counter::Identity identity = bed_.identity();
        EXPECT_TRUE(identity.holds()) << identity.stage_off_by << ' ' << identity.handover_off_by;
    }

    std::uint32_t below(std::uint32_t bound) { return generator_.below(bound); }

    LcoreBed bed_;
    GuardedFrames frames_{bed_.cables.buffers};
    Generator generator_{seed()};
    unsigned full_ = 0;
    std::array<std::uint64_t, GABION_SIDES> arrived_{};
};

TEST_P(LcoreFuzz, EveryFrameIsDeliveredAsItCameOrCounted) {
    const std::uint64_t count = long_run() ? 10'000'000 : 500'000;  // both ways together
    std::uint64_t sent = 0;
    for (std::uint32_t now = start_tick; sent < count; now += below(3)) {
        burst(sent / 2, now);
        sent += 2 * dpdk::burst_packets;
        if (HasFailure()) FAIL() << "in the burst that ends with frame " << sent;
        if (sent % (100 * 2 * dpdk::burst_packets) == 0)
            if (auto* slot = bed_.observer.take()) bed_.observer.give_back(slot);
    }
    const gabion_cpu& cpu = bed_.tables.cpu();
    for (const gabion_reason reason : {GABION_REASON_BAN_OPERATOR, GABION_REASON_BAN_DETECTOR, GABION_REASON_SAMPLED,
                                       GABION_REASON_NOT_IP, GABION_REASON_SUSPICIOUS})
        EXPECT_GT(cpu.reason[reason].packets, count / 10'000) << reason;
    EXPECT_GT(bed_.counters.received, count / 100);
    std::printf("%lu frames: %lu arrived inside, %lu outside, %llu were seen by the detectors\n", sent,
                arrived_[GABION_SIDE_INSIDE], arrived_[GABION_SIDE_OUTSIDE], bed_.counters.received);
}

INSTANTIATE_TEST_SUITE_P(Sampling, LcoreFuzz, ::testing::Values(1u, 16u));

// The proof that a read behind a frame would have been seen: the buffer says that the frame is a byte longer than its memory, and the
// stages, which believe it, read the last byte of the destination address there.
class Guard : public LcoreFuzz {};

TEST_P(Guard, AReadOfOneByteBehindAFrameIsFound) {
    ::testing::GTEST_FLAG(death_test_style) = "threadsafe";  // DPDK has a thread of its own
    const Bytes cut = (Ethernet{} / IPv4{.protocol = 253}).cut(14 + 20 - 1);
    for (const auto memory : {GuardedFrames::Memory::exact, GuardedFrames::Memory::pooled})
        EXPECT_DEATH(
            {
                rte_mbuf* const buffer = frames_.make(cut, memory);
                buffer->pkt_len = ++buffer->data_len;
                (void)bed_.cables.outside.put(buffer);
                bed_.round(start_tick);
            },
            "AddressSanitizer: .*gabion_parse_ipv4");
}

INSTANTIATE_TEST_SUITE_P(Sampling, Guard, ::testing::Values(1u));

}  // namespace
}  // namespace gabion::test
