// SPDX-License-Identifier: Apache-2.0
#include "dataplane/map/shared_maps.h"

#include <algorithm>
#include <bit>

#include "bpf/abi/amplifier.h"
#include "bpf/abi/caps.h"
#include "bpf/abi/control.h"
#include "bpf/abi/cpu.h"
#include "bpf/abi/destination.h"
#include "bpf/abi/flow.h"
#include "bpf/abi/port.h"
#include "bpf/abi/prefix.h"
#include "bpf/abi/proven.h"
#include "bpf/abi/quarantine.h"
#include "bpf/abi/queue.h"
#include "bpf/abi/source.h"
#include "bpf/abi/syn.h"
#include "bpf/abi/table.h"

namespace gabion::map {
namespace {

// Smallest tables: a bucket's neighbours must exist for the probe to be worth anything.
constexpr std::uint32_t buckets_min = 64;

// 16 bits a key in each of the two generations: with four bits of one word, about 0.5 % false positives when full.
constexpr std::uint32_t keys_per_bloom_word = 4;

// Queues come and go (ethtool -L, another card under the same name) while the programs and what they counted stay: so many always have a
// place, and more where the interface can have more.
constexpr std::uint32_t queues_room = 64;

enum class Beside { nothing, hits, quarantine };

template <typename T>
MapSpec array(std::string name, std::uint32_t entries) {
    return {.name = std::move(name), .value_bytes = sizeof(T), .entries = entries};
}

void add_beside(std::vector<MapSpec>& specs, const std::string& table, Beside beside, std::uint32_t slots) {
    if (beside == Beside::hits) specs.push_back(array<std::uint64_t>(table + "_hits", slots));
    if (beside == Beside::quarantine) specs.push_back(array<gabion_quarantine>(table + "_state", slots));
}

void add_set(std::vector<MapSpec>& specs, const std::string& set, std::uint32_t addresses, std::uint32_t prefixes,
             Beside beside) {
    const auto add = [&](const char* part, std::uint32_t entries) {
        const std::string name = set + "_" + part;
        const bool v4 = name.ends_with('4');
        const std::uint32_t buckets = v4 ? buckets4(entries) : buckets6(entries);
        specs.push_back(v4 ? array<gabion_bucket4>(name, buckets) : array<gabion_bucket6>(name, buckets));
        add_beside(specs, name, beside, buckets * (v4 ? GABION_STRIDE4 : GABION_STRIDE6));
    };
    add("e4", addresses);
    add("e6", addresses);
    add("p4", prefixes);
    add("p6", prefixes);
}

std::uint32_t bloom_words(std::uint32_t keys) {
    return 2 * std::bit_ceil(std::max(keys / keys_per_bloom_word, buckets_min));
}

std::uint32_t source_sets(std::uint32_t sources) {
    return 2 * std::bit_ceil(std::max(sources / GABION_SOURCES_PER_SET, buckets_min));
}

// Four prefixes a line when every set is full: a source outside all of them then meets a set bit in one case of 32.
std::uint32_t prefix_lines6(const Capacities& capacities) {
    const std::uint32_t prefixes = capacities.operator_prefixes + 3 * capacities.prefixes + capacities.watch;
    return std::bit_ceil(std::max(prefixes / 4, buckets_min));
}

}  // namespace

std::uint32_t buckets4(std::uint32_t entries) noexcept {
    return std::bit_ceil(std::max((entries + 3) / 4, buckets_min));
}

std::uint32_t buckets6(std::uint32_t entries) noexcept { return std::bit_ceil(std::max(entries, buckets_min)); }

// Two thirds full at most, so that a line seldom has to give up a source that still counts.
std::uint32_t proven_buckets(std::uint32_t sources) noexcept {
    return std::bit_ceil(std::max(sources / 3, buckets_min));
}

std::vector<MapSpec> shared_maps(const Capacities& capacities) {
    std::vector<MapSpec> specs{array<gabion_control>("control", 1)};
    add_set(specs, "allow", capacities.allow, capacities.prefixes, Beside::nothing);
    add_set(specs, "op", capacities.operator_bans, capacities.operator_prefixes, Beside::hits);
    add_set(specs, "det", capacities.detector_bans, capacities.prefixes, Beside::hits);
    add_set(specs, "quar", capacities.quarantine, capacities.prefixes, Beside::quarantine);
    add_set(specs, "watch", capacities.watch, capacities.watch, Beside::nothing);
    const std::uint32_t lines6 = prefix_lines6(capacities);
    specs.push_back(array<std::uint64_t>("prefix_map4", GABION_PREFIX_WORDS4));
    specs.push_back(array<gabion_prefix_lengths>("prefix_lengths4", GABION_PREFIX_BLOCKS4));
    specs.push_back(array<gabion_prefix_line6>("prefix_map6", lines6));
    specs.push_back(array<gabion_prefix_lengths>("prefix_lengths6", lines6));
    specs.push_back(array<std::uint64_t>("allow_bloom", bloom_words(2 * capacities.allow)));
    specs.push_back(array<std::uint64_t>("known_bloom", bloom_words(capacities.known_sources)));
    specs.push_back(array<gabion_flow_bucket>("flows", std::bit_ceil(capacities.flows / GABION_FLOWS_PER_BUCKET)));
    specs.push_back(array<gabion_proven_bucket>("proven", proven_buckets(capacities.proven)));
    specs.push_back(array<gabion_bucket6>("dest_table", buckets6(2 * GABION_DESTINATIONS_MAX)));
    specs.push_back(array<gabion_destination>("destinations", GABION_DESTINATIONS_MAX));
    specs.push_back(array<gabion_cell>("cells", GABION_CELLS));
    specs.push_back(array<std::uint64_t>("port_rules", GABION_PORT_RULES / GABION_RULES_PER_WORD));
    const std::uint32_t sets = source_sets(capacities.sources);
    specs.push_back(array<gabion_source_set>("source_sets", sets));
    specs.push_back(array<gabion_source>("sources", sets * GABION_SOURCES_PER_SET));
    specs.push_back(array<gabion_source_limits>("source_limits", GABION_SOURCE_LIMITS));
    specs.push_back(array<gabion_offence>("offences", GABION_OFFENCES));
    specs.push_back(array<std::uint64_t>("amp_ports", GABION_PORT_WORDS));
    specs.push_back(array<std::uint64_t>("amp_index", GABION_AMP_INDEX_WORDS));
    specs.push_back(array<gabion_amp_rule>("amp_rules", GABION_AMP_RULES));
    specs.push_back(array<gabion_amp_fragments>("amp_fragments", GABION_AMP_FRAGMENT_BUCKETS));
    specs.push_back(array<gabion_syn_cell>("syn_cells", capacities.syn_cells));
    specs.push_back(array<std::uint64_t>("syn_sources", capacities.syn_sources));
    specs.push_back(array<std::uint64_t>("syn_first", capacities.syn_first));
    return specs;
}

std::vector<MapSpec> interface_maps(std::uint32_t cpus, std::uint32_t queues) {
    queues = std::bit_ceil(std::max(queues, queues_room));
    return {array<gabion_cpu>("cpus", cpus),
            array<gabion_queue>("queues", queues),
            array<gabion_worker_counters>("workers", queues),
            MapSpec{.name = "xsks",
                    .value_bytes = sizeof(std::uint32_t),
                    .entries = queues,
                    .type = BPF_MAP_TYPE_XSKMAP,
                    .flags = 0},
            MapSpec{.name = "ports",
                    .value_bytes = sizeof(std::uint32_t),
                    .entries = GABION_SIDES,
                    .type = BPF_MAP_TYPE_DEVMAP,
                    .flags = 0},
            array<gabion_port>("port_counts", GABION_SIDES),
            array<gabion_cpu>("inside_cpus", cpus)};
}

}  // namespace gabion::map
