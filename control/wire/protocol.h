// SPDX-License-Identifier: Apache-2.0
// What gabion and gabiond say to each other: JSON-RPC 2.0 over a Unix stream socket, one message a line, UTF-8, "\n" at the end.
// Batches are not used. Parameters are always an object; unknown parameters are errors. Times are RFC 3339 UTC, durations are
// milliseconds ("for_ms"), addresses and prefixes are text.
//
//   method          parameters                                          result
//   status          -                                                   see design, "gabion status --json"
//   counters        per_core: bool = false                              see design, "gabion counters --json"; per_core adds "cpus"
//   events.list     after: id = 0, limit: 1..1000 = 1000                {entries:[EVENT], next: id|null, missed: n}
//   events.follow   -                                                   {}, then the notification "event" {EVENT} for each event
//   ban.add         target, for_ms: n|null = null, note = "",           {target, expires}
//                   force: bool = false
//   ban.del         target                                              {target, removed: n}
//   ban.list        cursor: text = "", limit: 1..1000 = 1000            {entries:[BAN], next: text|null}
//   ban.load        name, for_ms, note, force; a sealed memfd with      {loaded: n, added: n}
//                   the file's text travels beside it (SCM_RIGHTS)
//   allow.add       target, skip: ["bans","rates","validation"]         {target, skip}
//                   (absent: all three), note = ""
//   allow.del       target                                              {target, removed: n}
//   allow.list      cursor, limit                                       {entries:[ALLOW], next: text|null}
//   panic           mode: "auto"|"on"|"off" (absent: ask)               {mode, tripped, ...}
//   confirm         -                                                   {confirmed: bool}; false: nothing to confirm
//   why             target                                              {target, verdict, findings:[...], ...}
//   profile         seconds: 1..600 = 5                                 PROFILE, when the time is over; ends when the caller goes
//   reload          -                                                   {changed:[key], restart_needed:[key]}
//   config.show     -                                                   {toml: text}
//
//   EVENT  {id, time, kind, text, fields:{...}}
//   BAN    {target, tier, reason, since, expires|null, hits, evidence:{...}, note}
//   ALLOW  {target, skip:[...], note, since}
//   PROFILE {seconds, programs_note, statistics_ns, interfaces:{NAME:{attach, note, received, reasons:{REASON:n},
//            programs:[{name, runs, ns}], stages:{packets, one_in, clock_ns, packet_ns,
//            list:[{name, what, packets, mean_ns, median_ns, p99_ns, most_ns}]}}},
//            maps:[{interface|null, name, unit, used, size, bytes}]}; a p99_ns at the cells' end (1,020 less the clock) is a least
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace gabion::wire {

namespace method {
inline constexpr std::string_view status = "status";
inline constexpr std::string_view counters = "counters";
inline constexpr std::string_view events_list = "events.list";
inline constexpr std::string_view events_follow = "events.follow";
inline constexpr std::string_view event = "event";  // the notification
inline constexpr std::string_view ban_add = "ban.add";
inline constexpr std::string_view ban_del = "ban.del";
inline constexpr std::string_view ban_list = "ban.list";
inline constexpr std::string_view ban_load = "ban.load";
inline constexpr std::string_view allow_add = "allow.add";
inline constexpr std::string_view allow_del = "allow.del";
inline constexpr std::string_view allow_list = "allow.list";
inline constexpr std::string_view panic = "panic";
inline constexpr std::string_view confirm = "confirm";
inline constexpr std::string_view why = "why";
inline constexpr std::string_view profile = "profile";
inline constexpr std::string_view reload = "reload";
inline constexpr std::string_view config_show = "config.show";
}  // namespace method

// The codes of JSON-RPC 2.0, section 5.1, and one of our own.
enum class ErrorCode : int {
    parse_error = -32700,      // the line is not JSON, or too long
    invalid_request = -32600,  // JSON, but no request
    unknown_method = -32601,   // most likely the two programs' versions differ
    invalid_parameters = -32602,
    internal_error = -32603,
    failed = -32000,  // understood, tried, did not work; the message says why
};

// Requests are short; whatever is long travels as a file beside them.
inline constexpr std::size_t request_bytes_max = 64 * 1024;

// Replies hold one page at most.
inline constexpr std::size_t reply_bytes_max = 4 * 1024 * 1024;

inline constexpr unsigned page_entries_max = 1000;

// How deep a message may nest. Ours stay below six.
inline constexpr unsigned nesting_max = 16;

// The longest file for `ban load`: a million IPv6 prefixes fit five times.
inline constexpr std::size_t file_bytes_max = std::size_t{256} * 1024 * 1024;

inline constexpr std::size_t note_bytes_max = 200;

inline constexpr unsigned profile_seconds_default = 5;
inline constexpr unsigned profile_seconds_max = 600;

inline constexpr const char* default_socket = "/run/gabion/control.sock";

// Exit status of a program that got this code as an answer: 2 for what the caller wrote wrongly, 1 for all else.
constexpr int exit_status(int code) { return code == static_cast<int>(ErrorCode::invalid_parameters) ? 2 : 1; }

}  // namespace gabion::wire
