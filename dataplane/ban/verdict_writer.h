// SPDX-License-Identifier: Apache-2.0
// Puts the analyst's verdicts in force: quarantines and watches go into the ban book, caps and postures into the table of
// destinations. A store into mapped memory is all it takes: no system call, about a microsecond a verdict. In a dry run the
// tables are written all the same; the kernel then only counts (control.dry_run). For the thread of the ban book.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "dataplane/ban/ban_book.h"
#include "dataplane/ban/destination_table.h"
#include "dataplane/core/latency.h"
#include "dataplane/detect/verdict.h"

namespace gabion::ban {

struct VerdictReport {
    std::uint64_t verdicts = 0;
    std::array<std::uint64_t, static_cast<std::size_t>(Outcome::count)> outcome{};  // by enum Outcome
    LatencyHistogram latency;  // from the decision to being in force, or refused
};

class VerdictWriter {
public:
    // Told once for each verdict, after all of them are in force or refused: for events, which the caller limits.
    using Tell = std::function<void(const detect::Verdict&, Outcome)>;

    VerdictWriter(BanBook& book, DestinationTable& destinations, Tell tell = {})
        : book_(book), destinations_(destinations), tell_(std::move(tell)) {}

    // `now_ns` is boot time. Returns how many are in force.
    std::size_t apply(std::span<const detect::Verdict> verdicts, std::uint64_t now_ns);

    [[nodiscard]] const VerdictReport& report() const noexcept { return report_; }

private:
    Outcome apply_one(const detect::Verdict& verdict, std::uint64_t now_ns);
    Outcome apply_source(const detect::Verdict& verdict, gabion_set set, std::uint64_t now_ns);

    BanBook& book_;
    DestinationTable& destinations_;
    Tell tell_;
    VerdictReport report_;
    std::vector<Outcome> outcomes_;  // of the verdicts being applied
};

}  // namespace gabion::ban
