// SPDX-License-Identifier: Apache-2.0
// `gabion tune`: needs no daemon. What can be set at run time is set, and can be put back.
#include <algorithm>
#include <iostream>

#include <nlohmann/json.hpp>

#include "control/cli/ask.h"
#include "control/cli/host.h"
#include "control/host/boot.h"
#include "control/host/reader.h"
#include "control/host/tuning.h"

namespace gabion::cli {
namespace {

using host::Done;

// What was done, in the order in which it was; printed at the end as text or as JSON.
class Report {
public:
    explicit Report(bool json) : as_json_(json) {}

    void done(const std::string& command, const std::string& before) {
        json_["done"].push_back({{"command", command}, {"before", before}});
        if (!as_json_) std::cout << printable(command) << "    # was " << printable(before) << '\n';
    }
    void left(const std::string& command, const std::string& why) {
        json_["left"].push_back({{"command", command}, {"why", why}});
        if (!as_json_) std::cout << "left alone: " << printable(command) << ": " << printable(why) << '\n';
    }
    void failed(const std::string& command, const std::string& why) {
        failed_ = true;
        json_["failed"].push_back({{"command", command}, {"why", why}});
        if (!as_json_) std::cerr << "gabion: " << printable(command) << ": " << printable(why) << '\n';
    }
    void remains(const host::Finding& finding) {
        json_["remaining"].push_back(to_json(finding));
        if (!as_json_ && remaining_++ == 0) std::cout << "what only you can do:\n";
        if (!as_json_) show_finding(std::cout, finding);
    }
    int end(const char* when_nothing) {
        if (as_json_) {
            std::cout << json_.dump(-1, ' ', false, Json::error_handler_t::replace) << '\n';
        } else if (json_["done"].empty() && json_["left"].empty() && !failed_) {
            std::cout << when_nothing << '\n';
        }
        if (!std::cout.flush()) return fail("writing the output failed", 1);
        return failed_ ? 1 : 0;
    }

private:
    bool as_json_;
    bool failed_ = false;
    unsigned remaining_ = 0;
    Json json_{
        {"done", Json::array()}, {"left", Json::array()}, {"failed", Json::array()}, {"remaining", Json::array()}};
};

void tell(Report& report, const std::vector<host::Outcome>& outcomes) {
    for (const auto& outcome : outcomes) {
        const auto command = host::command_of(outcome.setting);
        switch (outcome.done) {
            case Done::changed:
                report.done(command, outcome.before);
                break;
            case Done::already:
                break;
            case Done::left:
                report.left(command, outcome.error);
                break;
            case Done::failed:
                report.failed(command, outcome.error);
                break;
        }
    }
}

int undo(const Options& options, const HostQuestion& question) {
    auto record = host::TuneRecord::open(question.state_directory, host::boot_id());
    if (!record) return fail(record.error().text, 1);
    Report report(options.json);
    const auto outcomes = host::undo(*record);
    if (!outcomes) return fail(outcomes.error().text, 1);
    tell(report, *outcomes);
    const auto removed = host::remove_boot_file(*record, host::boot_file);
    if (!removed)
        report.failed(std::string("rm ") + host::boot_file, removed.error().text);
    else if (*removed)
        report.done(std::string("rm ") + host::boot_file, "there; now: update-grub, and reboot when it suits");
    return report.end("nothing to put back");
}

std::vector<host::Setting> settings_of(const std::vector<host::Finding>& findings) {
    std::vector<host::Setting> settings;
    for (const auto& finding : findings)
        settings.insert(settings.end(), finding.settings.begin(), finding.settings.end());
    return settings;
}

void tune_boot(Report& report, const host::Facts& facts, host::TuneRecord* record) {
    const std::string command = std::string("write ") + host::boot_file;
    const auto boot = host::boot_options(facts);
    if (!boot) return report.failed(command, boot.error().text);
    if (record != nullptr) {
        const auto written = host::write_boot_file(*record, host::boot_file, host::boot_file_text(*boot));
        if (!written) return report.failed(command, written.error().text);
    }
    report.done(command + ": " + *boot, "without these options; now: update-grub, and reboot when it suits");
}

// Only tells what would be done now: what is tuned may change what there is to tune.
void rehearse(Report& report, const std::vector<host::Finding>& findings) {
    for (const auto& setting : settings_of(findings)) {
        const auto now = host::value_in_force(setting);
        report.done(host::command_of(setting), now ? *now : "not known");
    }
}

// In rounds, because new queues have new interrupts. Each setting is tried once.
constexpr int rounds_max = 3;

Result<void> perform(Report& report, const HostQuestion& question, host::TuneRecord& record,
                     std::vector<host::Finding>& findings) {
    std::vector<host::Setting> tried;
    for (int round = 0; round < rounds_max; ++round) {
        std::vector<host::Setting> wanted;
        for (auto& setting : settings_of(findings)) {
            if (std::find(tried.begin(), tried.end(), setting) == tried.end()) wanted.push_back(std::move(setting));
        }
        if (wanted.empty()) break;
        tried.insert(tried.end(), wanted.begin(), wanted.end());
        const auto outcomes = host::apply(record, wanted);
        if (!outcomes) return outcomes.error();
        tell(report, *outcomes);
        findings = host::examine(host::Reader().read(question.wanted));
    }
    return {};
}

}  // namespace

int tune(const Options& options) {
    const auto question = host_question(options);
    if (!question) return fail(question.error().text, 1);
    if (options.undo) return undo(options, *question);
    const auto facts = host::Reader().read(question->wanted);
    auto findings = host::examine(facts);
    Report report(options.json);
    if (options.dry_run) {
        rehearse(report, findings);
        if (options.boot) tune_boot(report, facts, nullptr);
    } else {
        auto record = host::TuneRecord::open(question->state_directory, host::boot_id());
        if (!record) return fail(record.error().text, 1);
        if (const auto done = perform(report, *question, *record, findings); !done) return fail(done.error().text, 1);
        if (options.boot) tune_boot(report, facts, &*record);
    }
    for (const auto& finding : findings) {
        if (finding.rank != host::Rank::note && finding.settings.empty()) report.remains(finding);
    }
    return report.end("nothing to tune");
}

}  // namespace gabion::cli
