// SPDX-License-Identifier: Apache-2.0
// Captures through the whole of Gabion without a network: the kernel's stages in their host's home, a worker's observer, the analyst, the ban
// book and the verdicts in force, all on the captures' own time. What is decided here is what the appliance would decide of the
// same packets, on one queue whose worker always keeps up.
//
// A capture shows what arrives. What the host sends is not known here, so that no flow is vouched for, answers to its own questions look
// unasked, and no socket is there to ask; leave outgoing packets out with a filter ("dst host 192.0.2.1"), or they are judged as if they
// had arrived.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "control/config/config.h"
#include "dataplane/ban/entry.h"
#include "dataplane/core/result.h"
#include "dataplane/counter/totals.h"
#include "dataplane/detect/verdict.h"

namespace gabion::replay {

struct FileReport {
    std::string file;
    std::uint64_t packets = 0;
    std::uint64_t bytes = 0;
    double seconds = 0;  // from the first packet to the last
};

// Times are seconds since the first packet of the first file.
struct Decision {
    double time_s = 0;
    detect::Verdict verdict;
    ban::Outcome outcome = ban::Outcome::added;
};

struct Occurrence {
    double time_s = 0;
    std::string kind;  // as in `gabion events`
    Prefix target;     // length 0: none
    std::string text;
};

class Replayer {
public:
    explicit Replayer(const config::Config& config);
    ~Replayer();
    Replayer(const Replayer&) = delete;
    Replayer& operator=(const Replayer&) = delete;

    // Ordinary traffic, played until the detectors have learned from it: again and again when it is short. Counts and decisions of
    // this time are forgotten. Fails when nothing can be learned from the file.
    Result<FileReport> learn(const std::string& file, const std::string& filter = {});

    // One file behind the other, each as if it began a second after the one before had ended.
    Result<FileReport> play(const std::string& file, const std::string& filter = {});

    [[nodiscard]] bool learned() const noexcept;
    [[nodiscard]] counter::Totals totals() const;
    [[nodiscard]] const std::vector<Decision>& decisions() const noexcept;
    [[nodiscard]] const std::vector<Occurrence>& occurrences() const noexcept;

private:
    struct Stage;
    std::unique_ptr<Stage> stage_;
};

}  // namespace gabion::replay
