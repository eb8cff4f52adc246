// SPDX-License-Identifier: Apache-2.0
// Runs a test's body on a thread of its own inside a new network namespace that ends with it. Skips without the right to.
#pragma once

#include <sched.h>

#include <thread>

#include <gtest/gtest.h>

namespace gabion::net {

template <typename Body>
void in_namespace(Body body) {
    bool allowed = true;
    std::thread([&] {
        allowed = ::unshare(CLONE_NEWNET) == 0;
        if (allowed) body();
    }).join();
    if (!allowed) GTEST_SKIP() << "needs root: cannot make a network namespace";
}

}  // namespace gabion::net
