// SPDX-License-Identifier: Apache-2.0
// The program that watches packets leave a protected interface (bpf/egress.bpf.c), at tc egress beside whatever else is there. It
// stays when the daemon stops, unless detached.
#pragma once

#include <cstdint>

#include "dataplane/core/result.h"

namespace gabion::net {

// Replaces our own of an earlier run. True when clsact had to be made for it: then detach_egress() may remove it.
Result<bool> attach_egress(std::uint32_t link, int program_fd);

// The program that takes connections from what acknowledges our SYN cookies (bpf/syn.bpf.c), at tc ingress.
Result<bool> attach_ingress(std::uint32_t link, int program_fd);
Result<void> detach_ingress(std::uint32_t link);

// Removes our filter, and clsact if we made it and nobody else uses it.
Result<void> detach_egress(std::uint32_t link, bool made_clsact);

}  // namespace gabion::net
