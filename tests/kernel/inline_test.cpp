// SPDX-License-Identifier: Apache-2.0
// Inline mode under TEST_RUN: the programs of both ports as they are shipped, on the same tables. What they do with a frame both backends
// must do, too (backends.h).
#include <functional>
#include <memory>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "bpf/abi/clock.h"
#include "bpf/abi/port.h"
#include "bpf/abi/proven.h"
#include "bpf/abi/settings.h"
#include "bpf/lib/flood.h"
#include "dataplane/core/mapping.h"
#include "tests/kernel/homes.h"
#include "tests/kernel/object.h"

namespace gabion::test {
namespace {

constexpr std::uint8_t fin = 1, syn = 2, rst = 4, ack = 16;

class Inline : public ::testing::Test {
protected:
    void SetUp() override {
        if (!KernelPipeline::available()) GTEST_SKIP() << "needs root: loads BPF programs";
        load(0);
    }

    void TearDown() override {
        if (pair_) pair_->expect_agreement();
    }

    // Both ports' programs, sharing tables, with further features.
    void load(std::uint32_t features) {
        libbpf_set_strict_mode(LIBBPF_STRICT_ALL);
        outside_ = open_object("gabion");
        inside_ = open_object("inside");
        gabion_settings judging{};
        judging.queues = 1;
        judging.hz = 250;
        judging.features = (GABION_FEATURES_ALL & ~GABION_FEATURE_SAMPLER) | GABION_FEATURE_INLINE | features;
        judging.checks = GABION_CHECKS_DEFAULT;
        ASSERT_EQ(bpf_map__set_initial_value(map(outside_, ".rodata"), &judging, sizeof(judging)), 0);
        const gabion_egress_settings noting{0, 0, 32768, 65535, features};
        ASSERT_EQ(bpf_map__set_initial_value(map(inside_, ".rodata"), &noting, sizeof(noting)), 0);
        const auto cpus = static_cast<__u32>(libbpf_num_possible_cpus());
        ASSERT_EQ(bpf_map__set_max_entries(map(outside_, "cpus"), cpus), 0);
        ASSERT_EQ(bpf_map__set_max_entries(map(inside_, "inside_cpus"), cpus), 0);
        ASSERT_EQ(bpf_object__load(outside_.get()), 0);
        for (const char* name : {"flows", "proven", "amp_ports", "ports"})
            ASSERT_EQ(bpf_map__reuse_fd(map(inside_, name), fd(outside_, name)), 0) << name;
        ASSERT_EQ(bpf_map__reuse_fd(map(inside_, "control"), fd(outside_, ".data.control")), 0);
        ASSERT_EQ(bpf_object__load(inside_.get()), 0);
        auto mapping = Mapping::shared(fd(outside_, ".data.control"), 4096, "the control page");
        ASSERT_TRUE(mapping);
        page_ = std::move(*mapping);
        HostPipeline like;
        like.settings().features = judging.features;
        pair_ = Backends::make(like);
        if (pair_) pair_->copy_from(like);
        change_control([](gabion_control& all) {
            all.flow_idle_ticks = 100'000;
            all.connections.proven_ticks = 100'000;
        });
        for (const __u32 side : {GABION_SIDE_OUTSIDE, GABION_SIDE_INSIDE}) {
            const __u32 loopback = 1;  // is there, and nothing is sent under TEST_RUN
            ASSERT_EQ(bpf_map_update_elem(fd(outside_, "ports"), &side, &loopback, BPF_ANY), 0);
        }
    }

    static bpf_map* map(const Object& object, const char* name) {
        return bpf_object__find_map_by_name(object.get(), name);
    }
    static int fd(const Object& object, const char* name) { return bpf_map__fd(map(object, name)); }
    gabion_control& control() { return page_.as<gabion_control>()[0]; }
    void change_control(const std::function<void(gabion_control&)>& change) {
        change(control());
        if (pair_) pair_->change_control(change);
    }

