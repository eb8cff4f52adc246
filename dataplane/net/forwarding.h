// SPDX-License-Identifier: Apache-2.0
// Whether this host passes on other hosts' packets: then connections go through it of which it holds no socket.
#pragma once

namespace gabion::net {

// By what the kernel says of IPv4 and IPv6 forwarding in this network namespace. When it cannot be read: yes, which spares more.
bool host_forwards();

}  // namespace gabion::net
