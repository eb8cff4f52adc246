// SPDX-License-Identifier: Apache-2.0
#include "dataplane/map/ban_memory.h"

#include <sys/random.h>

#include <array>
#include <string>

namespace gabion::map {
namespace {

constexpr std::array<const char*, GABION_SET_COUNT> set_names{"allow", "op", "det", "quar", "watch"};

ban::SetMemory set_memory(const MapGroup& shared, const std::string& set) {
    ban::SetMemory memory;
    memory.exact4 = shared.values<gabion_bucket4>(set + "_e4");
    memory.exact6 = shared.values<gabion_bucket6>(set + "_e6");
    memory.prefix4 = shared.values<gabion_bucket4>(set + "_p4");
    memory.prefix6 = shared.values<gabion_bucket6>(set + "_p6");
    memory.hits_exact4 = shared.values<std::uint64_t>(set + "_e4_hits");
    memory.hits_exact6 = shared.values<std::uint64_t>(set + "_e6_hits");
    memory.hits_prefix4 = shared.values<std::uint64_t>(set + "_p4_hits");
    memory.hits_prefix6 = shared.values<std::uint64_t>(set + "_p6_hits");
    memory.state_exact4 = shared.values<gabion_quarantine>(set + "_e4_state");
    memory.state_exact6 = shared.values<gabion_quarantine>(set + "_e6_state");
    memory.state_prefix4 = shared.values<gabion_quarantine>(set + "_p4_state");
    memory.state_prefix6 = shared.values<gabion_quarantine>(set + "_p6_state");
    return memory;
}

void fill_random(gabion_hash_key& key) {
    auto* at = reinterpret_cast<std::byte*>(&key);
    std::size_t left = sizeof key;
    while (left > 0) {
        const ssize_t got = ::getrandom(at, left, 0);
        if (got <= 0) continue;
        at += got;
        left -= static_cast<std::size_t>(got);
    }
    key.finish |= 1;
}

}  // namespace

ban::BanMemory ban_memory(const MapGroup& shared) {
    ban::BanMemory memory;
    memory.control = shared.values<gabion_control>("control").data();
    memory.prefix_map = {.map4 = shared.values<std::uint64_t>("prefix_map4"),
                         .lengths4 = shared.values<gabion_prefix_lengths>("prefix_lengths4"),
                         .map6 = shared.values<gabion_prefix_line6>("prefix_map6"),
                         .lengths6 = shared.values<gabion_prefix_lengths>("prefix_lengths6")};
    for (std::size_t i = 0; i < set_names.size(); ++i) {
        memory.set[i] = set_memory(shared, set_names[i]);
        memory.set[i].header = &memory.control->set[i];
        memory.set[i].prefix_map = memory.prefix_map;
        memory.set[i].set = static_cast<gabion_set>(i);
    }
    memory.allow_bloom = shared.values<std::uint64_t>("allow_bloom");
    memory.known_bloom = shared.values<std::uint64_t>("known_bloom");
    memory.dest_table = shared.values<gabion_bucket6>("dest_table");
    memory.destinations = shared.values<gabion_destination>("destinations");
    return memory;
}

bool prepare_control(gabion_control& control) {
    if (control.abi_version == GABION_ABI_VERSION) return true;
    if (control.abi_version != 0) return false;
    fill_random(control.hash);
    __atomic_store_n(&control.abi_version, GABION_ABI_VERSION, __ATOMIC_RELEASE);
    return true;
}

}  // namespace gabion::map
