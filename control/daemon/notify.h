// SPDX-License-Identifier: Apache-2.0
// What the daemon tells systemd (sd_notify(3)). Without systemd nothing happens.
#pragma once

#include <chrono>
#include <optional>
#include <string>

namespace gabion::daemon {

void notify_ready(const std::string& status);
void notify_reloading();  // notify_ready() ends it
void notify_stopping();
void notify_watchdog();

// How often notify_watchdog() must be called: half of what systemd asks for; nothing when it does not.
std::optional<std::chrono::milliseconds> watchdog_period();

}  // namespace gabion::daemon
