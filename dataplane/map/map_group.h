// SPDX-License-Identifier: Apache-2.0
// BPF maps that belong together and are pinned in one directory: opened where they are pinned, made where they are not or where their shape
// is another than asked for, and mapped into memory where the kernel allows. A copy is another view of the same maps.
//
// Other sizes, while programs work on these maps: `resized` makes a second group beside this one, in which only the maps whose shape
// differs are new. Programs are loaded on it; when they are in place, `take_names` gives the new maps their pins.
#pragma once

#include <linux/bpf.h>

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/core/fd.h"
#include "dataplane/core/mapping.h"
#include "dataplane/core/result.h"
#include "dataplane/map/pin_directory.h"

struct bpf_object;

namespace gabion::map {

struct MapSpec {
    std::string name;
    std::uint32_t value_bytes = 0;
    std::uint32_t entries = 0;
    bpf_map_type type = BPF_MAP_TYPE_ARRAY;
    std::uint32_t flags = BPF_F_MMAPABLE;
};

class MapGroup {
public:
    static Result<MapGroup> open(const PinDirectory& directory, const std::vector<MapSpec>& specs);
    // Whether all that is pinned there under these names can be used as it is.
    static bool fits(const PinDirectory& directory, const std::vector<MapSpec>& specs);

    // The same maps, but new and empty ones where another shape is asked for; those are pinned under names of their own for now, and
    // `drop_names` takes them away again. An error leaves nothing behind.
    [[nodiscard]] Result<MapGroup> resized(const PinDirectory& directory, const std::vector<MapSpec>& specs) const;
    // Puts the pins of what resized() made in the place of their predecessors'.
    [[nodiscard]] Result<void> take_names(const PinDirectory& directory);
    void drop_names(const PinDirectory& directory) const noexcept;

    // Names of the maps that did not exist, or not in this shape, and are new and empty.
    [[nodiscard]] const std::vector<std::string>& made() const noexcept { return made_; }
    // All of it, in bytes: what the kernel side's tables take.
    [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }
    [[nodiscard]] int fd(std::string_view name) const;

    struct View {
        std::string_view name;
        std::uint32_t entries = 0;
        std::uint64_t bytes = 0;
    };
    // All of them, by name.
    [[nodiscard]] std::vector<View> views() const;

    // The values of an array as T; empty when there is no such map or it cannot be mapped.
    template <typename T>
    [[nodiscard]] std::span<T> values(std::string_view name) const {
        const auto found = maps_.find(name);
        if (found == maps_.end() || !found->second->memory) return {};
        return found->second->memory.template as<T>().first(found->second->entries);
    }

    // Makes a loaded-to-be object use these maps instead of ones of its own, wherever the names agree.
    [[nodiscard]] Result<void> give_to(bpf_object* object) const;

private:
    struct Map {
        UniqueFd fd;
        Mapping memory;
        std::uint32_t entries = 0;
        std::uint64_t bytes = 0;
    };

    using Shared = std::shared_ptr<const Map>;
    static Result<Shared> make(const std::string& pin, const MapSpec& spec);
    static Result<Shared> mapped(UniqueFd fd, const MapSpec& spec);
    Result<Shared> open_one(const PinDirectory& directory, const MapSpec& spec);

    std::map<std::string, Shared, std::less<>> maps_;
    std::vector<std::string> made_;
    std::uint64_t bytes_ = 0;
};

}  // namespace gabion::map
