// SPDX-License-Identifier: Apache-2.0
#include "tests/kernel/homes.h"

#include <cstdlib>
#include <map>
#include <ostream>

#include "bpf/abi/destination.h"
#include "bpf/lib/flow.h"
#include "bpf/lib/proof.h"
#include "dataplane/ban/bloom.h"
#include "dataplane/ban/named_memory.h"

namespace gabion::test {
namespace {

Prefix prefix(const std::string& text) {
    auto parsed = Prefix::parse(text);
    if (!parsed) throw std::invalid_argument(parsed.error().text);
    return *parsed;
}

// Its tables are written anew before a test's first packet.
std::shared_ptr<KernelPipeline> kernel_like(HostPipeline& host) {
    static std::map<std::string, std::shared_ptr<KernelPipeline>> loaded;
    const auto* settings = reinterpret_cast<const char*>(&host.settings());
    std::shared_ptr<KernelPipeline>& one = loaded[std::string(settings, sizeof(gabion_settings))];
    if (!one) one = std::make_shared<KernelPipeline>(host);
    return one;
}

}  // namespace

void Homes::SetUp() {
    if (!KernelPipeline::available()) GTEST_SKIP() << "needs root: loads BPF programs";
    gabion_control& all = control();
    all.flow_idle_ticks = 10'000;
    all.connections.proven_ticks = 10'000;
    all.quarantine_syn_ticks = 250;
    all.sampling = {.one_in = 0, .budget = 100, .period_ticks = 25, .reserved = 0};
    cpu().sampler.random = 0x12345678;
}

HostPipeline& Homes::host() {
    if (!dirty_) expect_agreement();
    dirty_ = true;
    return host_;
}

ban::AddressSet& Homes::set(gabion_set which) {
    if (!sets_[which]) sets_[which] = std::make_unique<ban::AddressSet>(ban::set_memory(host(), which), control().hash);
    return *sets_[which];
}

ban::Place Homes::put(gabion_set which, const std::string& target, std::uint32_t value) {
    ban::AddressSet& tables = set(which);
    const ban::AddressSet::Claim claim = tables.claim(prefix(target));
    EXPECT_TRUE(claim.status == ban::AddStatus::added || claim.status == ban::AddStatus::updated) << target;
    tables.publish(claim, value);
    dirty_ = true;
    return claim.place;
}

void Homes::take(gabion_set which, const std::string& target) {
    EXPECT_TRUE(set(which).remove(prefix(target))) << target;
    while (set(which).compact_lengths()) {
    }
    dirty_ = true;
}

gabion_quarantine& Homes::quarantine(const std::string& target, std::uint32_t value) {
    return *set(GABION_SET_QUARANTINE).state(put(GABION_SET_QUARANTINE, target, value));
}

void Homes::allow(const std::string& target, std::uint32_t skips) {
    ban::AllowBloom bloom(&control(), host().values<std::uint64_t>("allow_bloom"));
    bloom.add(prefix(target));
    put(GABION_SET_ALLOW, target, GABION_ALLOW_ENTRY | skips);
}

void Homes::remember(const std::string& address) {
    ban::KnownSources known(&control(), host().values<std::uint64_t>("known_bloom"), 1'000'000'000, 0);
    known.add(prefix(address));
    control().known_active = 1;
}

gabion_destination& Homes::protect(const std::string& address, std::uint32_t index) {
    const Prefix target = prefix(address);
    ban::SetMemory memory = ban::set_memory(host(), GABION_SET_WATCH);
    gabion_set_header header{};
    memory.exact6 = host().values<gabion_bucket6>("dest_table");
    memory.prefix_map = {};
    memory.header = &header;
    ban::AddressSet table(memory, control().hash);
    Prefix key = target;
    if (target.family == Family::v4) {
        key = Prefix{.family = Family::v6, .length = 128, .bytes = {}};
        key.bytes[10] = key.bytes[11] = 0xff;
        std::copy_n(target.bytes.begin(), 4, key.bytes.begin() + 12);
    }
    EXPECT_EQ(table.add(key, index + 1), ban::AddStatus::added);
    control().destinations = 1;
    gabion_destination& destination = host().values<gabion_destination>("destinations")[index];
    destination.expires = GABION_FOREVER;
    return destination;
}

void Homes::prove(const std::string& address) {
    const auto lines = host().values<gabion_proven_bucket>("proven");
    const std::uint64_t hash = ban::key_hash(control().hash, prefix(address));
    gabion_proof_note(&lines[gabion_hash_index(hash, static_cast<std::uint32_t>(lines.size() - 1))], hash, now_);
}

void Homes::vouch(const Bytes& in, gabion_flow_kind kind, std::uint32_t grants, bool group) {
    gabion_packet packet{};
    ASSERT_EQ(parse(in, packet), GABION_REASON_NONE);
    if (group) packet.source = {};
    const gabion_flow_key key = gabion_flow_in(&packet, &control().hash);
    const auto flows = host().values<gabion_flow_bucket>("flows");
    const gabion_vouch what = {static_cast<std::uint32_t>(kind), grants, 1000, packet.acknowledgment, 0, 0, 0};
    gabion_flow_note(&flows[key.bucket & (flows.size() - 1)], key.tag, &what, now_, control().flow_idle_ticks, 1);
}

int Homes::passed(const Packet& packet, int count) {
    int through = 0;
    for (int i = 0; i < count; i++)
        through += run(packet.bytes()).action == GABION_ACTION_PASS;
    return through;
}

void Homes::employ(std::uint32_t limit, std::uint32_t frame_bytes_max) {
    gabion_queue& queue = host().values<gabion_queue>("queues")[0];
    queue.limit = limit;
    queue.frame_bytes_max = frame_bytes_max;
    queue.epoch = 1;
}

void Homes::load() {
    if (!kernel_) {
        kernel_ = kernel_like(host_);
        pair_ = Backends::make(host_);
    }
    if (dirty_) {
        kernel_->copy_from(host_);
        if (pair_) pair_->copy_from(host_);
    }
    dirty_ = false;
}

HostPipeline::Verdict Homes::run(const Bytes& frame, std::uint32_t queue) {
    load();
    const HostPipeline::Verdict here = host_.run(frame, queue, now_);
    const HostPipeline::Verdict there = kernel_->run(frame, queue, now_);
    EXPECT_EQ(there.reason, here.reason) << "kernel and host disagree";
    EXPECT_EQ(there.action, here.action) << reason_name(here.reason);
    if (here.action == GABION_ACTION_HAND_OVER) {
        EXPECT_EQ(there.one_in, here.one_in);
        EXPECT_EQ(there.instead, here.instead);
    }
    if (pair_ && queue == 0) pair_->run(GABION_SIDE_OUTSIDE, frame, now_);  // its ports have one queue
    reasons_produced()[there.reason < GABION_REASON_COUNT ? there.reason : 0]++;
    return there;
}

void Homes::from_inside(const Bytes& frame) {
    load();
    if (pair_) pair_->run(GABION_SIDE_INSIDE, frame, now_);
}

void Homes::expect_agreement() {
    if (kernel_ && !dirty_) {
        EXPECT_EQ(kernel_->difference(host_), "") << "the homes' tables differ";
        if (pair_) pair_->expect_agreement();
    }
}

std::array<std::uint64_t, GABION_REASON_COUNT>& reasons_produced() {
    static std::array<std::uint64_t, GABION_REASON_COUNT> produced{};
    return produced;
}

std::uint64_t rounds(std::uint64_t usual, std::uint64_t all) {
    const char* asked = std::getenv("GABION_LONG");
    return asked != nullptr && *asked == '1' ? all : usual;
}

const char* reason_name(gabion_reason reason) {
    static constexpr std::array<const char*, GABION_REASON_COUNT> names = {
#define X(id, name, action, help) name,
        GABION_REASONS(X)
#undef X
    };
    return reason < GABION_REASON_COUNT ? names[reason] : "no reason at all";
}

}  // namespace gabion::test
