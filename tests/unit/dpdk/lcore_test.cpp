// SPDX-License-Identifier: Apache-2.0
// An lcore between two ports made of rings in memory: what is put into one comes out of the other, or is counted.
#include "dataplane/dpdk/lcore.h"

#include <rte_eth_ring.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_ring.h>

#include <cstring>
#include <memory>
#include <optional>
#include <string>

#include <gtest/gtest.h>

#include "bpf/abi/flow.h"
#include "dataplane/ban/address_set.h"
#include "dataplane/ban/named_memory.h"
#include "dataplane/core/host_pipeline.h"
#include "dataplane/counter/totals.h"
#include "dataplane/dpdk/eal.h"
#include "dataplane/dpdk/port.h"
#include "tests/support/packet.h"

namespace gabion::dpdk {
namespace {

using test::Bytes;

constexpr unsigned ring_packets = 128;

// One port, seen from the other end of its cable.
struct Cable {
    explicit Cable(const std::string& name) {
        for (const char* way : {"in", "out"})
            (way[0] == 'i' ? in : out) =
                rte_ring_create((name + way).c_str(), ring_packets, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
        rte_eth_from_rings(name.c_str(), &in, 1, &out, 1, 0);
        auto opened = Port::open("net_ring_" + name, 1);
        if (!opened) throw std::runtime_error(opened.error().text);
        port.emplace(std::move(*opened));
        if (auto started = port->start(); !started) throw std::runtime_error(started.error().text);
    }

    rte_ring* in = nullptr;   // towards the port
    rte_ring* out = nullptr;  // what it sent
    std::optional<Port> port;
};

// Started once: a process has no second chance.
struct Environment {
    static Environment* get() {
        static const std::unique_ptr<Environment> one = make();
        return one.get();
    }
    static std::unique_ptr<Environment> make() {
        auto eal = Eal::start({.devices = {}, .memory_mib = 64, .huge_pages = false});
        if (!eal) {
            ADD_FAILURE() << eal.error().text;
            return nullptr;
        }
        return std::unique_ptr<Environment>(new Environment(std::move(*eal)));
    }
    explicit Environment(Eal started)
        : eal(std::move(started)),
          buffers(rte_pktmbuf_pool_create("tests", 1023, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY)) {}

    Eal eal;
    rte_mempool* buffers;
    Cable outside{"outside"};
    Cable inside{"inside"};
};

class LcoreTest : public ::testing::Test {
protected:
    void SetUp() override {
        environment_ = Environment::get();
        ASSERT_NE(environment_, nullptr);
        auto stages =
            HostStages::on([this](const char* name) { return static_cast<void*>(tables_.memory(name).data()); });
        ASSERT_TRUE(stages) << stages.error().text;
        stages_.emplace(std::move(*stages));
        stages_->settings() = tables_.settings();
        stages_->settings().features |= GABION_FEATURE_INLINE;
        stages_->settings().checks = 0;
        stages_->inside_settings() = {.flow_mask = tables_.settings().flow_mask,
                                      .proven_mask = tables_.settings().proven_mask,
                                      .ephemeral_low = 32768,
                                      .ephemeral_high = 65535,
                                      .features = stages_->settings().features};
        tables_.control().flow_idle_ticks = 10'000;
        tables_.control().sampling = {.one_in = 0, .budget = 100, .period_ticks = 25, .reserved = 0};
        tables_.cpu().sampler.random = 1;
    }
    void TearDown() override {
        for (rte_ring* ring :
             {environment_->inside.out, environment_->outside.out, environment_->inside.in, environment_->outside.in})
            while (take(ring)) {
            }
        const auto totals = counter::of_cpu(tables_.cpu(), counter::Mode::inline_port);
        auto counted = totals;
        counted.handed_back.packets = counter::transmitted(counters_);
        const auto identity =
            counter::identity(counted, counters_, counter::in_flight(tables_.values<gabion_queue>("queues")));
        EXPECT_TRUE(identity.holds()) << identity.stage_off_by << ' ' << identity.handover_off_by;
    }

    Lcore& lcore() {
        if (!lcore_)
            lcore_ =
                std::make_unique<Lcore>(LcoreConfig{.outside = environment_->outside.port->id(),
                                                    .inside = environment_->inside.port->id(),
                                                    .queue = 0,
                                                    .outside_bytes_max = environment_->outside.port->frame_bytes_max(),
                                                    .inside_bytes_max = environment_->inside.port->frame_bytes_max(),
                                                    .stages = &*stages_,
                                                    .ticks = &ticks_,
                                                    .cpu = &tables_.cpu(),
                                                    .inside_cpu = &inside_cpu_,
                                                    .credit = tables_.values<gabion_queue>("queues").data(),
                                                    .counters = &counters_,
                                                    .ports = ports_},
                                        observer_);
        return *lcore_;
    }
    bool round() { return lcore().round(monotonic_now_ns()); }

