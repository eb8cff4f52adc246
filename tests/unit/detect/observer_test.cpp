// SPDX-License-Identifier: Apache-2.0
#include "dataplane/detect/observer.h"

#include <atomic>
#include <thread>

#include <gtest/gtest.h>

#include "bpf/abi/reason.h"
#include "dataplane/detect/slot.h"
#include "tests/unit/detect/simulation.h"

namespace gabion::detect::test {
namespace {

constexpr std::uint64_t start_ns = 1'000'000'000;

gabion_sample sample(std::uint32_t one_in, unsigned reason = GABION_REASON_SAMPLED) {
    return {GABION_SAMPLE_MAGIC, static_cast<__u16>(reason), one_in, start_ns};
}

TEST(Observer, WeightsAreWhatSamplesStandFor) {
    Observer observer({});
    observer.housekeeping(start_ns);
    EXPECT_TRUE(observer.idle());
    for (int i = 0; i < 10; ++i)
        observer.observe(packet({}), sample(250));
    observer.observe(packet({}), sample(1, GABION_REASON_SUSPICIOUS));
    EXPECT_FALSE(observer.idle());
    observer.housekeeping(start_ns + slot_ns - 1);
    EXPECT_EQ(observer.take(), nullptr);
    observer.housekeeping(start_ns + slot_ns);
    SlotSummary* slot = observer.take();
    ASSERT_NE(slot, nullptr);
    EXPECT_EQ(slot->packets, 2501u);
    EXPECT_EQ(slot->destination[0].weight, 2501u);
    EXPECT_EQ(slot->destination[0].samples, 10u);  // the suspicious one is no fair sample
    slot->sources.each([](const SourceDetail& detail, std::uint32_t count) {
        EXPECT_EQ(count, 2501u);
        EXPECT_EQ(detail.samples, 11u);
        EXPECT_EQ(detail.key.address().text(), "192.0.2.1");
        EXPECT_EQ(detail.cell_protocol, 17);
        EXPECT_EQ(detail.cell_port, 53);
    });
    slot->prefixes.each(
        [](const PrefixDetail& detail, std::uint32_t) { EXPECT_EQ(prefix_from(detail.key).text(), "192.0.2.0/24"); });
    observer.give_back(slot);
    EXPECT_TRUE(observer.idle());
}

TEST(Observer, NothingIsLostWhileTheAnalystIsBehind) {
    Observer observer({});
    std::uint64_t now = start_ns, offered = 0, seen = 0;
    for (int slot = 0; slot < 50; ++slot) {
        for (int i = 0; i < 100; ++i, ++offered)
            observer.observe(packet({}), sample(1));
        observer.housekeeping(now += slot_ns);
    }
    const auto drain = [&] {
        while (SlotSummary* slot = observer.take()) {
            seen += slot->packets;
            observer.give_back(slot);
        }
    };
    drain();
    EXPECT_LT(seen, offered);
    observer.housekeeping(now += slot_ns);
    drain();
    EXPECT_EQ(seen, offered);
}

TEST(Observer, EstablishedConnectionsAreCountedApart) {
    Observer observer({});
    observer.set_flow_lookup([](const void*, const gabion_packet& of) noexcept { return of.source_port == 1234; },
                             nullptr);
    PacketSpec spec{.protocol = 6, .source_port = 1234, .destination_port = 443, .ip_length = 52};
    for (int i = 0; i < 1000; ++i)
        observer.observe(packet(spec), sample(1));
    spec.tcp_flags = 0x02;
    for (int i = 0; i < 10; ++i)
        observer.observe(packet(spec), sample(1));
    observer.housekeeping(start_ns + slot_ns);
    SlotSummary* slot = observer.take();
    ASSERT_NE(slot, nullptr);
    EXPECT_GE(slot->destination[0].established, 995u);
    EXPECT_EQ(slot->destination[0].established + slot->destination[0].weight, 1010u);
    slot->sources.each([](const SourceDetail& detail, std::uint32_t count) {
        EXPECT_EQ(detail.syn, 10u);
        EXPECT_LE(count, 15u);
    });
    observer.give_back(slot);
}

// More destinations than blocks: the total is kept, the network stands out, and a heavy late-comer gets a block.
TEST(Observer, ManyDestinationsShareTheRest) {
    Observer observer({});
    std::uint64_t now = start_ns;
    const auto send = [&](unsigned last_byte, int count) {
        const auto made = packet({.destination = "198.51.100." + std::to_string(last_byte)});
        for (int i = 0; i < count; ++i)
            observer.observe(made, sample(1));
    };
    for (unsigned i = 0; i < 200; ++i)
        send(i, 5);
    observer.housekeeping(now += slot_ns);
    SlotSummary* slot = observer.take();
    std::uint64_t total = slot->destination[rest_block].weight, networks = 0;
    for (unsigned i = 0; i < destinations_max; ++i)
        total += slot->destination[i].weight;
    slot->networks.each([&](const NetworkDetail& network, std::uint32_t count) {
        networks += count;
        EXPECT_EQ(prefix_from(network.key).text(), "198.51.100.0/24");
    });
    EXPECT_EQ(total, 1000u);
    EXPECT_EQ(networks, (200 - destinations_max) * 5u);
    observer.give_back(slot);

    send(250, 500);
    observer.housekeeping(now += slot_ns);
    observer.give_back(observer.take());
    send(250, 500);
    observer.housekeeping(now += slot_ns);
    slot = observer.take();
    EXPECT_FALSE(slot->rest_used);
    EXPECT_EQ(slot->packets, 500u);
    observer.give_back(slot);
}

// A uniform sample: early and late packets of a crowded slot stand the same chance.
TEST(Observer, SightingsAreAUniformSample) {
    std::uint64_t early = 0, kept = 0;
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        Observer observer({seed * 0x9e3779b97f4a7c15, 77});
        gabion_packet made = packet({});
        for (unsigned i = 0; i < 8000; ++i) {
            made.ttl = i < 4000 ? 10 : 20;
            observer.observe(made, sample(1));
        }
        observer.housekeeping(start_ns + slot_ns);
        SlotSummary* slot = observer.take();
        for (unsigned i = 0; i < slot->sighting_count; ++i)
            early += slot->sightings[i].ttl == 10;
        kept += slot->sighting_count;
        observer.give_back(slot);
    }
    EXPECT_EQ(kept, 20u * sightings_max);
    EXPECT_NEAR(static_cast<double>(early) / static_cast<double>(kept), 0.5, 0.02);
}

TEST(Observer, TwoThreadsLoseNothing) {
    Observer observer({});
    std::atomic<bool> done{false};
    std::uint64_t seen = 0;
    std::thread analyst([&] {
        for (bool last = false; !last;) {
            last = done.load();
            while (SlotSummary* slot = observer.take()) {
                seen += slot->packets;
                observer.give_back(slot);
            }
        }
    });
    std::uint64_t now = start_ns;
    for (int i = 0; i < 200'000; ++i) {
        observer.observe(packet({}), sample(3));
        if (i % 50 == 0) observer.housekeeping(now += slot_ns);
    }
    while (!observer.idle())
        observer.housekeeping(now += slot_ns);
    done = true;
    analyst.join();
    EXPECT_EQ(seen, 600'000u);
}

}  // namespace
}  // namespace gabion::detect::test
