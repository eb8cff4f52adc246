// SPDX-License-Identifier: Apache-2.0
#include "control/daemon/options.h"

#include <algorithm>
#include <iostream>

#include <CLI/CLI.hpp>

namespace gabion::daemon {

ParsedOptions parse_options(int argc, const char* const* argv) {
    DaemonOptions options;
    CLI::App app{"gabiond protects network interfaces against floods; gabion controls it.", "gabiond"};
    app.set_version_flag("--version", "gabiond " GABION_VERSION);
    app.add_option("--config", options.config, "the configuration")->type_name("FILE")->capture_default_str();
    app.add_option("--interface", options.interface, "protect this interface alone, as configured or with the defaults")
        ->type_name("IF");
    app.add_flag("--check", options.check, "say whether the configuration is right, and end");
    try {
        app.parse(argc, argv);
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
