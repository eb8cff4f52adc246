// SPDX-License-Identifier: Apache-2.0
// Files that a power cut at any moment leaves old or new, never broken: written beside, flushed, renamed, and the directory flushed.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "dataplane/core/result.h"

namespace gabion {

// Replaces `path`, mode 0600. On an error the old file stays as it was.
Result<void> write_atomically(const std::string& path, std::span<const std::byte> bytes);

// The whole file; nothing when there is none. Larger than `bytes_max` is an error.
Result<std::optional<std::vector<std::byte>>> read_whole(const std::string& path, std::size_t bytes_max);

}  // namespace gabion