    // What becomes of a packet that came in there.
    static xdp_action run(const Object& object, const char* program, const Packet& packet) {
        Bytes frame = packet.padded();
        Bytes out(frame.size() + 256);
        LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame.data(), .data_out = out.data(),
                    .data_size_in = static_cast<__u32>(frame.size()), .data_size_out = static_cast<__u32>(out.size()),
                    .repeat = 1);
        EXPECT_EQ(
            bpf_prog_test_run_opts(bpf_program__fd(bpf_object__find_program_by_name(object.get(), program)), &options),
            0);
        out.resize(options.data_size_out);
        EXPECT_EQ(out, frame) << "a frame that is forwarded is not changed";
        return static_cast<xdp_action>(options.retval);
    }
    xdp_action from_outside(const Packet& packet) {
        return on_both(GABION_SIDE_OUTSIDE, packet, run(outside_, "gabion", packet));
    }
    xdp_action from_inside(const Packet& packet) {
        return on_both(GABION_SIDE_INSIDE, packet, run(inside_, "gabion_inside", packet));
    }
    xdp_action on_both(gabion_side from, const Packet& packet, xdp_action shipped) {
        if (pair_) {
            EXPECT_EQ(pair_->run(from, packet.padded(), now), shipped == XDP_REDIRECT);
        }
        return shipped;
    }

    // Counted under a reason, at the outside or inside port; counts towards the reasons that tests produce.
    static std::uint64_t counted(const Object& object, const char* name, gabion_reason reason) {
        std::uint64_t packets = 0;
        for (__u32 index = 0; index < bpf_map__max_entries(map(object, name)); index++) {
            gabion_cpu cpu{};
            EXPECT_EQ(bpf_map_lookup_elem(fd(object, name), &index, &cpu), 0);
            packets += cpu.reason[reason].packets;
        }
        reasons_produced()[reason] += packets;
        return packets;
    }
    std::uint64_t outside(gabion_reason reason) {
        return as_both(GABION_SIDE_OUTSIDE, reason, counted(outside_, "cpus", reason));
    }
    std::uint64_t inside(gabion_reason reason) {
        return as_both(GABION_SIDE_INSIDE, reason, counted(inside_, "inside_cpus", reason));
    }
    std::uint64_t as_both(gabion_side side, gabion_reason reason, std::uint64_t packets) {
        if (pair_) {
            EXPECT_EQ(pair_->counted(side).reason[reason].packets, packets) << reason_name(reason);
        }
        return packets;
    }

    // A port of the kernel's, as none that is polled can go.
    void take_away(gabion_side side) {
        pair_.reset();
        const __u32 key = side;
        ASSERT_EQ(bpf_map_delete_elem(fd(outside_, "ports"), &key), 0);
    }

    bool proven() {
        const __u32 zero = 0;
        gabion_proven_bucket bucket{};
        EXPECT_EQ(bpf_map_lookup_elem(fd(outside_, "proven"), &zero, &bucket), 0);
        return bucket.hash[0] != 0;
    }

    static Packet in(std::uint8_t flags, std::uint32_t sequence, std::uint32_t acknowledgment, std::size_t bytes = 0) {
        return Ethernet{} / IPv4{} / TCP{.flags = flags, .sequence = sequence, .acknowledgment = acknowledgment} /
               Payload{bytes};
    }
    static Packet out(std::uint8_t flags, std::uint32_t sequence, std::uint32_t acknowledgment, std::size_t bytes = 0) {
        return Ethernet{} / IPv4{.source = "198.51.100.1", .destination = "192.0.2.1"} /
               TCP{.sport = 80,
                   .dport = 40000,
                   .flags = flags,
                   .sequence = sequence,
                   .acknowledgment = acknowledgment} /
               Payload{bytes};
    }

    static constexpr std::uint32_t now = 1'000'000;  // of both backends; the shipped programs' time is the kernel's

