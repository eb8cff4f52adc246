// SPDX-License-Identifier: Apache-2.0
// SYN floods as user space sees them: chooses the way in which SYNs are met, tells the programs their rates and what this host's TCP
// offers, and says which destinations are engaged. The programs engage by themselves (bpf/stage/syn.h).
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "bpf/abi/syn.h"
#include "control/config/config.h"

namespace gabion::daemon {

struct SynEvent {
    std::string kind;  // "syn-flood-began", "syn-flood-ended"
    std::string text;
};

// Why a way cannot be gone; empty where it can.
struct SynObstacles {
    std::string request = {};   // a cookie of ours would not be believed
    std::string listener = {};  // listeners cannot be had to make theirs
    std::string answers = {};   // what XDP sends back may be lost; whoever runs the host knows better
    std::string lost = {};      // it is lost, as was found out
    std::string nobody = {};    // nobody listens here
};

class SynKeeper {
public:
    explicit SynKeeper(std::uint32_t hz) noexcept : hz_(hz) {}

    // The way, which may change when the host's settings do, and what this host's TCP offers. Returns whether the way, or what it lacks,
    // is another than before.
    bool choose(const config::SynConfig& config, const SynObstacles& obstacles, std::uint32_t mtu,
                gabion_syn_control& control);
    // Rates, times and keys; what came before stays a valid cookie. `flood_pps` is the host's rate of SYNs that counts as a flood and
    // `flood_cap_pps` the one that it takes meanwhile, 0 where neither is known: without cookies, or with poorer ones, nobody is held to less than these.
    void configure(const config::SynConfig& config, double flood_pps, double flood_cap_pps,
                   gabion_syn_control& control) const;

    // What changed since the last call.
    std::vector<SynEvent> look(std::span<const gabion_syn_cell> cells, std::uint32_t now_ticks);

    // Cookies, and not only the cap.
    [[nodiscard]] bool cookies() const noexcept { return way_ != GABION_SYN_CAP; }
    // A destination is engaged whose listener must make cookies.
    [[nodiscard]] bool needs_listeners() const noexcept { return way_ == GABION_SYN_LISTENER && !engaged_.empty(); }
    [[nodiscard]] gabion_syn_way way() const noexcept { return way_; }
    // Which way, and what it lacks.
    [[nodiscard]] const std::string& note() const noexcept { return note_; }

private:
    std::uint32_t hz_;
    gabion_syn_way way_ = GABION_SYN_CAP;
    std::string note_;
    std::map<std::size_t, std::string> engaged_;  // cells, and whom they are engaged for
};

}  // namespace gabion::daemon
