// SPDX-License-Identifier: Apache-2.0
#include "control/config/config.h"

#include <iostream>

#include <nlohmann/json.hpp>

#include "control/cli/ask.h"
#include "control/cli/show.h"
#include "control/wire/protocol.h"

namespace gabion::cli {

int config_show(const Options& options) {
    return ask(options, wire::method::config_show, Json::object(),
               [](const Json& answer) { std::cout << answer.value("toml", std::string()); });
}

int config_check(const Options& options) {
    const auto reading = config::read_config(options.file);
    if (options.json)
        std::cout << Json{{"valid", reading.config.has_value()}, {"problems", reading.problems}}.dump(
                         -1, ' ', false, Json::error_handler_t::replace)
                  << '\n';
    if (!reading.config) {
        std::cerr << reading.problem_text() << '\n';
        return 1;
    }
    if (!options.json) std::cout << options.file << " is right\n";
    return 0;
}

}  // namespace gabion::cli
