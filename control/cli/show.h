// SPDX-License-Identifier: Apache-2.0
// The daemon's answers as text for people. A key that an older daemon does not send is left out, not an error.
#pragma once

#include <cstdint>
#include <iosfwd>

#include "control/cli/table.h"
#include "control/wire/json.h"

namespace gabion::cli {

void show_status(std::ostream& out, const Json& status);
void show_counters(std::ostream& out, const Json& counters);
// What `gabion top` tells: rates a second between two answers to `counters`, in their shape, with what `status` says beside them.
Json top_report(const Json& status, const Json& before, const Json& after, double seconds);
void show_top(std::ostream& out, const Json& report);
void show_profile(std::ostream& out, const Json& profile);
void show_panic(std::ostream& out, const Json& panic);
void show_why(std::ostream& out, const Json& report);
void show_reload(std::ostream& out, const Json& report);
void show_event(std::ostream& out, const Json& event);

Table ban_table();
void add_ban_row(Table& table, const Json& ban);
Table allow_table();
void add_allow_row(Table& table, const Json& allow);

// The member, or null when it is absent.
const Json& member(const Json& object, const char* key);

// The member as a count; 0 when it is absent or of another type.
std::uint64_t count_of(const Json& object, const char* key);

// The member as text that is safe to print; `fallback` when it is absent or of another type.
std::string text_of(const Json& object, const char* key, const char* fallback = "");

// "bans, rates"; "nothing" for an empty list.
std::string list_text(const Json& list);

}  // namespace gabion::cli
