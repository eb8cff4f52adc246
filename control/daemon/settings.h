// SPDX-License-Identifier: Apache-2.0
// The configuration as each part of the daemon wants it.
#pragma once

#include <cstdint>
#include <vector>

#include "bpf/abi/control.h"
#include "control/config/config.h"
#include "control/daemon/dpdk_interface.h"
#include "control/daemon/flood_keeper.h"
#include "control/daemon/panic_keeper.h"
#include "control/daemon/protected_interface.h"
#include "control/daemon/source_keeper.h"
#include "dataplane/ban/ban_book.h"
#include "dataplane/detect/analyst.h"
#include "dataplane/detect/settings.h"
#include "dataplane/detect/verdict.h"
#include "dataplane/map/shared_maps.h"

namespace gabion::daemon {

map::Capacities capacities(const config::Config& config);
ban::BookOptions book_options(const config::Config& config);
detect::Settings detector_settings(const config::Config& config);
// GABION_FEATURE_*: which stages the kernel programs are loaded with.
std::uint32_t features(const config::Config& config) noexcept;
// GABION_CHECK_*: what they validate.
std::uint32_t checks(const config::Config& config) noexcept;
// What an interface's programs are loaded with.
map::HostFacts load_facts(const config::Config& config, const config::InterfaceConfig& interface);
// Whether such a verdict does anything, with the stages that are switched on.
bool has_effect(const config::Config& config, detect::VerdictKind kind) noexcept;
FloodSettings flood_settings(const config::Config& config);
SourceSettings source_settings(const config::Config& config);
PanicSettings panic_settings(const config::Config& config);
InterfaceSettings interface_settings(const config::InterfaceConfig& config, const config::WorkersConfig& workers);
DpdkSettings dpdk_settings(const config::DpdkConfig& config, const config::InterfaceConfig& interface);

// Written field by field into the page that the kernel reads.
void apply_sampling(const config::Config& config, std::uint32_t hz, gabion_control& control) noexcept;
void apply_switches(const config::Config& config, std::uint32_t hz, gabion_control& control) noexcept;

// Every 100 ms: while a detector sees an attack a flood of every kind is on, while SYNs are out of proportion one of SYNs, and what
// ended is taken out.
void tend_flood(gabion_control& control, const detect::Analyst& analyst, std::uint32_t now, std::uint32_t hz) noexcept;

// "auto", "on", "off"; anything else is "auto", which the configuration's own check rules out.
gabion_panic_mode panic_mode(const std::string& name) noexcept;
const char* panic_mode_name(gabion_panic_mode mode) noexcept;

}  // namespace gabion::daemon
