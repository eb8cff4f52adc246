// SPDX-License-Identifier: Apache-2.0
#include "control/daemon/methods.h"

#include <nlohmann/json.hpp>

#include "bpf/abi/table.h"
#include "control/daemon/events.h"
#include "control/daemon/json.h"
#include "control/daemon/params.h"
#include "control/daemon/sealed_file.h"
#include "control/daemon/server.h"
#include "control/wire/protocol.h"
#include "dataplane/ban/ban_book.h"

namespace gabion::daemon {
namespace {

namespace method = wire::method;

// The document of a result, or its error.
template <typename T>
Result<Json> document(const Result<T>& result) {
    if (!result) return result.error();
    return to_json(*result);
}

Result<Json> removed(const Prefix& target, const Result<unsigned>& result) {
    if (!result) return result.error();
    return Json{{"target", target.text()}, {"removed", *result}};
}

PageRequest page_request(Params& params) {
    PageRequest page;
    page.cursor = params.text("cursor");
    page.limit = static_cast<unsigned>(params.number("limit", wire::page_entries_max, 1, wire::page_entries_max));
    return page;
}

unsigned skip_of(Params& params) {
    unsigned skip = 0;
    for (const std::string& name : params.texts("skip")) {
        if (name == "bans")
            skip |= GABION_SKIP_BANS;
        else if (name == "rates")
            skip |= GABION_SKIP_RATES;
        else if (name == "validation")
            skip |= GABION_SKIP_VALIDATION;
        else
            params.fail("'skip' must be a list of \"bans\", \"rates\", \"validation\"");
    }
    return skip;
}

Result<Json> add_ban(ControlSurface& surface, const Json& json) {
    Params params(json);
    const BanRequest request{params.prefix("target"), params.duration("for_ms"), params.note("note"),
                             params.flag("force")};
    if (auto good = params.finish(); !good) return good.error();
    if (auto narrow = ban::check_width(request.target, request.force); !narrow)
        return Error{narrow.error().text, EINVAL};
    const auto expires = surface.add_ban(request);
    if (!expires) return expires.error();
    return Json{{"target", request.target.text()}, {"expires", *expires ? Json(wire::utc_text(**expires)) : Json()}};
}

Result<Json> load_bans(ControlSurface& surface, const Json& json, Call& call) {
    Params params(json);
    std::string name = params.note("name");
    BanLoad load{{}, params.duration("for_ms"), params.note("note"), params.flag("force")};
    if (auto good = params.finish(); !good) return good.error();
    if (!call.file) return Error{"the list must travel beside the request, as a file descriptor", EINVAL};
    const auto mapping = map_sealed(call.file.get());
    if (!mapping) return mapping.error();
    const std::string_view text(static_cast<const char*>(mapping->address()), mapping->bytes());
    auto targets = ban::parse_targets(text, name.empty() ? "the list" : name, load.force);
    // The command was right, the file was not.
    if (!targets) return Error{targets.error().text + "; nothing was loaded", EBADMSG};
    load.targets = *std::move(targets);
    surface.load_bans(std::move(load), [reply = call.answer_later()](const Result<LoadReport>& report) {
        if (report)
            reply(Json{{"loaded", report->loaded}, {"added", report->added}});
        else
            reply(report.error());
    });
    return Json();
}

Result<Json> profile(ControlSurface& surface, const Json& json, Call& call) {
    Params params(json);
    const std::chrono::seconds time(
        params.number("seconds", wire::profile_seconds_default, 1, wire::profile_seconds_max));
    if (auto good = params.finish(); !good) return good.error();
    call.when_gone = surface.profile(
        time, [reply = call.answer_later()](const Result<ProfileReport>& report) { reply(document(report)); });
    return Json();
}

Result<Json> add_allow(ControlSurface& surface, const Json& json) {
    Params params(json);
    AllowRequest request{params.prefix("target"), skip_of(params), params.note("note")};
    if (!json.contains("skip")) request.skip = GABION_SKIP_ALL;
    if (auto good = params.finish(); !good) return good.error();
    if (auto added = surface.add_allow(request); !added) return added.error();
    return Json{{"target", request.target.text()}, {"skip", skip_names(request.skip)}};
}

Result<Json> panic(ControlSurface& surface, const Json& json) {
    Params params(json);
    const std::string mode = params.text("mode");
    if (!mode.empty() && mode != "auto" && mode != "on" && mode != "off")
        params.fail("'mode' must be \"auto\", \"on\" or \"off\"");
    if (auto good = params.finish(); !good) return good.error();
    return document(mode.empty() ? surface.panic() : surface.set_panic(mode));
}

Result<Json> list_events(const EventLog& events, const Json& json) {
    Params params(json);
    const auto after = params.number("after", 0, 0, UINT64_MAX);
    const auto limit = params.number("limit", wire::page_entries_max, 1, wire::page_entries_max);
    if (auto good = params.finish(); !good) return good.error();
    Json entries = Json::array();
    const auto page = events.after(after, limit);
    for (const Event& event : page)
        entries.push_back(to_json(event));
    const bool more = !page.empty() && page.back().id < events.last_id();
    return Json{{"entries", std::move(entries)},
                {"next", more ? Json(page.back().id) : Json()},
                {"missed", events.missed_after(after)}};
}

void register_bans(Server& server, ControlSurface& surface) {
    server.add(method::ban_add, [&surface](const Json& json, Call&) { return add_ban(surface, json); });
    server.add(method::ban_load, [&surface](const Json& json, Call& call) { return load_bans(surface, json, call); });
    server.add(method::ban_del, [&surface](const Json& json, Call&) -> Result<Json> {
        Params params(json);
        const Prefix target = params.prefix("target");
        if (auto good = params.finish(); !good) return good.error();
        return removed(target, surface.remove_ban(target));
    });
    server.add(method::ban_list, [&surface](const Json& json, Call&) -> Result<Json> {
        Params params(json);
        const PageRequest page = page_request(params);
        if (auto good = params.finish(); !good) return good.error();
        return document(surface.list_bans(page));
    });
}

void register_allow(Server& server, ControlSurface& surface) {
    server.add(method::allow_add, [&surface](const Json& json, Call&) { return add_allow(surface, json); });
    server.add(method::allow_del, [&surface](const Json& json, Call&) -> Result<Json> {
        Params params(json);
        const Prefix target = params.prefix("target");
        if (auto good = params.finish(); !good) return good.error();
        return removed(target, surface.remove_allow(target));
    });
    server.add(method::allow_list, [&surface](const Json& json, Call&) -> Result<Json> {
        Params params(json);
        const PageRequest page = page_request(params);
        if (auto good = params.finish(); !good) return good.error();
        return document(surface.list_allow(page));
    });
}

void register_events(Server& server, EventLog& events) {
    server.add(method::events_list, [&events](const Json& json, Call&) { return list_events(events, json); });
    server.add(method::events_follow, [](const Json& json, Call& call) -> Result<Json> {
        if (auto good = Params(json).finish(); !good) return good.error();
        call.topic = method::event;
        return Json::object();
    });
    events.listen([&server](const Event& event) { server.publish(method::event, to_json(event)); });
}

}  // namespace

void register_methods(Server& server, ControlSurface& surface, EventLog& events) {
    server.add(method::status, [&surface](const Json& json, Call&) -> Result<Json> {
        if (auto good = Params(json).finish(); !good) return good.error();
        return document(surface.status());
    });
    server.add(method::counters, [&surface](const Json& json, Call&) -> Result<Json> {
        Params params(json);
        const bool per_core = params.flag("per_core");
        if (auto good = params.finish(); !good) return good.error();
        return document(surface.counters(per_core));
    });
    server.add(method::panic, [&surface](const Json& json, Call&) { return panic(surface, json); });
    server.add(method::confirm, [&surface](const Json& json, Call&) -> Result<Json> {
        if (auto good = Params(json).finish(); !good) return good.error();
        return Json{{"confirmed", surface.confirm()}};
    });
    server.add(method::why, [&surface](const Json& json, Call&) -> Result<Json> {
        Params params(json);
        const Prefix target = params.prefix("target");
        if (auto good = params.finish(); !good) return good.error();
        return document(surface.why(target));
    });
    server.add(method::profile, [&surface](const Json& json, Call& call) { return profile(surface, json, call); });
    server.add(method::reload, [&surface](const Json& json, Call& call) -> Result<Json> {
        if (auto good = Params(json).finish(); !good) return good.error();
        surface.reload([reply = call.answer_later()](const Result<ReloadReport>& report) {
            // A bad file is no wrong usage of the command.
            reply(report ? document(report) : Error{report.error().text, EBADMSG});
        });
        return Json();
    });
    server.add(method::config_show, [&surface](const Json& json, Call&) -> Result<Json> {
        if (auto good = Params(json).finish(); !good) return good.error();
        const auto text = surface.configuration();
        if (!text) return text.error();
        return Json{{"toml", *text}};
    });
    register_bans(server, surface);
    register_allow(server, surface);
    register_events(server, events);
}

}  // namespace gabion::daemon
