// SPDX-License-Identifier: Apache-2.0
// tc: the clsact qdisc and BPF classifiers on it. Only Gabion's own filters are ever replaced or removed: they are known by
// their place (hook, priority, handle) and their name, both.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "dataplane/core/result.h"

namespace gabion::net {

enum class Hook : std::uint8_t { ingress, egress };

// "gb": nobody else's handle, as far as one can choose.
inline constexpr std::uint32_t filter_handle = 0x6762;

struct Filter {
    Hook hook = Hook::ingress;
    std::uint16_t priority = 1;  // lower runs first
    std::uint32_t handle = filter_handle;
    std::string name;  // begins with "gabion"; at most 64 characters are kept by the kernel
};

// True when this call made the qdisc, false when it was there already.
Result<bool> add_clsact(std::uint32_t link);

// A classifier that returns the action itself. Takes the place of our own of before, between two packets; another program in its
// place is an error.
Result<void> attach_direct_action(std::uint32_t link, const Filter& filter, int program_fd);

// Where a packet goes on: `ingress`, as if it had arrived at the link; `egress`, sent by it.
struct Redirect {
    std::uint32_t link = 0;
    Hook hook = Hook::ingress;
};

// A classifier that returns whether the packet matches; what matches goes on as `redirect` says.
Result<void> attach_redirect(std::uint32_t link, const Filter& filter, int program_fd, const Redirect& redirect);

// Removes it if it is there and ours; false when it is not.
Result<bool> detach(std::uint32_t link, const Filter& filter);

// All BPF filters on a hook, whoever's they are.
Result<std::vector<Filter>> filters(std::uint32_t link, Hook hook);
// Removes clsact when no filter of any kind is left on either hook. False when there was one.
Result<bool> remove_clsact_if_empty(std::uint32_t link);

}  // namespace gabion::net
