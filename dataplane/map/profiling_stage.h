// SPDX-License-Identifier: Apache-2.0
// The XDP stage of one interface with marks that measure (bpf/profile.bpf.c), on the same maps as the ordinary one, and the times
// that it takes in a map of its own. What it holds stays good when the interface's maps are opened anew.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "bpf/abi/profile.h"
#include "dataplane/core/mapping.h"
#include "dataplane/core/result.h"
#include "dataplane/map/kernel_stage.h"
#include "dataplane/map/map_group.h"

struct profile_bpf;

namespace gabion::map {

class ProfilingStage {
public:
    // `until_tick`: the tick after which it times nothing any more. Quick; not in the kernel yet.
    static Result<ProfilingStage> open(const MapGroup& shared, const MapGroup& own, const HostFacts& facts,
                                       std::uint32_t until_tick);
    ProfilingStage(ProfilingStage&&) noexcept;
    ProfilingStage& operator=(ProfilingStage&&) noexcept;
    ~ProfilingStage();

    // Has the kernel verify it: some hundred ms, on any thread.
    Result<void> load();

    [[nodiscard]] int xdp_fd() const noexcept;
    // By CPU; empty before load(). The program writes as long as it is in place.
    [[nodiscard]] std::span<const gabion_profile> times() const noexcept {
        return memory_.as<const gabion_profile>().first(cpus_);
    }

private:
    struct Destroy {
        void operator()(profile_bpf* skeleton) const noexcept;
    };

    ProfilingStage();

    std::unique_ptr<profile_bpf, Destroy> skeleton_;
    Mapping memory_;
    std::uint32_t cpus_ = 0;
};

}  // namespace gabion::map
