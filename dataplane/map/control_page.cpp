// SPDX-License-Identifier: Apache-2.0
#include "dataplane/map/control_page.h"

#include <sys/random.h>

#include <cstddef>

namespace gabion::map {
namespace {

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

bool prepare_control(gabion_control& control) {
    if (control.abi_version == GABION_ABI_VERSION) return true;
    if (control.abi_version != 0) return false;
    fill_random(control.hash);
    __atomic_store_n(&control.abi_version, GABION_ABI_VERSION, __ATOMIC_RELEASE);
    return true;
}

}  // namespace gabion::map
