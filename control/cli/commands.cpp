// SPDX-License-Identifier: Apache-2.0
#include "control/cli/commands.h"

#include <cstdlib>
#include <iostream>
#include <optional>

#include <nlohmann/json.hpp>

#include "control/cli/ask.h"
#include "control/cli/show.h"
#include "control/wire/client.h"
#include "control/wire/protocol.h"
#include "dataplane/core/duration.h"

namespace gabion::cli {
namespace {

namespace method = wire::method;

// for_ms, note and force of `ban add` and `ban load`.
Result<Json> ban_params(const Options& options) {
    Json params{{"note", options.note}, {"force", options.force}};
    if (options.note.size() > wire::note_bytes_max)
        return Error{"a note has at most " + std::to_string(wire::note_bytes_max) + " bytes", EINVAL};
    if (!options.duration.empty()) {
        const auto duration = parse_duration(options.duration);
        if (!duration) return Error{"--for: " + duration.error().text, EINVAL};
        if (duration->count() == 0)
            return Error{"--for: a ban of no length makes no sense; leave --for out for one that stays", EINVAL};
        params["for_ms"] = duration->count();
    }
    return params;
}

std::string until_text(const Json& answer) {
    const std::string expires = text_of(answer, "expires");
    return expires.empty() ? "until it is taken out" : "until " + expires;
}

int take_out(const Options& options, std::string_view name, const char* what) {
    const auto target = target_of(options);
    if (!target) return fail(target.error().text, 2);
    bool found = true;
    const int status = ask(options, name, {{"target", target->text()}}, [&](const Json& answer) {
        found = answer.value("removed", 0) > 0;
        if (found) std::cout << target->text() << " is no longer " << what << '\n';
    });
    if (status == 0 && !found) return fail(target->text() + " was not " + what, 1);
    return status;
}

// The other end of the ssh session that this command is given in; nothing when there is none. sshd sets both to "ADDRESS PORT ...".
std::optional<Prefix> own_session() {
    for (const char* name : {"SSH_CONNECTION", "SSH_CLIENT"}) {
        const char* value = std::getenv(name);
        if (value == nullptr) continue;
        const std::string_view address = std::string_view(value).substr(0, std::string_view(value).find_first_of(" %"));
        if (const auto remote = Prefix::parse(address)) return *remote;
    }
    return std::nullopt;
}

}  // namespace

int status(const Options& options) {
    return ask(options, method::status, Json::object(), [](const Json& answer) { show_status(std::cout, answer); });
}

int counters(const Options& options) {
    return ask(options, method::counters, {{"per_core", options.per_core}},
               [](const Json& answer) { show_counters(std::cout, answer); });
}

int ban_add(const Options& options) {
    const auto target = target_of(options);
    if (!target) return fail(target.error().text, 2);
    if (target->length == 0 && !options.force)
        return fail(target->text() + " is every address there is, yours too; --force if that is meant", 2);
    const auto session = own_session();
    if (session && target->contains(*session) && !options.force)
        return fail(
            target->text() + " would cut off your own session from " + session->text() + "; --force if that is meant",
            1);
    auto params = ban_params(options);
    if (!params) return fail(params.error().text, 2);
    (*params)["target"] = target->text();
    return ask(options, method::ban_add, *params,
               [&](const Json& answer) { std::cout << target->text() << " is banned " << until_text(answer) << '\n'; });
}

int ban_del(const Options& options) { return take_out(options, method::ban_del, "banned"); }

int ban_list(const Options& options) {
    return ask_pages(options, method::ban_list, ban_table(), add_ban_row, "no bans");
}

int ban_load(const Options& options) {
    auto params = ban_params(options);
    if (!params) return fail(params.error().text, 2);
    const auto file = wire::sealed_copy(options.file);
    if (!file) return fail(file.error().text, 1);
    (*params)["name"] =
        options.file == "-" ? "standard input" : printable(options.file).substr(0, wire::note_bytes_max);
    return ask(
        options, method::ban_load, *params,
        [](const Json& answer) {
            std::cout << grouped(answer.value("loaded", std::uint64_t{0})) << " addresses are banned, "
                      << grouped(answer.value("added", std::uint64_t{0})) << " of them were not before\n";
        },
        file->get());
}

int allow_add(const Options& options) {
    const auto target = target_of(options);
    if (!target) return fail(target.error().text, 2);
    Json params{{"target", target->text()}, {"note", options.note}};
    if (options.skip) {
        Json names = Json::array();
        for (std::string_view rest = *options.skip; !rest.empty();) {
            const auto comma = rest.find(',');
            const auto name = rest.substr(0, comma);
            if (name != "bans" && name != "rates" && name != "validation")
                return fail("--skip: '" + std::string(name) + "' is none of bans, rates, validation", 2);
            names.push_back(name);
            rest = comma == std::string_view::npos ? std::string_view{} : rest.substr(comma + 1);
        }
        params["skip"] = std::move(names);
    }
    return ask(options, method::allow_add, params, [&](const Json& answer) {
        std::cout << target->text() << " is allowed and skips " << list_text(answer.value("skip", Json::array()))
                  << '\n';
    });
}

int allow_del(const Options& options) { return take_out(options, method::allow_del, "on the allow list"); }

int allow_list(const Options& options) {
    return ask_pages(options, method::allow_list, allow_table(), add_allow_row, "the allow list is empty");
}

int panic(const Options& options) {
    Json params = Json::object();
    if (!options.mode.empty()) params["mode"] = options.mode;
    return ask(options, method::panic, params, [](const Json& answer) { show_panic(std::cout, answer); });
}

// Giving it twice does no harm: what the caller wants is so.
int confirm(const Options& options) {
    return ask(options, method::confirm, Json::object(), [](const Json& answer) {
        std::cout << (answer.value("confirmed", false) ? "confirmed: gabiond stays\n"
                                                       : "nothing to confirm: gabiond runs without a time limit\n");
    });
}

int why(const Options& options) {
    const auto target = target_of(options);
    if (!target) return fail(target.error().text, 2);
    return ask(options, method::why, {{"target", target->text()}},
               [](const Json& answer) { show_why(std::cout, answer); });
}

int profile(const Options& options) {
    Json params = Json::object();
    if (options.seconds != 0) params["seconds"] = options.seconds;
    return ask(
        options, method::profile, params, [](const Json& answer) { show_profile(std::cout, answer); }, -1,
        std::chrono::seconds(options.seconds != 0 ? options.seconds : wire::profile_seconds_default));
}

// Programs are loaded anew: seconds on a host at rest, many times that on a busy one.
constexpr std::chrono::seconds reload_time{120};

int reload(const Options& options) {
    Json params = Json::object();
    if (options.channels != 0) params["channels"] = options.channels;
    if (!options.target.empty()) params["interface"] = options.target;
    return ask(
        options, method::reload, params, [](const Json& answer) { show_reload(std::cout, answer); }, -1, reload_time);
}

}  // namespace gabion::cli
