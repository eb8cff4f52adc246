// SPDX-License-Identifier: Apache-2.0
// Measures programs on frames that are made anew in each round (anew.bpf.c). What that costs by itself is measured with a bare program.
#pragma once

#include <cstdint>
#include <memory>

#include "dataplane/core/mapping.h"
#include "tests/support/packet.h"

struct anew_bpf;

namespace gabion::perf {

class Anew {
public:
    Anew();
    ~Anew();
    Anew(const Anew&) = delete;
    Anew& operator=(const Anew&) = delete;

    // ns a round. `source`: where four bytes are to be another number in each, so that the address is one of 31.0.0.0/8; 0 = none.
    [[nodiscard]] double cost(int target, const test::Bytes& frame, std::uint32_t source = 0) const;

private:
    anew_bpf* program_;
    Mapping mapping_;
};

}  // namespace gabion::perf
