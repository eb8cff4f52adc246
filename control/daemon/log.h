// SPDX-License-Identifier: Apache-2.0
// The daemon's log: lines on standard error, with the priority in front that journald reads ("<4>") when it is the one who reads, and
// time and level when it is a terminal or a file.
#pragma once

#include <string>
#include <string_view>

namespace gabion::daemon {

struct Event;

// `level`: "debug", "info", "warning", "error". May be called again after a reload.
void set_log_level(const std::string& level);

void log_debug(std::string_view text);
void log_info(std::string_view text);
void log_warning(std::string_view text);
void log_error(std::string_view text);

// An event as a line: "KIND: TEXT".
void log_event(const Event& event);

}  // namespace gabion::daemon
