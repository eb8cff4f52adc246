// SPDX-License-Identifier: Apache-2.0
// The pinned tables that all interfaces share, and what user space keeps about them: the ban book, the known sources, the tick clock.
// For the control thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "control/daemon/flow_view.h"
#include "dataplane/ban/ban_book.h"
#include "dataplane/ban/bloom.h"
#include "dataplane/core/clock.h"
#include "dataplane/core/fd.h"
#include "dataplane/core/result.h"
#include "dataplane/map/kernel_clock.h"
#include "dataplane/map/map_group.h"
#include "dataplane/map/pin_directory.h"
#include "dataplane/map/shared_maps.h"

namespace gabion::daemon {

class Tables {
public:
    // Opens what is pinned, or makes it; takes the lock that keeps a second daemon away; puts right what a killed one left.
    static Result<std::unique_ptr<Tables>> open(const std::string& pin, const map::Capacities& capacities,
                                                const ban::BookOptions& options);

    [[nodiscard]] const map::PinDirectory& pins() const noexcept { return pins_; }
    [[nodiscard]] const map::MapGroup& shared() const noexcept { return shared_; }
    [[nodiscard]] const ban::BanMemory& memory() const noexcept { return memory_; }
    [[nodiscard]] gabion_control& control() noexcept { return *memory_.control; }
    [[nodiscard]] ban::BanBook& book() noexcept { return *book_; }
    [[nodiscard]] ban::KnownSources& known() noexcept { return *known_; }
    [[nodiscard]] const TickClock& clock() const noexcept { return book_->clock(); }
    [[nodiscard]] std::uint32_t now_ticks() const noexcept;
    [[nodiscard]] const FlowView& flows() const noexcept { return *flows_; }
    // The ban tables were made just now: nothing was pinned, or with other capacities.
    [[nodiscard]] bool are_new() const noexcept { return are_new_; }
    // What was pinned is of a version with other tables. Programs that enforce it go on with it until ours take their place.
    [[nodiscard]] bool of_other_version() const noexcept { return of_other_version_; }
    // Whether an earlier daemon left its tables here, and perhaps programs that enforce them.
    [[nodiscard]] bool have_predecessor() const noexcept { return has_predecessor_; }

    // Tables of other sizes beside those in force: first the maps (some ms; on any thread, of a copy of shared()), then what is in them,
    // then the exchange, in one step of the control thread. A second exchange takes it back.
    struct Others {
        map::MapGroup shared;
        ban::OtherTables bans;
    };
    [[nodiscard]] static Result<map::MapGroup> make_others(const map::MapGroup& shared, const map::PinDirectory& pins,
                                                           const map::Capacities& capacities);
    [[nodiscard]] Result<Others> fill_others(map::MapGroup shared, const ban::BookOptions& options) const;
    void exchange(Others& others);
    // Gives what is in force now its names among the pins.
    Result<void> take_names() { return shared_.take_names(pins_); }

    // Relates the kernel's ticks to boot time anew; they drift apart in suspend.
    void resample();

private:
    Tables(map::PinDirectory pins, UniqueFd lock, map::MapGroup shared, map::KernelClock ticks);

    map::PinDirectory pins_;
    UniqueFd lock_;
    map::MapGroup shared_;
    map::KernelClock ticks_;
    ban::BanMemory memory_;
    std::optional<ban::BanBook> book_;
    std::optional<ban::KnownSources> known_;
    std::unique_ptr<FlowView> flows_;
    bool are_new_ = false;
    bool of_other_version_ = false;
    bool has_predecessor_ = false;
};

}  // namespace gabion::daemon
