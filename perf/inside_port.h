// SPDX-License-Identifier: Apache-2.0
// The program of an inline pair's inside port with tables of its own, to be measured under TEST_RUN.
#pragma once

#include "tests/kernel/object.h"
#include "tests/support/packet.h"

namespace gabion::perf {

class InsidePort {
public:
    InsidePort();  // throws std::runtime_error

    // Mean ns a frame. Throws where it is not forwarded.
    [[nodiscard]] double cost_ns(const test::Bytes& frame);

private:
    [[nodiscard]] bpf_map* map(const char* name) const;
    void size_tables();
    void fill_tables();

    test::Object object_ = test::open_object("inside");
};

}  // namespace gabion::perf
