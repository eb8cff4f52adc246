// SPDX-License-Identifier: Apache-2.0
#include "dataplane/net/forwarding.h"

#include <algorithm>
#include <array>
#include <fstream>

namespace gabion::net {

bool host_forwards() {
    constexpr std::array files{"/proc/sys/net/ipv4/ip_forward", "/proc/sys/net/ipv6/conf/all/forwarding"};
    bool read = false;
    const bool any = std::any_of(files.begin(), files.end(), [&](const char* name) {
        std::ifstream file(name);
        int value = 0;
        if (!(file >> value)) return false;  // one of the families may be missing
        read = true;
        return value != 0;
    });
    return any || !read;
}

}  // namespace gabion::net
