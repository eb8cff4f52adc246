// SPDX-License-Identifier: Apache-2.0
// A directory of the BPF file system: what is pinned there outlives the daemon. Where no BPF file system is mounted yet, one is,
// in the mount namespace of process 1: a mount in a private namespace (as `ip netns exec` makes) would vanish with the daemon, and
// the protection with it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "dataplane/core/fd.h"
#include "dataplane/core/result.h"

namespace gabion::map {

class PinDirectory {
public:
    // Makes the directory if need be. `path` is what the operator wrote (absolute).
    static Result<PinDirectory> open(const std::string& path);

    // The directory `name` below this one, made if need be.
    [[nodiscard]] Result<PinDirectory> subdirectory(std::string_view name) const;

    // Held until this object dies; an error when another daemon holds it.
    [[nodiscard]] Result<UniqueFd> lock() const;

    [[nodiscard]] std::string entry(std::string_view name) const;
    [[nodiscard]] bool has(std::string_view name) const;
    // The names of the directories directly in it, as they were given to subdirectory().
    [[nodiscard]] std::vector<std::string> subdirectories() const;
    // Gives a directory in it another name; false when there is none, or the new name is taken.
    bool rename(std::string_view from, std::string_view to) const noexcept;
    void remove(std::string_view name) const noexcept;
    // Removes all that is pinned directly in it, and the directory itself when nothing else is left.
    void clear() const noexcept;

    [[nodiscard]] const std::string& path() const noexcept { return path_; }

private:
    explicit PinDirectory(std::string path) : path_(std::move(path)) {}

    std::string path_;
};

}  // namespace gabion::map
