// SPDX-License-Identifier: Apache-2.0
#include "control/daemon/notify.h"

#include <ctime>

#include <systemd/sd-daemon.h>

namespace gabion::daemon {

void notify_ready(const std::string& status) { ::sd_notify(0, ("READY=1\nSTATUS=" + status).c_str()); }

void notify_reloading() {
    // Type=notify-reload wants the time from which on the reload counts.
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    const auto us = static_cast<long long>(now.tv_sec) * 1'000'000 + now.tv_nsec / 1000;
    ::sd_notify(0, ("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(us)).c_str());
}

void notify_stopping() { ::sd_notify(0, "STOPPING=1"); }

void notify_watchdog() { ::sd_notify(0, "WATCHDOG=1"); }

std::optional<std::chrono::milliseconds> watchdog_period() {
    std::uint64_t us = 0;
    if (::sd_watchdog_enabled(0, &us) <= 0) return std::nullopt;
    return std::chrono::milliseconds(us / 2000);
}

}  // namespace gabion::daemon
