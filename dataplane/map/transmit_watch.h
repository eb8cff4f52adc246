// SPDX-License-Identifier: Apache-2.0
// Counts what an interface could not transmit of what XDP sends back (bpf/transmit.bpf.c), for as long as it exists.
#pragma once

#include <cstdint>
#include <memory>

#include "dataplane/core/result.h"

struct transmit_bpf;

namespace gabion::map {

class TransmitWatch {
public:
    // The interface of this index in this process's network namespace. Fails where the kernel does not tell its types (BTF).
    static Result<TransmitWatch> open(unsigned interface_index);
    TransmitWatch(TransmitWatch&&) noexcept;
    TransmitWatch& operator=(TransmitWatch&&) noexcept;
    ~TransmitWatch();

    // Frames, since it was opened.
    [[nodiscard]] std::uint64_t lost() const noexcept;

private:
    struct Destroy {
        void operator()(transmit_bpf* skeleton) const noexcept;
    };

    TransmitWatch();

    std::unique_ptr<transmit_bpf, Destroy> skeleton_;
};

}  // namespace gabion::map
