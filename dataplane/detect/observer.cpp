// SPDX-License-Identifier: Apache-2.0
#include "dataplane/detect/observer.h"

#include <algorithm>

#include <boost/lockfree/spsc_queue.hpp>

#include "bpf/abi/reason.h"
#include "bpf/lib/random.h"
#include "dataplane/detect/slot.h"

namespace gabion::detect {
namespace {

constexpr std::uint8_t tcp_protocol = 6;
constexpr std::uint8_t tcp_fin = 0x01, tcp_syn = 0x02, tcp_rst = 0x04, tcp_ack = 0x10;
// A source of which fewer packets were seen in the slot is too light for its connections to matter (100 pps at 1 in 1).
constexpr std::uint32_t lookup_after_samples = 2;
// Each sample of a thin sampling stands for many packets, so that none is too light.
constexpr std::uint32_t lookup_always_from = 8;
constexpr double load_decay = 0.9;        // per slot: a destination is forgotten within about a second
constexpr double promotion_margin = 2.0;  // a newcomer must be this much heavier, so that blocks do not flutter

bool is(const gabion_packet& packet, std::uint8_t mask, std::uint8_t flags) noexcept {
    return packet.protocol == tcp_protocol && (packet.tcp_flags & mask) == flags;
}

bool ends(const gabion_packet& packet) noexcept {
    return packet.protocol == tcp_protocol && (packet.tcp_flags & (tcp_fin | tcp_rst)) != 0;
}

void note_cell(SourceDetail& detail, const gabion_packet& packet, std::uint32_t weight) noexcept {
    const bool same = detail.cell_protocol == packet.protocol && detail.cell_port == packet.destination_port;
    if (same) {
        detail.cell_votes += weight;
    } else if (detail.cell_votes < weight) {
        detail.cell_votes = weight - detail.cell_votes;
        detail.cell_protocol = packet.protocol;
        detail.cell_port = packet.destination_port;
    } else {
        detail.cell_votes -= weight;
    }
}

void note_packet(SourceDetail& detail, const gabion_packet& packet, std::uint32_t weight, unsigned block) noexcept {
    ++detail.samples;
    detail.scale = std::max(detail.scale, weight);
    detail.ttl_min = std::min(detail.ttl_min, packet.ttl);
    detail.ttl_max = std::max(detail.ttl_max, packet.ttl);
    detail.destination = static_cast<std::uint8_t>(block);
    detail.source_port = packet.source_port;
    detail.destination_port = packet.destination_port;
    detail.protocol = packet.protocol;
    if (is(packet, tcp_syn | tcp_ack, tcp_syn)) detail.syn += weight;
    note_cell(detail, packet, weight);
}

template <typename Entry>
void note_light(Entry& entry, std::uint32_t weight) noexcept {
    ++entry.samples;
    entry.scale = std::max(entry.scale, weight);
}

void increment(std::uint16_t& counter) noexcept { counter = static_cast<std::uint16_t>(counter + (counter != 0xffff)); }

}  // namespace

struct SlotExchange {
    boost::lockfree::spsc_queue<SlotSummary*, boost::lockfree::capacity<Observer::slots_max>> full;
    boost::lockfree::spsc_queue<SlotSummary*, boost::lockfree::capacity<Observer::slots_max>> used;
    std::array<SlotSummary, Observer::slots_max> slots;
};

void SlotSummary::clear() noexcept {
    for (unsigned i = 0; i < destinations_max; ++i)
        if ((used_blocks >> i & 1) != 0) destination[i] = DestinationBlock{};
    if (rest_used) {
        destination[rest_block] = DestinationBlock{};
        others.clear();
        networks.clear();
    }
    sources.clear();
    prefixes.clear();
    start_ns = end_ns = packets = used_blocks = 0;
    rest_used = false;
    offered = sighting_count = 0;
}

Observer::Observer(const HashKey& hash, ObserverParts parts)
    : hash_(hash),
      parts_(parts),
      random_(static_cast<std::uint32_t>(hash.first >> 32) | 1u),
      exchange_(std::make_unique<SlotExchange>()) {
    index_.fill(no_block);
    open_ = &exchange_->slots[0];
    for (std::size_t i = 1; i < slots_max; ++i)
        exchange_->used.push(&exchange_->slots[i]);
}

Observer::~Observer() = default;

void Observer::set_flow_lookup(FlowLookup lookup, const void* context) noexcept {
    lookup_ = lookup;
    lookup_context_ = context;
}

bool Observer::idle() const noexcept { return open_->empty(); }
SlotSummary* Observer::take() noexcept {
    SlotSummary* slot = nullptr;
    exchange_->full.pop(slot);
    return slot;
}
void Observer::give_back(SlotSummary* slot) noexcept { exchange_->used.push(slot); }

void Observer::observe(const gabion_packet& packet, const gabion_sample& sample) noexcept {
    if (packet.ip_version == 0) return;
    SlotSummary& slot = *open_;
    const std::uint32_t weight = std::max(sample.one_in, 1u);
    const Key source = Key::from(packet.ip_version, packet.source);
    const Key destination = Key::from(packet.ip_version, packet.destination);
    const std::uint64_t source_hash = hash_of(hash_, source);
    const std::uint64_t destination_hash = hash_of(hash_, destination);
    const unsigned block = block_of(destination, destination_hash);
    if (slot.packets == 0) slot.start_ns = std::max<std::uint64_t>(slot.start_ns, sample.time_ns);
    slot.packets += weight;

    const auto place = slot.sources.add(source_hash, source, 0);
    const bool ask = lookup_ != nullptr && packet.protocol == tcp_protocol && (packet.tcp_flags & tcp_syn) == 0 &&
                     (weight >= lookup_always_from || place.detail.samples >= lookup_after_samples ||
                      place.detail.established != 0 || ends(packet));
    if (ask && lookup_(lookup_context_, packet)) {
        place.detail.established += weight;
        slot.destination[block].key = destination;
        slot.destination[block].established += weight;
        if (ends(packet)) slot.destination[block].ended += weight;
        if (block == rest_block)
            slot.rest_used = true;
        else
            slot.used_blocks |= std::uint64_t{1} << block;
        if (parts_.ttl) keep_sighting(source, packet, weight, block, true);
        return;
    }
    place.count += weight;
    note_packet(place.detail, packet, weight, block);
    // What was picked for being odd is no fair sample of the traffic: it counts as a packet, not in the distributions.
    count_destination(packet, weight, source_hash, block, sample.reason != GABION_REASON_SUSPICIOUS);
    if (block == rest_block) count_other(destination, destination_hash, weight);
    slot.destination[block].key = destination;
    count_prefix(source, source_hash, weight, block);
    if (parts_.ttl) keep_sighting(source, packet, weight, block, false);
}

unsigned Observer::block_of(const Key& destination, std::uint64_t hash) noexcept {
    for (unsigned at = static_cast<unsigned>(hash) & (index_size - 1);; at = (at + 1) & (index_size - 1)) {
        const unsigned block = index_[at];
        if (block == no_block) {
            if (assigned_ == destinations_max) return rest_block;
            index_[at] = static_cast<std::uint8_t>(assigned_);
            block_key_[assigned_] = destination;
            return assigned_++;
        }
        if (block_key_[block] == destination) return block;
    }
}

void Observer::count_destination(const gabion_packet& packet, std::uint32_t weight, std::uint64_t source_hash,
                                 unsigned block, bool fair) noexcept {
    DestinationBlock& to = open_->destination[block];
    if (block == rest_block)
        open_->rest_used = true;
    else
        open_->used_blocks |= std::uint64_t{1} << block;
    to.weight += weight;
    to.scale = std::max(to.scale, weight);
    if (!fair) return;
    ++to.samples;
    if (is(packet, tcp_syn | tcp_ack, tcp_syn)) {
        to.opened += weight;
        ++to.open_samples;
    }
    if (parts_.entropy) increment(to.sources[(source_hash >> 20) & (source_buckets - 1)]);
    if (parts_.size) increment(to.sizes[size_cell(packet)]);
}

void Observer::count_other(const Key& destination, std::uint64_t hash, std::uint32_t weight) noexcept {
    const auto other = open_->others.add(hash, destination, weight);
    note_light(other.detail, weight);
    const Key network = prefix_of(destination, 64);
    note_light(open_->networks.add(hash_of(hash_, network), network, weight).detail, weight);
}

// IPv6 has three prefix lengths to keep. One of them is drawn for each packet and counted threefold (randomised hierarchical heavy
// hitters: Ben Basat et al., SIGCOMM 2017): unbiased, at the price of 1.7 times the standard error.
void Observer::count_prefix(const Key& source, std::uint64_t source_hash, std::uint32_t weight,
                            unsigned block) noexcept {
    static constexpr std::array<unsigned, 3> counted_lengths{64, 56, 48};
    const bool v4 = source.is_v4();
    const Key prefix = prefix_of(source, v4 ? 0 : counted_lengths[random() % 3]);
    const std::uint32_t counted = v4 ? weight : 3 * weight;
    PrefixDetail& detail = open_->prefixes.add(hash_of(hash_, prefix), prefix, counted).detail;
    note_light(detail, counted);
    detail.destination = static_cast<std::uint8_t>(block);
    detail.sources |= std::uint64_t{1} << (source_hash >> 58);
}

void Observer::keep_sighting(const Key& source, const gabion_packet& packet, std::uint32_t weight, unsigned block,
                             bool established) noexcept {
    SlotSummary& slot = *open_;
    std::uint32_t at = slot.offered++;
    if (at >= sightings_max) {
        at = static_cast<std::uint32_t>(std::uint64_t{random()} * slot.offered >> 32);
        if (at >= sightings_max) return;
    } else {
        slot.sighting_count = slot.offered;
    }
    slot.sightings[at] = {source, weight, packet.ttl, static_cast<std::uint8_t>(block), established};
}

void Observer::housekeeping(std::uint64_t now_ns) noexcept {
    if (open_->empty()) {
        open_->start_ns = now_ns;
        return;
    }
    if (now_ns < open_->start_ns + slot_ns) return;
    SlotSummary* next = nullptr;
    if (!exchange_->used.pop(next)) return;  // the analyst is behind: this slot goes on
    open_->end_ns = now_ns;
    promote_destinations();
    exchange_->full.push(open_);
    next->clear();
    next->start_ns = now_ns;
    open_ = next;
}

void Observer::promote_destinations() noexcept {
    for (unsigned i = 0; i < assigned_; ++i) {
        const DestinationBlock& block = open_->destination[i];
        block_load_[i] = block_load_[i] * load_decay + static_cast<double>(block.weight + block.established);
    }
    if (!open_->rest_used) return;
    bool changed = false;
    open_->others.each([&](const NetworkDetail& other, std::uint32_t count) {
        const auto lightest = std::min_element(block_load_.begin(), block_load_.end());
        const double load = static_cast<double>(count - other.error);
        if (load <= promotion_margin * *lightest) return;
        block_key_[static_cast<std::size_t>(lightest - block_load_.begin())] = other.key;
        *lightest = load;
        changed = true;
    });
    if (changed) index_destinations();
}

void Observer::index_destinations() noexcept {
    index_.fill(no_block);
    for (unsigned block = 0; block < assigned_; ++block) {
        unsigned at = static_cast<unsigned>(hash_of(hash_, block_key_[block])) & (index_size - 1);
        while (index_[at] != no_block)
            at = (at + 1) & (index_size - 1);
        index_[at] = static_cast<std::uint8_t>(block);
    }
}

std::uint32_t Observer::random() noexcept { return gabion_random(&random_); }

}  // namespace gabion::detect
