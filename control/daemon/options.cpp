// SPDX-License-Identifier: Apache-2.0
#include "control/daemon/options.h"

#include <algorithm>
#include <iostream>

#include <CLI/CLI.hpp>

#include "dataplane/core/duration.h"

namespace gabion::daemon {
namespace {

using namespace std::chrono_literals;

constexpr auto trial_min = 1s;
constexpr auto trial_max = std::chrono::hours(24 * 7);

// As CLI11 wants it: empty when it is right.
std::string trial_problem(const std::string& text) {
    const auto time = parse_duration(text);
    if (!time) return time.error().text;
    return *time < trial_min || *time > trial_max ? "a trial takes 1s to 7d, not " + text : "";
}

}  // namespace

ParsedOptions parse_options(int argc, const char* const* argv) {
    DaemonOptions options;
    CLI::App app{"gabiond protects network interfaces against floods; gabion controls it.", "gabiond"};
    app.set_version_flag("--version", "gabiond " GABION_VERSION);
    app.add_option("--config", options.config, "the configuration")->type_name("FILE")->capture_default_str();
    app.add_option("--interface", options.interface, "protect this interface alone, as configured or with the defaults")
        ->type_name("IF");
    std::string trial;
    auto* check = app.add_flag("--check", options.check, "say whether the configuration is right, and end");
    auto* detach =
        app.add_flag("--detach", options.detach, "take off all that an earlier gabiond left in force, and end");
    auto* limit = app.add_option("--for", trial,
                                 "take everything off again after this time, or when gabiond dies meanwhile, unless "
                                 "`gabion confirm` is given")
                      ->type_name("TIME")
                      ->check(CLI::Validator(trial_problem, "", "trial"));
    check->excludes(detach)->excludes(limit);
    detach->excludes(limit);
    try {
        app.parse(argc, argv);
        if (!trial.empty()) options.trial = *parse_duration(trial);
    } catch (const CLI::Success& success) {
        return {std::nullopt, app.exit(success)};
    } catch (const CLI::ParseError& error) {
        std::string text = error.what();
        std::replace(text.begin(), text.end(), '\n', ' ');
        std::cerr << "gabiond: " << text << "; gabiond --help tells more\n";
        return {std::nullopt, 2};
    }
    return {options, 0};
}

}  // namespace gabion::daemon
