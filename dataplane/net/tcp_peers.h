// SPDX-License-Identifier: Apache-2.0
// Who has a TCP connection to this host: the kernel's own list of established sockets (sock_diag), of this network namespace. Nobody
// gets into it by forging an address, since a handshake must have been completed.
#pragma once

#include <compare>
#include <cstdint>
#include <vector>

#include "dataplane/core/address.h"
#include "dataplane/core/result.h"

namespace gabion::net {

struct TcpPeer {
    Prefix remote;  // an address; IPv4 also where a socket for both families has it
    std::uint16_t local_port = 0;
    std::uint16_t remote_port = 0;

    friend auto operator<=>(const TcpPeer&, const TcpPeer&) = default;
};

// Connections to one of these local ports; the kernel looks for them, so that thousands of others cost nothing here.
Result<std::vector<TcpPeer>> established_to(const std::vector<unsigned>& ports);

}  // namespace gabion::net
