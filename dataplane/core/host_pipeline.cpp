// SPDX-License-Identifier: Apache-2.0
#include "dataplane/core/host_pipeline.h"

#include <algorithm>

#include "bpf/abi/connection.h"
#include "bpf/lib/tables.h"

namespace gabion {
namespace {

// Any key does for tables that nobody attacks; the owner may write another one.
constexpr gabion_hash_key fixed_key = {
    .add = 0x9e3779b97f4a7c15u,
    .multiply = {0xbf58476d1ce4e5b9u, 0x94d049bb133111ebu, 0xd6e8feb86659fd93u, 0xa0761d6478bd642fu},
    .finish = 0xe7037ed1a0b428dbu,
};

void put_settings(const HostTableSizes& sizes, gabion_settings& settings) {
    const gabion_set_masks masks = {sizes.exact4 - 1, sizes.exact6 - 1, sizes.prefix4 - 1, sizes.prefix6 - 1};
    std::fill(std::begin(settings.mask), std::end(settings.mask), masks);
    settings.allow_bloom_mask = settings.known_bloom_mask = sizes.bloom_words - 1;
    settings.flow_mask = sizes.flows - 1;
    settings.proven_mask = sizes.proven - 1;
    settings.dest_mask = sizes.destinations - 1;
    settings.source_mask = sizes.source_sets - 1;
    settings.prefix_mask6 = sizes.prefix_lines6 - 1;
    settings.syn_cell_mask = settings.syn_source_mask = settings.syn_first_mask = sizes.syn - 1;
    settings.queues = sizes.queues;
    settings.hz = 250;
    settings.late_ticks = settings.hz * GABION_LATE_MS / 1000 + 2;
    settings.features = GABION_FEATURES_ALL;
    settings.checks = GABION_CHECKS_DEFAULT;
}

}  // namespace

template <typename T>
void HostPipeline::add(std::string_view name, std::size_t entries) {
    memory_.push_back({std::string(name), entries * sizeof(T),
                       std::vector<Line>((entries * sizeof(T) + sizeof(Line) - 1) / sizeof(Line))});
}

void HostPipeline::add_set(const std::string& set, const HostTableSizes& sizes) {
    add<gabion_bucket4>(set + "_e4", sizes.exact4);
    add<gabion_bucket6>(set + "_e6", sizes.exact6);
    add<gabion_bucket4>(set + "_p4", sizes.prefix4);
    add<gabion_bucket6>(set + "_p6", sizes.prefix6);
}

template <typename T>
void HostPipeline::add_beside(const std::string& set, const char* what, const HostTableSizes& sizes) {
    add<T>(set + "_e4_" + what, std::size_t{sizes.exact4} * GABION_STRIDE4);
    add<T>(set + "_e6_" + what, std::size_t{sizes.exact6} * GABION_STRIDE6);
    add<T>(set + "_p4_" + what, std::size_t{sizes.prefix4} * GABION_STRIDE4);
    add<T>(set + "_p6_" + what, std::size_t{sizes.prefix6} * GABION_STRIDE6);
}

void HostPipeline::add_others(const HostTableSizes& sizes) {
    add<gabion_control>("control", 1);
    add<gabion_cpu>("cpus", 1);
    add<__u64>("prefix_map4", GABION_PREFIX_WORDS4);
    add<gabion_prefix_lengths>("prefix_lengths4", GABION_PREFIX_BLOCKS4);
    add<gabion_prefix_line6>("prefix_map6", sizes.prefix_lines6);
    add<gabion_prefix_lengths>("prefix_lengths6", sizes.prefix_lines6);
    add<__u64>("allow_bloom", std::size_t{sizes.bloom_words} * 2);
    add<__u64>("known_bloom", std::size_t{sizes.bloom_words} * 2);
    add<gabion_flow_bucket>("flows", sizes.flows);
    add<gabion_proven_bucket>("proven", sizes.proven);
    add<gabion_bucket6>("dest_table", sizes.destinations);
    add<gabion_destination>("destinations", GABION_DESTINATIONS_MAX);
    add<gabion_cell>("cells", GABION_CELLS);
    add<__u64>("port_rules", GABION_PORT_RULES / GABION_RULES_PER_WORD);
    add<gabion_source_set>("source_sets", std::size_t{2} * sizes.source_sets);
    add<gabion_source>("sources", std::size_t{2} * sizes.source_sets * GABION_SOURCES_PER_SET);
    add<gabion_source_limits>("source_limits", GABION_SOURCE_LIMITS);
    add<gabion_offence>("offences", GABION_OFFENCES);
    add<__u64>("amp_ports", GABION_PORT_WORDS);
    add<__u64>("amp_index", GABION_AMP_INDEX_WORDS);
    add<gabion_amp_rule>("amp_rules", GABION_AMP_RULES);
    add<gabion_amp_fragments>("amp_fragments", GABION_AMP_FRAGMENT_BUCKETS);
    add<gabion_syn_cell>("syn_cells", sizes.syn);
    add<__u64>("syn_sources", sizes.syn);
    add<__u64>("syn_first", sizes.syn);
    add<gabion_queue>("queues", sizes.queues);
    add<gabion_socket_notes>("sockets", 1);
}

HostPipeline::HostPipeline(const HostTableSizes& sizes) {
    for (const char* set : {"allow", "op", "det", "quar", "watch"})
        add_set(set, sizes);
    add_beside<__u64>("op", "hits", sizes);
    add_beside<__u64>("det", "hits", sizes);
    add_beside<gabion_quarantine>("quar", "state", sizes);
    add_others(sizes);
    cpu_ = values<gabion_cpu>("cpus").data();
    stages_.emplace(*HostStages::on([this](const char* name) { return memory(name).data(); }));
    put_settings(sizes, settings());
    control().abi_version = GABION_ABI_VERSION;
    control().hash = fixed_key;
}

HostPipeline::HostPipeline(HostPipeline&&) noexcept = default;
HostPipeline& HostPipeline::operator=(HostPipeline&&) noexcept = default;
HostPipeline::~HostPipeline() = default;

std::span<std::byte> HostPipeline::memory(std::string_view name) noexcept {
    const auto found =
        std::find_if(memory_.begin(), memory_.end(), [&](const Table& table) { return table.name == name; });
    if (found == memory_.end()) return {};
    return {reinterpret_cast<std::byte*>(found->lines.data()), found->bytes};
}

}  // namespace gabion
