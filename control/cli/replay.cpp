// SPDX-License-Identifier: Apache-2.0
// `gabion replay`: needs no daemon.
#include <cstdio>
#include <iostream>

#include <nlohmann/json.hpp>

#include "control/cli/ask.h"
#include "control/cli/show.h"
#include "control/replay/json.h"
#include "control/replay/replayer.h"

namespace gabion::cli {
namespace {

constexpr std::size_t rows_max = 40;  // on a terminal; --json has all of them

std::string time_text(const Json& entry) {
    char text[32];
    std::snprintf(text, sizeof text, "%.3f s", entry.value("time_s", 0.0));
    return text;
}

void show_files(std::ostream& out, const Json& report) {
    Table table({{"FILE"}, {"PACKETS", Align::right}, {"BYTES", Align::right}, {"LASTS", Align::right}});
    for (const Json& file : member(report, "files")) {
        char lasts[32];
        std::snprintf(lasts, sizeof lasts, "%.3f s", file.value("seconds", 0.0));
        table.add({printable(text_of(file, "file")), grouped(count_of(file, "packets")),
                   bytes_text(count_of(file, "bytes")), lasts});
    }
    table.print(out);
}

template <typename Row>
void show_list(std::ostream& out, const Json& list, std::vector<Column> columns, Row row) {
    if (list.empty()) return;
    Table table(std::move(columns));
    for (std::size_t i = 0; i < std::min(list.size(), rows_max); ++i)
        table.add(row(list[i]));
    out << '\n';
    table.print(out);
    if (list.size() > rows_max) out << "and " << grouped(list.size() - rows_max) << " more; --json has them all\n";
}

void show_replay(std::ostream& out, const Json& report) {
    show_files(out, report);
    out << '\n';
    show_counters(out, report);
    show_list(out, member(report, "events"), {{"AT", Align::right}, {"EVENT"}, {"TARGET"}, {"WHAT"}},
              [](const Json& e) {
                  return std::vector<std::string>{time_text(e), printable(text_of(e, "kind")),
                                                  printable(text_of(e, "target")), printable(text_of(e, "text"))};
              });
    show_list(out, member(report, "decisions"),
              {{"AT", Align::right}, {"DECISION"}, {"TARGET"}, {"REASON"}, {"OUTCOME"}}, [](const Json& d) {
                  return std::vector<std::string>{time_text(d), printable(text_of(d, "kind")),
                                                  printable(text_of(d, "target")), printable(text_of(d, "reason")),
                                                  printable(text_of(d, "outcome"))};
              });
    if (!report.value("learned", false))
        out << "\nnothing was learned of calm times: unlearned defaults were in force; see --learn\n";
}

Result<config::Config> config_for(const Options& options) {
    if (options.config.empty()) return config::Config{};
    const auto reading = config::read_config(options.config);
    if (!reading.config) return Error{reading.problem_text(), EINVAL};
    return *reading.config;
}

}  // namespace

int replay(const Options& options) {
    const auto config = config_for(options);
    if (!config) return fail(config.error().text, 1);
    replay::Replayer replayer(*config);
    if (!options.learn.empty()) {
        if (const auto learned = replayer.learn(options.learn, options.filter); !learned)
            return fail(learned.error().text, 1);
    }
    std::vector<replay::FileReport> files;
    for (const std::string& file : options.files) {
        auto played = replayer.play(file, options.filter);
        if (!played) return fail(played.error().text, 1);
        files.push_back(std::move(*played));
    }
    const Json report = replay::to_json(replayer, files);
    if (options.json)
        std::cout << report.dump(-1, ' ', false, Json::error_handler_t::replace) << '\n';
    else
        show_replay(std::cout, report);
    return 0;
}

}  // namespace gabion::cli
