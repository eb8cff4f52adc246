// SPDX-License-Identifier: Apache-2.0
// Both homes agree: generated packets, valid, truncated and mangled, through filled tables. The same reason for each, and at the end
// the same content in every table and counter. So do both backends of an inline pair, where what might answer the packets comes in by
// the inside port besides. 100,000 packets; a million when GABION_LONG=1.
#include <algorithm>

#include "bpf/abi/destination.h"
#include "bpf/abi/quarantine.h"
#include "bpf/lib/flood.h"
#include "bpf/lib/flow.h"
#include "tests/kernel/homes.h"
#include "tests/support/generator.h"

namespace gabion::test {
namespace {

// The same between the same ends, from the destination to the source: checksums stay right.
Bytes turned(Bytes frame) {
    gabion_packet packet{};
    if (parse(frame, packet) != GABION_REASON_NONE) return frame;
    const auto swap = [&](std::size_t one, std::size_t bytes) {
        const auto begin = frame.begin() + static_cast<std::ptrdiff_t>(one);
        std::swap_ranges(begin, begin + static_cast<std::ptrdiff_t>(bytes), begin + static_cast<std::ptrdiff_t>(bytes));
    };
    const bool v6 = packet.ip_version == 6;
    swap(packet.l3_offset + (v6 ? 8u : 12u), v6 ? 16 : 4);
    if (packet.flags & GABION_PACKET_L4 && packet.protocol != 1 && packet.protocol != 58) swap(packet.l4_offset, 2);
    return frame;
}

class Agree : public Homes {
protected:
    void fill() {
        for (int i = 0; i < 64; i += 5) {
            const std::string last = std::to_string(i);
            put(GABION_SET_OPERATOR, "10.0.0." + last);
            put(GABION_SET_DETECTOR, "2001:db8:0::" + last, now_ + 500 + static_cast<std::uint32_t>(i));
            allow("10.0.1." + last, static_cast<std::uint32_t>(i % 8) << 1);
            allow("2001:db8:1::" + last, static_cast<std::uint32_t>(i % 8) << 1);
            put(GABION_SET_WATCH, "10.0.2." + last, now_ + 100 + static_cast<std::uint32_t>(i));
            fill_quarantine(quarantine("10.0.2." + std::to_string(i + 1)), i);
            fill_quarantine(quarantine("2001:db8:2::" + std::to_string(i + 1)), i);
            remember("10.0.3." + last);
        }
        put(GABION_SET_DETECTOR, "10.0.0.32/27");
        put(GABION_SET_OPERATOR, "2001:db8:3::/60", now_ + 700);
        allow("10.0.1.48/28", GABION_SKIP_RATES);
        put(GABION_SET_WATCH, "2001:db8:1::/48");
        fill_quarantine(quarantine("10.0.2.0/24"), 7);
        gabion_destination& destination = protect("198.51.100.2");
        destination.cap_interval = 3 << 16;
        destination.cap_burst = 9 << 16;
        destination.one_in = 3;
        control().panic = {.trips_below = GABION_TOKEN,
                           .rate = 60 << 16,
                           .depth = 500 << 16,
                           .drop_threshold = 0x40000000,
                           .reserved = 0};
        control().sampling = {.one_in = 16, .budget = 20, .period_ticks = 5, .reserved = 0};
        control().syn.engage_interval = 2 << 16;
        control().syn.engage_burst = 4 << 16;
        control().syn.hold_ticks = 3;
        control().syn.cap_interval = 3 << 16;
        control().syn.way = GABION_SYN_REQUEST;
        employ(64, 400);
    }

    void fill_connections(Generator& generator, std::uint32_t flood_ticks);

    static std::size_t kinds(const gabion_cpu& counted) {
        return static_cast<std::size_t>(std::count_if(std::begin(counted.reason), std::end(counted.reason),
                                                      [](const gabion_count& reason) { return reason.packets > 0; }));
    }

    static void fill_quarantine(gabion_quarantine& state, int kind) {
        state.interval = 2 << 16;
        state.burst = 8 << 16;
        state.flags = static_cast<__u8>(kind % 8);
        state.protocol = 17;
        state.destination_port = 53;
        state.ttl_low = 32;
        state.ttl_high = 128;
    }
};

// What the generator's next packets belong to: notes of every kind, and sockets in every state. A flood for the first half of the run.
void Agree::fill_connections(Generator& generator, std::uint32_t flood_ticks) {
    gabion_flood_raise(&control(), GABION_FLOOD_TCP, now_, flood_ticks);
    control().connections.forwards = 1;
    const auto flows = host().values<gabion_flow_bucket>("flows");
    gabion_socket_notes& sockets = host().values<gabion_socket_notes>("sockets")[0];
    for (std::uint32_t i = 0; i < 600;) {
        gabion_packet packet{};
        if (parse(generator.next(), packet) != GABION_REASON_NONE || packet.protocol != 6) continue;
        const gabion_flow_key key = gabion_flow_in(&packet, &control().hash);
        const gabion_vouch vouch = {1 + i % GABION_FLOW_ESTABLISHED, 5, 5, packet.acknowledgment, i % 2, 0, 0};
        if (i % 9 == 0)
            sockets.note[i / 9 % GABION_SOCKET_NOTES] = {key.bucket, key.tag, 1 + i / 9 % GABION_SOCKET_HELD, 0};
        else
            gabion_flow_note(&flows[key.bucket & (flows.size() - 1)], key.tag, &vouch, now_, 10'000, 1);
        ++i;
    }
}

TEST_F(Agree, OnGeneratedPackets) {
    fill();
    Generator generator(20240229), same(20240229);
    fill_connections(same, 500);
    const std::uint64_t count = rounds(100'000, 1'000'000);
    for (std::uint64_t i = 0; i < count; i++) {
        const Bytes frame = generator.next();
        run(frame);
        if (i % 4 == 0) from_inside(turned(frame));
        if (i % 64 == 63) now_++;
        if (i % 97 == 96) host().values<gabion_queue>("queues")[0].released += generator.below(20);
        if (i % 10'000 == 9'999) expect_agreement();
        if (HasFailure()) FAIL() << "at packet " << i;
    }
    expect_agreement();
    // filled tables and all kinds of packets: most reasons must have come up, else this proves little
    const gabion_cpu& counted = kernel_->values<gabion_cpu>("cpus")[0];
    EXPECT_GE(kinds(counted), 20u);
    EXPECT_EQ(counted.received.packets, count);
    if (!pair_) GTEST_SKIP() << "built without DPDK: an inline pair had no second backend to agree with";
    const gabion_cpu& of_pair = pair_->counted(GABION_SIDE_OUTSIDE);
    EXPECT_GE(kinds(of_pair), 20u);
    EXPECT_GT(of_pair.reason[GABION_REASON_INSPECTED].packets, 0u);
    EXPECT_GE(pair_->counted(GABION_SIDE_INSIDE).reason[GABION_REASON_OUTBOUND].packets, count / 4);
}

}  // namespace
}  // namespace gabion::test
