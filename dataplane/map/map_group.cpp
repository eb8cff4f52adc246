// SPDX-License-Identifier: Apache-2.0
#include "dataplane/map/map_group.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

namespace gabion::map {
namespace {

bool has_shape(int fd, const MapSpec& spec) {
    bpf_map_info info{};
    __u32 length = sizeof info;
    return bpf_obj_get_info_by_fd(fd, &info, &length) == 0 && info.type == static_cast<__u32>(spec.type) &&
           info.value_size == spec.value_bytes && info.max_entries == spec.entries &&
           (info.map_flags & ~BPF_F_RDONLY_PROG) == spec.flags;  // the kernel adds it to a DEVMAP
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

// What resized() makes, until it takes its name. A killed daemon leaves it behind; whoever opens the group takes it away.
std::string name_beside(const std::string& name) { return name + "_next"; }

}  // namespace

Result<MapGroup::Shared> MapGroup::mapped(UniqueFd fd, const MapSpec& spec) {
    Map map{std::move(fd), {}, spec.entries, mapped_bytes(spec)};
    if ((spec.flags & BPF_F_MMAPABLE) != 0) {
        auto memory = Mapping::shared(map.fd.get(), mapped_bytes(spec), "the map " + spec.name);
        if (!memory) return memory.error();
        map.memory = std::move(*memory);
    }
    return std::make_shared<const Map>(std::move(map));
}

Result<MapGroup::Shared> MapGroup::make(const std::string& pin, const MapSpec& spec) {
    auto made = create(spec);
    if (!made) return made.error();
    const int fd = made->get();
    auto map = mapped(std::move(*made), spec);
    if (map && bpf_obj_pin(fd, pin.c_str()) != 0) return error_from_errno(errno, "pinning the map " + pin);
    return map;
}

Result<MapGroup::Shared> MapGroup::open_one(const PinDirectory& directory, const MapSpec& spec) {
    const std::string pin = directory.entry(spec.name);
    directory.remove(name_beside(spec.name));
    UniqueFd present(bpf_obj_get(pin.c_str()));
    if (present && has_shape(present.get(), spec)) return mapped(std::move(present), spec);
    directory.remove(spec.name);
    made_.push_back(spec.name);
    return make(pin, spec);
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
        group.bytes_ += (*map)->bytes;
        group.maps_.emplace(spec.name, std::move(*map));
    }
    return group;
}

Result<MapGroup> MapGroup::resized(const PinDirectory& directory, const std::vector<MapSpec>& specs) const {
    MapGroup group;
    for (const MapSpec& spec : specs) {
        const auto present = maps_.find(spec.name);
        if (present != maps_.end() && has_shape(present->second->fd.get(), spec)) {
            group.maps_.emplace(spec.name, present->second);
        } else {
            directory.remove(name_beside(spec.name));
            auto made = make(directory.entry(name_beside(spec.name)), spec);
            if (!made) {
                group.drop_names(directory);
                return made.error();
            }
            group.made_.push_back(spec.name);
            group.maps_.emplace(spec.name, std::move(*made));
        }
        group.bytes_ += group.maps_.at(spec.name)->bytes;
    }
    return group;
}

Result<void> MapGroup::take_names(const PinDirectory& directory) {
    for (const std::string& name : made_) {
        if (::rename(directory.entry(name_beside(name)).c_str(), directory.entry(name).c_str()) != 0)
            return error_from_errno(errno, "giving the map " + name + " its name among the pins");
    }
    made_.clear();
    return {};
}

void MapGroup::drop_names(const PinDirectory& directory) const noexcept {
    for (const std::string& name : made_)
        directory.remove(name_beside(name));
}

int MapGroup::fd(std::string_view name) const {
    const auto found = maps_.find(name);
    return found == maps_.end() ? -1 : found->second->fd.get();
}

std::vector<MapGroup::View> MapGroup::views() const {
    std::vector<View> views;
    for (const auto& [name, map] : maps_)
        views.push_back({name, map->entries, map->bytes});
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
        if (bpf_map__reuse_fd(map, found->second->fd.get()) != 0)
            return error_from_errno(errno, "giving the map " + found->first + " to the program");
    }
    return {};
}

}  // namespace gabion::map
