// SPDX-License-Identifier: Apache-2.0
#include "dataplane/net/egress_hook.h"

#include "dataplane/net/traffic_control.h"

namespace gabion::net {

namespace {

// First in line: it only looks, and lets the next one decide.
Filter egress_filter() { return {Hook::egress, 1, filter_handle, "gabion-egress"}; }
Filter ingress_filter() { return {Hook::ingress, 1, filter_handle, "gabion-syn"}; }

}  // namespace

Result<bool> attach_egress(std::uint32_t link, int program_fd) {
    auto made = add_clsact(link);
    if (!made) return made.error();
    if (auto done = attach_direct_action(link, egress_filter(), program_fd); !done) return done.error();
    return *made;
}

Result<bool> attach_ingress(std::uint32_t link, int program_fd) {
    auto made = add_clsact(link);
    if (!made) return made.error();
    if (auto done = attach_direct_action(link, ingress_filter(), program_fd); !done) return done.error();
    return *made;
}

Result<void> detach_ingress(std::uint32_t link) {
    if (auto removed = detach(link, ingress_filter()); !removed) return removed.error();
    return {};
}

Result<void> detach_egress(std::uint32_t link, bool made_clsact) {
    if (auto removed = detach(link, egress_filter()); !removed) return removed.error();
    if (!made_clsact) return {};
    if (auto removed = remove_clsact_if_empty(link); !removed) return removed.error();
    return {};
}

}  // namespace gabion::net
