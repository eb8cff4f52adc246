// SPDX-License-Identifier: Apache-2.0
#include "dataplane/map/map_group.h"

#include <unistd.h>

#include <algorithm>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

namespace gabion::map {
namespace {

bool has_shape(int fd, const MapSpec& spec) {
    bpf_map_info info{};
    __u32 length = sizeof info;
    return bpf_obj_get_info_by_fd(fd, &info, &length) == 0 && info.type == static_cast<__u32>(spec.type) &&
           info.value_size == spec.value_bytes && info.max_entries == spec.entries && info.map_flags == spec.flags;
}

std::size_t mapped_bytes(const MapSpec& spec) {
    const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    const std::size_t bytes = (static_cast<std::size_t>(spec.value_bytes) + 7) / 8 * 8 * spec.entries;
    return (bytes + page - 1) / page * page;
}

Result<UniqueFd> create(const MapSpec& spec) {
    LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = spec.flags);
    UniqueFd fd(bpf_map_create(spec.type, spec.name.c_str(), sizeof(__u32), spec.value_bytes, spec.entries, &options));
    if (!fd)
        return error_from_errno(errno,
                                "making the map " + spec.name + " of " + std::to_string(spec.entries) + " entries",
                                errno == EPERM ? "run as root" : "lower its capacity in the configuration");
    return fd;
}

}  // namespace

Result<MapGroup::Map> MapGroup::open_one(const PinDirectory& directory, const MapSpec& spec) {
    const std::string pin = directory.entry(spec.name);
    Map map{UniqueFd(bpf_obj_get(pin.c_str())), {}, spec.entries, mapped_bytes(spec)};
    if (!map.fd || !has_shape(map.fd.get(), spec)) {
        directory.remove(spec.name);
        auto made = create(spec);
        if (!made) return made.error();
        map.fd = std::move(*made);
        if (bpf_obj_pin(map.fd.get(), pin.c_str()) != 0) return error_from_errno(errno, "pinning the map " + pin);
        made_.push_back(spec.name);
    }
    if ((spec.flags & BPF_F_MMAPABLE) != 0) {
        auto memory = Mapping::shared(map.fd.get(), mapped_bytes(spec), "the map " + spec.name);
        if (!memory) return memory.error();
        map.memory = std::move(*memory);
    }
    return map;
}

bool MapGroup::fits(const PinDirectory& directory, const std::vector<MapSpec>& specs) {
    return std::all_of(specs.begin(), specs.end(), [&](const MapSpec& spec) {
        const UniqueFd present(bpf_obj_get(directory.entry(spec.name).c_str()));
        return !present || has_shape(present.get(), spec);
    });
}

Result<MapGroup> MapGroup::open(const PinDirectory& directory, const std::vector<MapSpec>& specs) {
    MapGroup group;
    for (const MapSpec& spec : specs) {
        auto map = group.open_one(directory, spec);
        if (!map) return map.error();
        group.bytes_ += map->bytes;
        group.maps_.emplace(spec.name, std::move(*map));
    }
    return group;
}

int MapGroup::fd(std::string_view name) const {
    const auto found = maps_.find(name);
    return found == maps_.end() ? -1 : found->second.fd.get();
}

std::vector<MapGroup::View> MapGroup::views() const {
    std::vector<View> views;
    for (const auto& [name, map] : maps_)
        views.push_back({name, map.entries, map.bytes});
    return views;
}

Result<void> MapGroup::give_to(bpf_object* object) const {
    bpf_map* map = nullptr;
    bpf_object__for_each_map(map, object) {
        std::string_view name = bpf_map__name(map);
        constexpr std::string_view named_as_data = ".data.";  // bpf/maps.h: the control page
        if (name.starts_with(named_as_data)) name.remove_prefix(named_as_data.size());
        const auto found = maps_.find(name);
        if (found == maps_.end()) continue;
        if (bpf_map__reuse_fd(map, found->second.fd.get()) != 0)
            return error_from_errno(errno, "giving the map " + found->first + " to the program");
    }
    return {};
}

}  // namespace gabion::map