    void put(rte_ring* ring, const Bytes& frame) {
        rte_mbuf* buffer = rte_pktmbuf_alloc(environment_->buffers);
        ASSERT_NE(buffer, nullptr);
        std::memcpy(rte_pktmbuf_append(buffer, static_cast<std::uint16_t>(frame.size())), frame.data(), frame.size());
        ASSERT_EQ(rte_ring_enqueue(ring, buffer), 0);
    }
    static std::optional<Bytes> take(rte_ring* ring) {
        void* taken = nullptr;
        if (rte_ring_dequeue(ring, &taken) != 0) return std::nullopt;
        auto* buffer = static_cast<rte_mbuf*>(taken);
        const auto* begin = static_cast<const std::byte*>(buffer->buf_addr) + buffer->data_off;
        Bytes frame(begin, begin + buffer->pkt_len);
        rte_pktmbuf_free(buffer);
        return frame;
    }
    void put_outside(const Bytes& frame) { put(environment_->outside.in, frame); }
    void put_inside(const Bytes& frame) { put(environment_->inside.in, frame); }
    std::optional<Bytes> from_inside() { return take(environment_->inside.out); }
    std::optional<Bytes> from_outside() { return take(environment_->outside.out); }

    static Bytes datagram(const std::string& source, std::size_t bytes = 100) {
        return (test::Ethernet{} / test::IPv4{.source = source} / test::UDP{.dport = 9000} / test::Payload{bytes})
            .bytes();
    }

    Environment* environment_ = nullptr;
    HostPipeline tables_;
    std::optional<HostStages> stages_;
    Ticks ticks_{TickClock(250, {.jiffies = 1'000'000, .boot_ns = boot_now_ns()})};
    gabion_cpu inside_cpu_{};
    gabion_worker_counters counters_{};
    gabion_port ports_[GABION_SIDES]{};
    detect::Observer observer_{detect::HashKey{}};
    std::unique_ptr<Lcore> lcore_;
};

TEST_F(LcoreTest, ForwardsWhatIsCleanAsItCame) {
    EXPECT_FALSE(round());
    const Bytes one = datagram("31.0.0.1"), other = datagram("31.0.0.2", 1000);
    put_outside(one);
    put_outside(other);
    EXPECT_TRUE(round());
    EXPECT_EQ(from_inside(), one);
    EXPECT_EQ(from_inside(), other);
    EXPECT_FALSE(from_inside());
    EXPECT_EQ(tables_.cpu().received.packets, 2u);
    EXPECT_EQ(tables_.cpu().reason[GABION_REASON_CLEAN].packets, 2u);
}

TEST_F(LcoreTest, DropsWhatIsBanned) {
    ban::AddressSet bans(ban::set_memory(tables_, GABION_SET_OPERATOR), tables_.control().hash, {}, [] {});
    bans.add(*Prefix::parse("91.0.0.1"), GABION_FOREVER);
    put_outside(datagram("91.0.0.1"));
    put_outside(datagram("91.0.0.2"));
    round();
    EXPECT_EQ(from_inside(), datagram("91.0.0.2"));
    EXPECT_FALSE(from_inside());
    EXPECT_EQ(tables_.cpu().reason[GABION_REASON_BAN_OPERATOR].packets, 1u);
}

TEST_F(LcoreTest, ShowsSamplesToTheDetectorsAndForwardsThem) {
    tables_.control().sampling.one_in = 1;
    put_outside(datagram("31.0.0.1"));
    put_outside(datagram("31.0.0.2"));
    round();
    EXPECT_EQ(from_inside(), datagram("31.0.0.1"));
    EXPECT_EQ(from_inside(), datagram("31.0.0.2"));
    EXPECT_EQ(counters_.received, 2u);
    EXPECT_EQ(counters_.completed, 2u);
    EXPECT_FALSE(observer_.idle());
}

TEST_F(LcoreTest, CountsWhatThePortHasNoRoomFor) {
    for (const std::uint32_t one_in : {0u, 1u}) {
        tables_.control().sampling.one_in = one_in;
        for (unsigned i = 0; i < 2 * ring_packets; ++i) {
            put_outside(datagram("31.0.0.1"));
            if (i % burst_packets == burst_packets - 1) round();
        }
        unsigned arrived = 0;
        while (from_inside())
            ++arrived;
        const unsigned failed = 2 * ring_packets - arrived;
        EXPECT_GE(failed, ring_packets);
        if (one_in == 0)
            EXPECT_EQ(ports_[GABION_SIDE_INSIDE].full + ports_[GABION_SIDE_INSIDE].down, failed);
        else
            EXPECT_EQ(counters_.lost, failed);
    }
}

TEST_F(LcoreTest, CountsWhatIsTooLongForTheOtherPort) {
    put_outside(datagram("31.0.0.1", 1500));
    round();
    EXPECT_FALSE(from_inside());
    EXPECT_EQ(ports_[GABION_SIDE_INSIDE].too_long, 1u);
}

TEST_F(LcoreTest, NotesWhatComesFromInside) {
    const Bytes question = (test::Ethernet{} / test::IPv4{.source = "20.0.0.1", .destination = "31.0.0.1"} /
                            test::UDP{.sport = 50000, .dport = 53} / test::Payload{30})
                               .bytes();
    put_inside(question);
    round();
    EXPECT_EQ(from_outside(), question);
    EXPECT_EQ(inside_cpu_.reason[GABION_REASON_OUTBOUND].packets, 1u);
    EXPECT_EQ(inside_cpu_.received.packets, 1u);
    unsigned noted = 0;
    for (const gabion_flow_bucket& bucket : tables_.values<gabion_flow_bucket>("flows"))
        for (const gabion_flow& flow : bucket.flow)
            noted += flow.kind == GABION_FLOW_OWN;
    EXPECT_EQ(noted, 1u);
}

}  // namespace
}  // namespace gabion::dpdk
