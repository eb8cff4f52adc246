// SPDX-License-Identifier: Apache-2.0
#include "dataplane/core/host_pipeline.h"

#include <algorithm>
#include <array>

#include "bpf/pipeline.h"

namespace gabion {
namespace {

const __u8* bytes_of(std::span<const std::byte> frame) noexcept { return reinterpret_cast<const __u8*>(frame.data()); }

// Any key does for tables that nobody attacks; the owner may write another one.
constexpr gabion_hash_key fixed_key = {
    .add = 0x9e3779b97f4a7c15u,
    .multiply = {0xbf58476d1ce4e5b9u, 0x94d049bb133111ebu, 0xd6e8feb86659fd93u, 0xa0761d6478bd642fu},
    .finish = 0xe7037ed1a0b428dbu,
};

}  // namespace

gabion_reason parse(std::span<const std::byte> frame, gabion_packet& packet) noexcept {
    const __u8* begin = bytes_of(frame);
    const std::uint32_t reason =
        gabion_parse(begin, begin + frame.size(), static_cast<std::uint32_t>(frame.size()), &packet);
    if (packet.ip_version != 0) packet.flags = static_cast<__u16>(packet.flags | gabion_kind(&packet));
    return static_cast<gabion_reason>(reason);
}

template <typename T>
T* HostPipeline::add(std::string_view name, std::size_t entries) {
    memory_.push_back(
        {name, entries * sizeof(T), std::vector<Line>((entries * sizeof(T) + sizeof(Line) - 1) / sizeof(Line))});
    return reinterpret_cast<T*>(memory_.back().lines.data());
}

void HostPipeline::add_sets(const HostTableSizes& sizes) {
    gabion_tables& t = *tables_;
#define GABION_ADD_SET(set)                                      \
    t.set##_e4 = add<gabion_bucket4>(#set "_e4", sizes.exact4);  \
    t.set##_e6 = add<gabion_bucket6>(#set "_e6", sizes.exact6);  \
    t.set##_p4 = add<gabion_bucket4>(#set "_p4", sizes.prefix4); \
    t.set##_p6 = add<gabion_bucket6>(#set "_p6", sizes.prefix6)
    GABION_ADD_SET(allow);
    GABION_ADD_SET(op);
    GABION_ADD_SET(det);
    GABION_ADD_SET(quar);
    GABION_ADD_SET(watch);
#undef GABION_ADD_SET
}

void HostPipeline::add_states(const HostTableSizes& sizes) {
    gabion_tables& t = *tables_;
#define GABION_ADD_BESIDE(set, what, type)                                                         \
    t.set##_e4_##what = add<type>(#set "_e4_" #what, std::size_t{sizes.exact4} * GABION_STRIDE4);  \
    t.set##_e6_##what = add<type>(#set "_e6_" #what, std::size_t{sizes.exact6} * GABION_STRIDE6);  \
    t.set##_p4_##what = add<type>(#set "_p4_" #what, std::size_t{sizes.prefix4} * GABION_STRIDE4); \
    t.set##_p6_##what = add<type>(#set "_p6_" #what, std::size_t{sizes.prefix6} * GABION_STRIDE6)
    GABION_ADD_BESIDE(op, hits, __u64);
    GABION_ADD_BESIDE(det, hits, __u64);
    GABION_ADD_BESIDE(quar, state, gabion_quarantine);
#undef GABION_ADD_BESIDE
}

HostPipeline::HostPipeline(const HostTableSizes& sizes) : tables_(std::make_unique<gabion_tables>()) {
    gabion_tables& t = *tables_;
    t.control = add<gabion_control>("control", 1);
    cpu_ = add<gabion_cpu>("cpus", 1);
    add_sets(sizes);
    add_states(sizes);
    t.prefix_map4 = add<__u64>("prefix_map4", GABION_PREFIX_WORDS4);
    t.prefix_lengths4 = add<gabion_prefix_lengths>("prefix_lengths4", GABION_PREFIX_BLOCKS4);
    t.prefix_map6 = add<gabion_prefix_line6>("prefix_map6", sizes.prefix_lines6);
    t.prefix_lengths6 = add<gabion_prefix_lengths>("prefix_lengths6", sizes.prefix_lines6);
    t.allow_bloom = add<__u64>("allow_bloom", std::size_t{sizes.bloom_words} * 2);
    t.known_bloom = add<__u64>("known_bloom", std::size_t{sizes.bloom_words} * 2);
    t.flows = add<gabion_flow_bucket>("flows", sizes.flows);
    t.proven = add<gabion_proven_bucket>("proven", sizes.proven);
    t.dest_table = add<gabion_bucket6>("dest_table", sizes.destinations);
    t.destinations = add<gabion_destination>("destinations", GABION_DESTINATIONS_MAX);
    t.cells = add<gabion_cell>("cells", GABION_CELLS);
    t.port_rules = add<__u64>("port_rules", GABION_PORT_RULES / GABION_RULES_PER_WORD);
    t.source_sets = add<gabion_source_set>("source_sets", std::size_t{2} * sizes.source_sets);
    t.sources = add<gabion_source>("sources", std::size_t{2} * sizes.source_sets * GABION_SOURCES_PER_SET);
    t.source_limits = add<gabion_source_limits>("source_limits", GABION_SOURCE_LIMITS);
    t.offences = add<gabion_offence>("offences", GABION_OFFENCES);
    t.amp_ports = add<__u64>("amp_ports", GABION_PORT_WORDS);
    t.amp_index = add<__u64>("amp_index", GABION_AMP_INDEX_WORDS);
    t.amp_rules = add<gabion_amp_rule>("amp_rules", GABION_AMP_RULES);
    t.amp_fragments = add<gabion_amp_fragments>("amp_fragments", GABION_AMP_FRAGMENT_BUCKETS);
    t.syn_cells = add<gabion_syn_cell>("syn_cells", sizes.syn);
    t.syn_sources = add<__u64>("syn_sources", sizes.syn);
    t.syn_first = add<__u64>("syn_first", sizes.syn);
    t.queues = add<gabion_queue>("queues", sizes.queues);
    t.sockets = add<gabion_socket_notes>("sockets", 1);

    const gabion_set_masks masks = {sizes.exact4 - 1, sizes.exact6 - 1, sizes.prefix4 - 1, sizes.prefix6 - 1};
    std::fill(std::begin(settings_.mask), std::end(settings_.mask), masks);
    settings_.allow_bloom_mask = settings_.known_bloom_mask = sizes.bloom_words - 1;
    settings_.flow_mask = sizes.flows - 1;
    settings_.proven_mask = sizes.proven - 1;
    settings_.dest_mask = sizes.destinations - 1;
    settings_.source_mask = sizes.source_sets - 1;
    settings_.prefix_mask6 = sizes.prefix_lines6 - 1;
    settings_.syn_cell_mask = settings_.syn_source_mask = settings_.syn_first_mask = sizes.syn - 1;
    settings_.queues = sizes.queues;
    settings_.hz = 250;
    settings_.late_ticks = settings_.hz * GABION_LATE_MS / 1000 + 2;
    settings_.features = GABION_FEATURES_ALL;
    settings_.checks = GABION_CHECKS_DEFAULT;
    t.control->abi_version = GABION_ABI_VERSION;
    t.control->hash = fixed_key;
}

HostPipeline::HostPipeline(HostPipeline&&) noexcept = default;
HostPipeline& HostPipeline::operator=(HostPipeline&&) noexcept = default;
HostPipeline::~HostPipeline() = default;

gabion_control& HostPipeline::control() noexcept { return *tables_->control; }

std::span<std::byte> HostPipeline::memory(std::string_view name) noexcept {
    const auto found =
        std::find_if(memory_.begin(), memory_.end(), [&](const Table& table) { return table.name == name; });
    if (found == memory_.end()) return {};
    return {reinterpret_cast<std::byte*>(found->lines.data()), found->bytes};
}

HostPipeline::Verdict HostPipeline::run(std::span<const std::byte> frame, std::uint32_t queue,
                                        std::uint32_t now_ticks) noexcept {
    const auto length = static_cast<std::uint32_t>(frame.size());
    const __u8* begin = bytes_of(frame);
    const gabion_frame whole = {begin, begin + frame.size()};
    gabion_arrival arrival{};
    gabion_cpu* self = &cpu();

    tables_->settings = &settings_;  // this object may have moved
    gabion_tally(&self->received, length);
    arrival.now = now_ticks;
    arrival.queue = queue;
    arrival.one_in = 1;
    __u32 reason = gabion_front(&whole, tables_.get(), self, &arrival);
    if (reason == GABION_REASON_NONE) reason = gabion_rest(tables_.get(), &whole, self, &arrival);
    const std::uint32_t action = gabion_leave(tables_.get(), self, &reason, length, now_ticks);
    return {static_cast<gabion_reason>(reason), static_cast<gabion_action>(action), arrival.one_in,
            static_cast<gabion_reason>(arrival.instead)};
}

}  // namespace gabion
