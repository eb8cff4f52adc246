// SPDX-License-Identifier: Apache-2.0
// Asks the memory for a cache line that is going to be read.
#pragma once

namespace gabion {

// The empty statement makes it an effect: GCC takes a function that does nothing but prefetch for one that does nothing, and leaves out calls
// of it.
inline void fetch(const void* line) noexcept {
    __builtin_prefetch(line);
    asm volatile("");
}

}  // namespace gabion
