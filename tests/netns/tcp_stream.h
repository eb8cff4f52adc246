// SPDX-License-Identifier: Apache-2.0
// A long TCP transfer over real sockets, its bytes checked. The argument is "upload ADDRESS" or "download ADDRESS": upload is
// from the client to the server. Return value: exit status.
#pragma once

#include <string>

namespace gabion::probe {

int serve_stream(const std::string& argument);  // prints "ready" when it listens
int use_stream(const std::string& argument);    // prints the rate

}  // namespace gabion::probe
