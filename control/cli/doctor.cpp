// SPDX-License-Identifier: Apache-2.0
// `gabion doctor`: needs no daemon, changes nothing.
#include <algorithm>
#include <iostream>

#include <nlohmann/json.hpp>

#include "control/cli/ask.h"
#include "control/cli/host.h"
#include "control/host/reader.h"

namespace gabion::cli {
namespace {

using Findings = std::vector<host::Finding>;

bool counts(const host::Finding& finding) { return finding.rank != host::Rank::note; }

void print_json(const Findings& all, const host::Facts& facts) {
    Json report{{"findings", Json::array()}, {"notes", Json::array()}, {"not_looked_at", facts.not_looked_at}};
    for (const auto& finding : all)
        report[counts(finding) ? "findings" : "notes"].push_back(to_json(finding));
    std::cout << report.dump(-1, ' ', false, Json::error_handler_t::replace) << '\n';
}

void print_text(const Findings& all, const host::Facts& facts) {
    for (const auto& finding : all) {
        show_finding(std::cout, finding);
        std::cout << '\n';
    }
    for (const auto& what : facts.not_looked_at)
        std::cout << "not looked at: " << printable(what) << '\n';
    const auto count = std::count_if(all.begin(), all.end(), counts);
    const auto tunable = std::count_if(all.begin(), all.end(), [](const auto& one) { return !one.settings.empty(); });
    if (count == 0)
        std::cout << "nothing is missing\n";
    else
        std::cout << count << (count == 1 ? " finding" : " findings") << "; gabion tune can do " << tunable << '\n';
}

}  // namespace

int doctor(const Options& options) {
    const auto question = host_question(options);
    if (!question) return fail(question.error().text, 2);
    const auto facts = host::Reader().read(question->wanted);
    const auto all = host::examine(facts);
    if (options.json)
        print_json(all, facts);
    else
        print_text(all, facts);
    if (!std::cout.flush()) return fail("writing the output failed", 2);
    return std::any_of(all.begin(), all.end(), counts) ? 1 : 0;
}

}  // namespace gabion::cli