    Object outside_;
    Object inside_;
    Mapping page_;
    std::unique_ptr<Backends> pair_;
};

TEST_F(Inline, WhatIsCleanGoesOutOfTheOtherPort) {
    const std::vector<Packet> frames = {
        Ethernet{} / IPv4{} / UDP{} / Payload{30}, Ethernet{} / Vlan{.id = 7} / IPv6{} / TCP{},
        Ethernet{.type = 0x0806} / Payload{46},
        Ethernet{.destination = {0x01, 0x80, 0xc2, 0, 0, 14}, .type = 0x88cc} / Payload{46},
        Ethernet{} / IPv6{.hop_limit = 255} / ICMP{.type = 135} / Payload{16}};
    for (const Packet& frame : frames) {
        EXPECT_EQ(from_outside(frame), XDP_REDIRECT);
        EXPECT_EQ(from_inside(frame), XDP_REDIRECT);
    }
    EXPECT_EQ(outside(GABION_REASON_CLEAN), 2u);
    EXPECT_EQ(outside(GABION_REASON_NOT_IP), 2u);
    EXPECT_EQ(outside(GABION_REASON_NEIGHBOUR), 1u);
    EXPECT_EQ(inside(GABION_REASON_OUTBOUND), frames.size());
}

TEST_F(Inline, WhatComesFromInsideIsNotJudged) {
    EXPECT_EQ(from_inside(Ethernet{} / IPv4{.words = 3} / UDP{}), XDP_REDIRECT) << "malformed";
    EXPECT_EQ(from_inside(Ethernet{} / IPv4{.source = "127.0.0.1"} / UDP{}), XDP_REDIRECT) << "a bogon";
    EXPECT_EQ(from_outside(Ethernet{} / IPv4{.words = 3} / UDP{}), XDP_DROP);
    EXPECT_EQ(from_outside(Ethernet{} / IPv4{.source = "127.0.0.1"} / UDP{}), XDP_DROP);
    EXPECT_EQ(inside(GABION_REASON_OUTBOUND), 2u);
}

TEST_F(Inline, WithoutTheOtherPortAFrameIsDroppedAndCounted) {
    const Packet packet = Ethernet{} / IPv4{} / UDP{} / Payload{30};
    take_away(GABION_SIDE_INSIDE);
    EXPECT_EQ(from_outside(packet), XDP_DROP);
    control().dry_run = 1;
    EXPECT_EQ(from_outside(packet), XDP_DROP) << "a dry run cannot send it either";
    EXPECT_EQ(outside(GABION_REASON_PORT_GONE), 2u);
    EXPECT_EQ(from_inside(packet), XDP_REDIRECT) << "the other way round all is well";
    take_away(GABION_SIDE_OUTSIDE);
    EXPECT_EQ(from_inside(packet), XDP_DROP);
    EXPECT_EQ(inside(GABION_REASON_PORT_GONE), 1u);
}

TEST_F(Inline, ADryRunForwardsWhatItWouldDrop) {
    change_control([](gabion_control& all) { all.dry_run = 1; });
    EXPECT_EQ(from_outside(Ethernet{} / IPv4{.source = "127.0.0.1"} / UDP{}), XDP_REDIRECT);
    EXPECT_EQ(outside(GABION_REASON_DRY_RUN), 1u);
}

TEST_F(Inline, ControlFramesOfALinkStayOnTheirSideIfAsked) {
    load(GABION_FEATURE_LINK_CONTROL);
    const Packet lldp = Ethernet{.destination = {0x01, 0x80, 0xc2, 0, 0, 14}, .type = 0x88cc} / Payload{46};
    EXPECT_EQ(from_outside(lldp), XDP_DROP);
    EXPECT_EQ(from_inside(lldp), XDP_DROP);
    EXPECT_EQ(outside(GABION_REASON_LINK_CONTROL), 1u);
    EXPECT_EQ(inside(GABION_REASON_LINK_CONTROL), 1u);
    EXPECT_EQ(from_outside(Ethernet{.destination = {0x01, 0x80, 0xc2, 0, 0, 0x10}, .type = 0x88cc} / Payload{46}),
              XDP_REDIRECT)
        << "the first address behind";
    EXPECT_EQ(from_inside(Ethernet{.type = 0x0806} / Payload{46}), XDP_REDIRECT) << "ARP is none of them";
}

// A flood is on: only what belongs to a connection passes.
class InlineConnection : public Inline {
protected:
    // From the kernel's own jiffies on, for minutes.
    void flood() {
        Object clock = open_object("clock");
        ASSERT_EQ(bpf_object__load(clock.get()), 0);
        LIBBPF_OPTS(bpf_test_run_opts, options);
        ASSERT_EQ(bpf_prog_test_run_opts(bpf_program__fd(bpf_object__find_program_by_name(clock.get(), "read_clock")),
                                         &options),
                  0);
        const __u32 zero = 0;
        gabion_clock clock_now{};
        ASSERT_EQ(bpf_map_lookup_elem(fd(clock, ".bss"), &zero, &clock_now), 0);
        gabion_flood_raise(&control(), GABION_FLOOD_TCP, static_cast<std::uint32_t>(clock_now.jiffies), 100'000);
        if (pair_)
            pair_->change_control(
                [](gabion_control& all) { gabion_flood_raise(&all, GABION_FLOOD_TCP, now, 100'000); });
    }
};

TEST_F(InlineConnection, AServersConnectionIsKnownAndItsClientProven) {
    flood();
    EXPECT_EQ(from_outside(in(ack, 101, 5001)), XDP_DROP) << "nobody knows it";
    from_inside(out(syn | ack, 5000, 101));
    EXPECT_FALSE(proven());
    EXPECT_EQ(from_outside(in(ack, 101, 7777)), XDP_DROP) << "not the number of the answer";
    EXPECT_EQ(from_outside(in(ack, 101, 5001)), XDP_REDIRECT) << "what completes the handshake";
    from_inside(out(ack, 5001, 101));
    EXPECT_FALSE(proven()) << "the answer to a blind segment looks the same";
    from_inside(out(ack, 5001, 161));
    EXPECT_TRUE(proven()) << "it took data";
    EXPECT_EQ(from_outside(in(ack, 161, 5001)), XDP_REDIRECT);
}

TEST_F(InlineConnection, AClientsServerIsProvenByTheFirstSegmentAfterItsAnswer) {
    flood();
    const auto to = [](std::uint8_t flags, std::uint32_t sequence, std::uint32_t acknowledgment) {
        return Ethernet{} / IPv4{.source = "198.51.100.1", .destination = "192.0.2.1"} /
               TCP{.sport = 40000, .dport = 80, .flags = flags, .sequence = sequence, .acknowledgment = acknowledgment};
    };
    const auto back = [](std::uint8_t flags, std::uint32_t sequence, std::uint32_t acknowledgment) {
        return Ethernet{} / IPv4{} /
               TCP{.sport = 80, .dport = 40000, .flags = flags, .sequence = sequence, .acknowledgment = acknowledgment};
    };
    EXPECT_EQ(from_outside(back(syn | ack, 900, 101)), XDP_DROP) << "nobody asked";
    from_inside(to(syn, 100, 0));
    EXPECT_EQ(from_outside(back(syn | ack, 900, 999)), XDP_DROP);
    EXPECT_EQ(from_outside(back(syn | ack, 900, 101)), XDP_REDIRECT);
    EXPECT_FALSE(proven());
    from_inside(to(ack, 101, 901));
    EXPECT_TRUE(proven());
    from_inside(to(rst, 101, 901));
    EXPECT_EQ(from_outside(back(ack, 901, 101)), XDP_DROP) << "it is over";
}

TEST_F(InlineConnection, ABareAckOfAnUnknownConnectionVouchesInCalmTimesAndProvesNothing) {
    from_inside(out(ack, 5001, 101));
    from_inside(out(ack, 5001, 101));
    EXPECT_FALSE(proven()) << "blind segments get that out of a connection that ended";
    flood();
    EXPECT_EQ(from_outside(in(ack, 101, 5001)), XDP_REDIRECT);
    from_inside(out(ack, 5001, 101, 50));
    EXPECT_TRUE(proven()) << "whoever sends data holds the connection";
}

TEST_F(InlineConnection, InAFloodABareAckOfAnUnknownConnectionVouchesForNothing) {
    flood();
    from_inside(out(ack, 5001, 101));
    EXPECT_EQ(from_outside(in(ack, 101, 5001)), XDP_DROP);
    EXPECT_FALSE(proven());
}

}  // namespace
}  // namespace gabion::test
