// SPDX-License-Identifier: Apache-2.0
#include "control/cli/host.h"

#include <algorithm>
#include <ostream>
#include <utility>

#include <nlohmann/json.hpp>

#include "control/cli/table.h"
#include "control/config/config.h"
#include "control/host/tree.h"

namespace gabion::cli {
namespace {

void add_interface(host::Wanted& wanted, const std::string& name, const std::string& attach) {
    const bool known = std::any_of(wanted.interfaces.begin(), wanted.interfaces.end(),
                                   [&](const host::Wanted::Interface& one) { return one.name == name; });
    if (!known && !name.empty()) wanted.interfaces.push_back({name, attach});
}

HostQuestion question_of(const config::Config& config) {
    HostQuestion question;
    auto& wanted = question.wanted;
    for (const auto& interface : config.interfaces) {
        if (interface.backend == "dpdk") continue;  // no interface of the kernel's
        add_interface(wanted, interface.name, interface.attach);
        add_interface(wanted, interface.peer, interface.attach);
    }
    wanted.worker_cpus = config.workers.cpus;
    wanted.pin = config.state.pin;
    wanted.syn_cookies = config.syn.way == "auto" || config.syn.way == "cookies";
    question.state_directory = config.state.directory;
    return question;
}

// Those named take the place of all others, with their own settings where the configuration has them.
void choose(host::Wanted& wanted, const std::vector<std::string>& names) {
    const auto configured = std::exchange(wanted.interfaces, {});
    for (const auto& name : names) {
        const auto found = std::find_if(configured.begin(), configured.end(),
                                        [&](const host::Wanted::Interface& one) { return one.name == name; });
        add_interface(wanted, name, found == configured.end() ? "auto" : found->attach);
    }
}

}  // namespace

Result<HostQuestion> host_question(const Options& options) {
    const std::string path = options.config.empty() ? default_config : options.config;
    HostQuestion question = question_of(config::Config{});
    const bool optional = options.config.empty() && !options.interfaces.empty();
    if (!optional || host::Tree().has(path)) {
        const auto reading = config::read_config(path);
        if (!reading.config) return Error{reading.problem_text(), EINVAL};
        question = question_of(*reading.config);
    }
    for (const auto& name : options.interfaces) {
        if (name.empty() || name.size() > 15 || name.find('/') != std::string::npos)
            return Error{"'" + name + "' is no name of an interface: 1 to 15 characters without '/'", EINVAL};
    }
    if (!options.interfaces.empty()) choose(question.wanted, options.interfaces);
    return question;
}

Json to_json(const host::Finding& finding) {
    return {{"check", finding.check},
            {"rank", name_of(finding.rank)},
            {"interface", finding.interface.empty() ? Json() : Json(finding.interface)},
            {"what", finding.what},
            {"cost", finding.cost},
            {"fix", fix_of(finding)},
            {"tunable", !finding.settings.empty()}};
}

void show_finding(std::ostream& out, const host::Finding& finding) {
    std::string head(name_of(finding.rank));
    head.resize(10, ' ');
    if (!finding.interface.empty()) head += printable(finding.interface) + ": ";
    out << head << printable(finding.what) << '\n';
    out << "  costs   " << printable(finding.cost) << '\n';
    bool first = true;
    for (const auto& command : fix_of(finding)) {
        out << (first ? "  fix     " : "          ") << printable(command) << '\n';
        first = false;
    }
}

}  // namespace gabion::cli
