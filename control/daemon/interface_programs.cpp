// SPDX-License-Identifier: Apache-2.0
// Which programs an interface runs: the ordinary ones, others that take their place, and the way back.
#include "control/daemon/protected_interface.h"
#include "dataplane/net/egress_hook.h"

namespace gabion::daemon {

Result<map::ProfilingStage> ProtectedInterface::profiling_stage(std::uint32_t until_tick) const {
    if (!present_) return Error{settings_.name + " is away", ENODEV};
    return map::ProfilingStage::open(surroundings_.shared, *own_, possible(surroundings_.facts), until_tick);
}

Result<void> ProtectedInterface::put_in_place(int program_fd) {
    if (!present_) return Error{settings_.name + " is away", ENODEV};
    if (auto swapped = link_->swap(program_fd, settings_.name); !swapped) return swapped;
    replaced_ = true;
    return {};
}

// The other program decides and counts the same, so that a failure leaves nothing worse; it is told, and tried again.
void ProtectedInterface::put_back() {
    put_back_failed_ = false;
    if (!replaced_) return;
    if (auto swapped = link_->swap(stage_->xdp_fd(), settings_.name); !swapped) {
        put_back_failed_ = true;
        return surroundings_.tell("swap-failed", swapped.error().text);
    }
    replaced_ = false;
}

std::vector<std::pair<const char*, int>> ProtectedInterface::programs() const {
    if (!stage_) return {};
    if (inside_)
        return {{"xdp", stage_->xdp_fd()}, {"inside", stage_->inside_fd()}, {"hand-back", stage_->handback_fd()}};
    return {{"xdp", stage_->xdp_fd()}, {"egress", stage_->egress_fd()}, {"hand-back", stage_->handback_fd()}};
}

// Each is replaced between two packets. They go on or come back together, so that what one notes the other reads.
Result<void> ProtectedInterface::exchange_programs(map::KernelStage& stage) {
    if (!present_ || !stage_) return Error{settings_.name + " is away", ENODEV};
    const auto place_hooks = [&](const map::KernelStage& programs) -> Result<void> {
        const auto index = follower_->link()->index;
        if (cookie_obstacle_.empty() && programs.syn_fd() >= 0)
            if (auto taking = net::attach_ingress(index, programs.syn_fd()); !taking) return taking.error();
        if (!noting_error_)
            if (auto noting = net::attach_egress(index, programs.egress_fd()); !noting) return noting.error();
        return {};
    };
    const auto place = [&](const map::KernelStage& programs) -> Result<void> {
        if (auto swapped = link_->swap(programs.xdp_fd(), settings_.name); !swapped) return swapped;
        auto others = inside_ ? inside_->swap(programs.inside_fd()) : place_hooks(programs);
        if (!others) return others;
        if (hand_back_) return hand_back_->use({programs.handback_fd(), programs.foreign_fd()});
        return {};
    };
    auto placed = place(stage);
    if (!placed) {
        if (auto back = place(*stage_); !back) surroundings_.tell("swap-failed", back.error().text);
        return placed;
    }
    std::swap(*stage_, stage);
    replaced_ = put_back_failed_ = false;
    return {};
}

}  // namespace gabion::daemon
