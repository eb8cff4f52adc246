// SPDX-License-Identifier: Apache-2.0
#include "control/daemon/map_use.h"

#include <algorithm>
#include <array>
#include <bit>
#include <optional>

#include "bpf/abi/cpu.h"
#include "bpf/abi/flow.h"
#include "bpf/abi/prefix.h"
#include "bpf/abi/proven.h"
#include "bpf/abi/queue.h"
#include "dataplane/ban/named_memory.h"

namespace gabion::daemon {
namespace {

struct Table {
    gabion_set set = GABION_SET_ALLOW;
    ban::TableKind kind = ban::TableKind::exact4;
};

// "op_e4", and "op_e4_hits" beside it.
std::optional<Table> table_of(std::string_view name) {
    constexpr std::array<std::string_view, 4> parts{"e4", "e6", "p4", "p6"};
    for (std::size_t set = 0; set < ban::map_prefixes.size(); ++set) {
        const std::string prefix = std::string(ban::map_prefixes[set]) + "_";
        if (!name.starts_with(prefix)) continue;
        const auto part = std::find(parts.begin(), parts.end(), name.substr(prefix.size(), 2));
        if (part == parts.end()) continue;
        return Table{static_cast<gabion_set>(set), static_cast<ban::TableKind>(part - parts.begin())};
    }
    return std::nullopt;
}

template <typename Values, typename Has>
std::uint64_t count_in(const Values& values, Has has) {
    return static_cast<std::uint64_t>(std::count_if(std::begin(values), std::end(values), has));
}

MapUse bits_of(std::span<const std::uint64_t> words) {
    MapUse use{.unit = "bits", .size = words.size() * 64};
    for (const std::uint64_t word : words)
        use.used += static_cast<std::uint64_t>(std::popcount(word));
    return use;
}

bool has_lengths(const gabion_prefix_lengths& lengths) {
    return std::any_of(std::begin(lengths.of_set), std::end(lengths.of_set), [](auto of) { return of != 0; });
}

bool has_bits(const gabion_prefix_line6& line) {
    const auto set = [](auto word) { return word != 0; };
    return std::any_of(std::begin(line.wide), std::end(line.wide), set) ||
           std::any_of(std::begin(line.narrow), std::end(line.narrow), set);
}

MapUse flows_in(std::span<const gabion_flow_bucket> buckets) {
    MapUse use{.unit = "flows", .size = buckets.size() * GABION_FLOWS_PER_BUCKET};
    for (const gabion_flow_bucket& bucket : buckets)
        use.used += count_in(bucket.flow, [](const gabion_flow& flow) { return flow.tag != 0; });
    return use;
}

MapUse proven_in(std::span<const gabion_proven_bucket> buckets) {
    MapUse use{.unit = "sources", .size = buckets.size() * GABION_PROVEN_PER_BUCKET};
    for (const gabion_proven_bucket& bucket : buckets)
        use.used += count_in(bucket.hash, [](__u64 hash) { return hash != 0; });
    return use;
}

MapUse destinations_in(std::span<const gabion_bucket6> buckets) {
    MapUse use{.unit = "entries", .size = buckets.size() * GABION_SLOTS6};
    for (const gabion_bucket6& bucket : buckets)
        use.used += count_in(bucket.value, [](__u32 value) { return value != 0; });
    return use;
}

MapUse use_of(const map::MapGroup& maps, const std::string& name, std::uint32_t entries) {
    const auto lines = [&](std::uint64_t used) { return MapUse{.unit = "lines", .used = used, .size = entries}; };
    if (name == "allow_bloom" || name == "known_bloom" || name == "prefix_map4")
        return bits_of(maps.values<std::uint64_t>(name));
    if (name == "prefix_map6") return lines(count_in(maps.values<gabion_prefix_line6>(name), has_bits));
    if (name.starts_with("prefix_lengths"))
        return lines(count_in(maps.values<gabion_prefix_lengths>(name), has_lengths));
    if (name == "flows") return flows_in(maps.values<gabion_flow_bucket>(name));
    if (name == "proven") return proven_in(maps.values<gabion_proven_bucket>(name));
    if (name == "dest_table") return destinations_in(maps.values<gabion_bucket6>(name));
    if (name == "destinations")
        return {.unit = "entries", .used = maps.values<gabion_control>("control")[0].destinations, .size = entries};
    if (name == "cpus")
        return {.unit = "CPUs",
                .used = count_in(maps.values<gabion_cpu>(name), [](auto& cpu) { return cpu.received.packets != 0; }),
                .size = entries};
    if (name == "queues")
        return {.unit = "queues",
                .used = count_in(maps.values<gabion_queue>(name), [](auto& queue) { return queue.limit != 0; }),
                .size = entries};
    if (name == "workers")
        return {
            .unit = "workers",
            .used = count_in(maps.values<gabion_worker_counters>(name), [](auto& one) { return one.received != 0; }),
            .size = entries};
    return {.unit = "pages", .used = 1, .size = entries};
}

MapUse named(MapUse use, const map::MapGroup::View& view) {
    use.name = view.name;
    use.bytes = view.bytes;
    return use;
}

}  // namespace

std::vector<MapUse> use_of_sets(const map::MapGroup& shared, const ban::BanBook& book) {
    std::vector<MapUse> uses;
    for (const map::MapGroup::View& view : shared.views()) {
        const auto table = table_of(view.name);
        if (!table) continue;
        const ban::AddressSet& set = book.set(table->set);
        uses.push_back(
            named({.unit = "entries", .used = set.size(table->kind), .size = set.capacity(table->kind)}, view));
    }
    return uses;
}

std::vector<MapUse> use_of_others(const map::MapGroup& shared) {
    std::vector<MapUse> uses;
    for (const map::MapGroup::View& view : shared.views())
        if (!table_of(view.name)) uses.push_back(named(use_of(shared, std::string(view.name), view.entries), view));
    return uses;
}

std::vector<MapUse> use_of_interface(const map::MapGroup& own, const std::string& interface, std::uint64_t sockets) {
    std::vector<MapUse> uses;
    for (const map::MapGroup::View& view : own.views()) {
        MapUse use = view.name == "xsks" ? MapUse{.unit = "sockets", .used = sockets, .size = view.entries}
                                         : use_of(own, std::string(view.name), view.entries);
        use.interface = interface;
        uses.push_back(named(std::move(use), view));
    }
    return uses;
}

}  // namespace gabion::daemon
