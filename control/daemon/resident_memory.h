// SPDX-License-Identifier: Apache-2.0
// Resident memory of this process without the mapped tables, which belong to the kernel and are shown on their own. Bytes; what cannot be
// read counts as nothing. Takes well under a millisecond however large the tables are: only the pages of files are walked.
#pragma once

#include <cstdint>

namespace gabion::daemon {

std::uint64_t resident_bytes();

}  // namespace gabion::daemon
