// SPDX-License-Identifier: Apache-2.0
// The short way of usual packets from inside leaves the notes that the whole way leaves.
#include <cstring>
#include <random>
#include <string>

#include <gtest/gtest.h>

#include "bpf/inside.h"
#include "dataplane/core/host_pipeline.h"
#include "tests/support/packet.h"

namespace gabion {
namespace {

using test::Bytes;

constexpr HostTableSizes sizes{.flows = 64, .proven = 4096};

// Tables of a pair, as its inside port sees them.
class Notes {
public:
    Notes() {
        gabion_control& control = tables_.control();
        control.hash = {
            .add = 3, .multiply = {0x9e3779b97f4a7c15, 7, 0xc2b2ae3d27d4eb4f, 13}, .finish = 0x165667b19e3779f9};
        control.flow_idle_ticks = 1000;
        control.connections.proven_ticks = 100'000;
        tables_.values<__u64>("amp_ports")[53 / 64] |= 1ull << (53 % 64);
        pointers_.control = &control;
        pointers_.flows = flows().data();
        pointers_.proven = tables_.values<gabion_proven_bucket>("proven").data();
        pointers_.amp_ports = tables_.values<__u64>("amp_ports").data();
    }

    void port(const Bytes& frame) {
        const auto bytes = ends(frame);
        gabion_inside_port(&notebook_, &bytes, &cpu_);
    }
    void whole_way(const Bytes& frame) {
        const auto bytes = ends(frame);
        gabion_observe(&notebook_, &bytes);
    }
    bool usual(const Bytes& frame) {
        const auto bytes = ends(frame);
        return gabion_note_usual(&notebook_, bytes.data, bytes.data_end) != 0;
    }
    // The answer to what went out comes in.
    void answered(const gabion_packet& packet) {
        const gabion_flow_key key = gabion_flow_out(&packet, &tables_.control().hash);
        gabion_flow_believes(&flows()[key.bucket & settings_.flow_mask], key.tag, &packet, notebook_.now, 1000);
    }
    void wait(__u32 ticks) { notebook_.now += ticks; }

    std::span<gabion_flow_bucket> flows() { return tables_.values<gabion_flow_bucket>("flows"); }
    friend bool same(Notes& one, Notes& other) {
        const auto equal = [&](const char* name) {
            const auto here = one.tables_.memory(name), there = other.tables_.memory(name);
            return here.size() == there.size() && std::memcmp(here.data(), there.data(), here.size()) == 0;
        };
        return equal("flows") && equal("proven");
    }

private:
    static gabion_frame ends(const Bytes& frame) {
        const auto* begin = reinterpret_cast<const __u8*>(frame.data());
        return {begin, begin + frame.size()};
    }

    HostPipeline tables_{sizes};
    gabion_tables pointers_{};
    gabion_egress_settings settings_{.flow_mask = sizes.flows - 1,
                                     .proven_mask = sizes.proven - 1,
                                     .ephemeral_low = 32768,
                                     .ephemeral_high = 60999,
                                     .features = 0};
    gabion_notebook notebook_{&pointers_, &settings_, 10'000};
    gabion_cpu cpu_{};
};

// Of few flows, so that most are met again: questions and none, handshakes, data, bare acknowledgments, ends, tags, fragments, cut ones.
Bytes some_frame(std::mt19937& random) {
    const auto any = [&](unsigned count) { return static_cast<unsigned>(random() % count); };
    const auto port = [&](unsigned count) { return static_cast<std::uint16_t>(40000 + any(count)); };
    const std::string four = "20.0.0." + std::to_string(any(3)), six = "2001:db8::" + std::to_string(any(3));
    const std::uint16_t far = std::array<std::uint16_t, 4>{9, 53, 80, 443}[any(4)];
    const std::uint8_t flags = std::array<std::uint8_t, 6>{0x10, 0x18, 0x02, 0x12, 0x11, 0x04}[any(8) % 6];
    const test::Ethernet ethernet{};
    const test::IPv4 ip4{.source = four.c_str(), .fragment = static_cast<std::uint16_t>(any(20) == 0 ? 0x2000 : 0)};
    const test::IPv6 ip6{.source = six.c_str()};
    const test::UDP udp{.sport = any(4) == 0 ? std::uint16_t{53} : port(4), .dport = far};
    const test::TCP tcp{
        .sport = port(2), .dport = far, .flags = flags, .sequence = any(3) << 16, .acknowledgment = any(3)};
    const test::Payload payload{any(2) * 20};
    const test::Packet packet = any(2) == 0
                                    ? (any(2) == 0 ? ethernet / ip4 / udp / payload : ethernet / ip6 / udp / payload)
                                    : (any(2) == 0 ? ethernet / ip4 / tcp / payload : ethernet / ip6 / tcp / payload);
    Bytes frame = packet.bytes();
    if (any(50) == 0) frame.resize(any(static_cast<unsigned>(frame.size())));
    return frame;
}

TEST(Usual, ShortWayAndWholeWayLeaveTheSameNotes) {
    Notes short_way, whole_way;
    std::mt19937 random(1);
    for (int i = 0; i < 200'000; ++i) {
        const Bytes frame = some_frame(random);
        short_way.port(frame);
        whole_way.whole_way(frame);
        gabion_packet packet;
        if (random() % 4 == 0 && parse(frame, packet) == GABION_REASON_NONE) {
            short_way.answered(packet);
            whole_way.answered(packet);
        }
        if (const auto wait = random() % 1000; wait < 100) {
            short_way.wait(wait == 0 ? 2000 : 1);
            whole_way.wait(wait == 0 ? 2000 : 1);
        }
        ASSERT_TRUE(same(short_way, whole_way)) << "at packet " << i;
    }
}

TEST(Usual, FlowsThatGoOnTakeTheShortWay) {
    const test::Ethernet ethernet{};
    const Bytes question = (ethernet / test::IPv4{} / test::UDP{.sport = 40000, .dport = 9}).bytes();
    const Bytes answer = (ethernet / test::IPv6{} / test::UDP{.sport = 443, .dport = 9}).bytes();
    const Bytes data = (ethernet / test::IPv6{} / test::TCP{.flags = 0x18} / test::Payload{64}).bytes();
    const Bytes reset = (ethernet / test::IPv6{} / test::TCP{.flags = 0x04}).bytes();
    Notes notes;
    for (const Bytes& frame : {question, data}) {
        EXPECT_FALSE(notes.usual(frame)) << "nothing is known of it";
        notes.port(frame);
        EXPECT_TRUE(notes.usual(frame));
    }
    EXPECT_TRUE(notes.usual(answer)) << "says nothing";
    notes.wait(1);
    EXPECT_TRUE(notes.usual(question));
    EXPECT_FALSE(notes.usual(data)) << "once a tick its peer is proven anew";
    notes.port(reset);
    EXPECT_FALSE(notes.usual(data)) << "the connection ended";
}

}  // namespace
}  // namespace gabion
