// SPDX-License-Identifier: Apache-2.0
// The values that go into the ban book and come out of it. Times are boot time in ns (dataplane/core/clock.h), never_ns for ever.
#pragma once

#include <cstdint>
#include <string>

#include "bpf/abi/table.h"
#include "dataplane/core/address.h"
#include "dataplane/core/clock.h"
#include "dataplane/detect/verdict.h"

namespace gabion::ban {

// An entry as it is told to people.
struct Entry {
    gabion_set set = GABION_SET_OPERATOR;
    Prefix target;
    const char* reason = "";
    const char* by = "";  // who ordered it: "operator", a peer's name, a detector's
    std::string note;
    std::uint64_t since_ns = 0;
    std::uint64_t until_ns = never_ns;
    std::uint64_t hits = 0;        // packets dropped
    std::uint64_t passed = 0;      // quarantine: packets that passed within the rate
    double rate_pps = 0;           // quarantine: what may pass
    std::uint8_t skips = 0;        // allow list: GABION_SKIP_*
    std::uint32_t multiplier = 1;  // of a repeat offender
    bool from_config = false;
    bool has_evidence = false;
    detect::Evidence evidence;
};

struct EndedEntry {
    Entry entry;
    std::uint64_t ended_ns = 0;
    const char* how = "";  // "expired", "removed", "evicted"
};

// Which packets of a quarantined source are subject to its rate (bpf/abi/quarantine.h).
struct QuarantineScope {
    std::uint8_t flags = 0;  // GABION_QUARANTINE_*
    std::uint8_t protocol = 0;
    std::uint16_t destination_port = 0;
    std::uint8_t ttl_low = 0;
    std::uint8_t ttl_high = 255;
};

// What is to be in force. `reason` and `by` are literals or interned (BanBook::intern).
struct Order {
    gabion_set set = GABION_SET_OPERATOR;
    Prefix target;
    std::uint64_t until_ns = never_ns;
    const char* reason = "operator";
    const char* by = "operator";
    std::string note;
    std::uint8_t skips = GABION_SKIP_ALL;  // allow list
    bool from_config = false;
    double rate_pps = 0;  // quarantine
    QuarantineScope scope;
    const detect::Evidence* evidence = nullptr;
    std::uint32_t shared_detail = 0;  // BanBook::share_detail: many orders that tell the same
};

// What became of an order.
enum class Outcome : std::uint8_t {
    added,
    extended,          // was there: time, limits and evidence are the new ones
    refused_allowed,   // the target is on the allow list, or holds an address that is
    refused_operator,  // the target is, or holds, the other end of one of the operator's own sessions
    refused_unproven,  // a ban without proven evidence
    refused_known,     // a prefix that holds sources known from calm times, or proven ones that are not banned
    refused_radius,    // detectors have cut off as many addresses as they may for now
    at_capacity,
    no_room,
    too_many_lengths,
    count,
};

constexpr bool in_force(Outcome outcome) noexcept { return outcome == Outcome::added || outcome == Outcome::extended; }
const char* name_of(Outcome outcome) noexcept;
const char* name_of(gabion_set set) noexcept;  // "allow", "operator", "detector", "quarantine", "watch"

}  // namespace gabion::ban
