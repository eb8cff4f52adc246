// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <charconv>

#include "bpf/abi/table.h"
#include "control/daemon/appliance.h"
#include "control/daemon/load_in_progress.h"
#include "control/daemon/protection.h"
#include "dataplane/core/clock.h"

namespace gabion::daemon {
namespace {

// The order in which `ban list` shows the tiers.
constexpr std::array ban_sets{GABION_SET_OPERATOR, GABION_SET_DETECTOR, GABION_SET_QUARANTINE};

WallTime wall_time(std::uint64_t boot_ns) {
    const auto ahead = static_cast<std::int64_t>(boot_ns - boot_now_ns());
    return std::chrono::system_clock::now() +
           std::chrono::duration_cast<std::chrono::system_clock::duration>(std::chrono::nanoseconds(ahead));
}

std::optional<WallTime> expiry(std::uint64_t until_ns) {
    if (until_ns == never_ns) return std::nullopt;
    return wall_time(until_ns);
}

std::uint64_t deadline(std::optional<std::chrono::milliseconds> duration, std::uint64_t now_ns) {
    return duration ? now_ns + static_cast<std::uint64_t>(duration->count()) * 1'000'000 : never_ns;
}

Error lock_out(const Prefix& target, const Prefix& session) {
    const std::string holds = target.is_address() ? " is" : " holds " + session.text() + ",";
    return Error{target.text() + holds +
                     " the other end of a session by which this host is administered ([operator] ports); nothing was "
                     "banned; --force if that is meant",
                 EPERM};
}

// "SET:POSITION", as this file made it; anything else is an error.
struct Cursor {
    std::size_t set = 0;
    ban::BanBook::Cursor position = 0;
};

Result<Cursor> parse_cursor(const std::string& text) {
    Cursor cursor;
    if (text.empty()) return cursor;
    const char* end = text.data() + text.size();
    const auto set = std::from_chars(text.data(), end, cursor.set);
    if (set.ec == std::errc{} && set.ptr != end && *set.ptr == ':' && cursor.set < ban_sets.size()) {
        const auto position = std::from_chars(set.ptr + 1, end, cursor.position);
        if (position.ec == std::errc{} && position.ptr == end) return cursor;
    }
    return Error{"'cursor' must be what the page before named as next", EINVAL};
}

}  // namespace

EvidenceReport evidence_report(const detect::Evidence& evidence) {
    static constexpr std::array standings{"unproven", "consistent", "proven"};
    EvidenceReport report{.detector = evidence.detector,
                          .standing = standings[static_cast<std::size_t>(evidence.standing)],
                          .window_ms = evidence.window_ms,
                          .samples = evidence.samples,
                          .figures = {}};
    for (std::size_t i = 0; i < evidence.figure_count; ++i)
        report.figures.push_back({evidence.figures[i].name, evidence.figures[i].value, evidence.figures[i].threshold});
    return report;
}

BanEntry ban_entry(const ban::Entry& entry) {
    return {.target = entry.target,
            .tier = ban::name_of(entry.set),
            .reason = entry.reason,
            .note = entry.note,
            .since = wall_time(entry.since_ns),
            .expires = expiry(entry.until_ns),
            .hits = entry.hits,
            .evidence = entry.has_evidence ? evidence_report(entry.evidence) : EvidenceReport{}};
}

AllowEntry allow_entry(const ban::Entry& entry) {
    return {.target = entry.target,
            .skip = entry.skips,
            .note = entry.note,
            .origin = entry.from_config ? "configuration" : "operator",
            .since = wall_time(entry.since_ns)};
}

Result<std::optional<WallTime>> Appliance::add_ban(const BanRequest& request) {
    if (auto wide = ban::check_width(request.target, request.force); !wide) return wide.error();
    if (!request.force) {
        if (const auto session = protection_->operator_sessions().any_in(request.target))
            return lock_out(request.target, *session);
    }
    const std::uint64_t now_ns = boot_now_ns();
    ban::Order order;
    order.target = request.target;
    order.until_ns = deadline(request.duration, now_ns);
    order.note = request.note;
    auto added = protection_->tables().book().add(order, now_ns);
    if (!added) return added.error();
    protection_->events().raise(Severity::info, "ban-added", request.target.text() + " banned by the operator");
    return expiry(order.until_ns);
}

Result<unsigned> Appliance::remove_ban(const Prefix& target) {
    const std::uint64_t now_ns = boot_now_ns();
    unsigned removed = 0;
    for (const gabion_set set : ban_sets)
        removed += protection_->tables().book().remove(set, target, now_ns) ? 1 : 0;
    if (removed == 0)
        return Error{target.text() + " is not banned; `gabion why " + target.text() + "` tells what applies to it",
                     ENOENT};
    protection_->events().raise(Severity::info, "ban-removed", target.text() + " is no longer banned, by the operator");
    return removed;
}

Result<Page<BanEntry>> Appliance::list_bans(const PageRequest& request) {
    auto cursor = parse_cursor(request.cursor);
    if (!cursor) return cursor.error();
    Page<BanEntry> page;
    const ban::BanBook& book = protection_->tables().book();
    const std::uint64_t now_ns = boot_now_ns();
    while (cursor->set < ban_sets.size() && page.entries.size() < request.limit) {
        cursor->position =
            book.list(ban_sets[cursor->set], cursor->position, request.limit - page.entries.size(), now_ns,
                      [&](const ban::Entry& entry) { page.entries.push_back(ban_entry(entry)); });
        if (cursor->position == 0) ++cursor->set;
    }
    if (cursor->set < ban_sets.size()) page.next = std::to_string(cursor->set) + ":" + std::to_string(cursor->position);
    return page;
}

void Appliance::load_bans(BanLoad load, std::function<void(Result<LoadReport>)> done) {
    if (loading_) return done(Error{"another list is being loaded", EBUSY});
    if (!load.force) {
        const OperatorSessions& sessions = protection_->operator_sessions();
        for (const ban::LoadTarget& listed : load.targets) {
            if (const auto session = sessions.any_in(listed.target)) return done(lock_out(listed.target, *session));
        }
    }
    const std::uint64_t now_ns = boot_now_ns();
    ban::Order order;
    order.until_ns = deadline(load.duration, now_ns);
    order.note = load.note;
    loading_ = std::make_unique<Loading>();
    loading_->targets = load.targets.size();
    loading_->done = std::move(done);
    loading_->load =
        std::make_unique<ban::BanLoad>(protection_->tables().book(), std::move(load.targets), order, now_ns);
    step_load();
}

void Appliance::step_load() {
    constexpr std::size_t targets_a_round = 20000;  // some milliseconds
    if (!loading_->load->step(targets_a_round)) return protection_->loop().defer([this] { step_load(); });
    const std::unique_ptr<Loading> loading = std::move(loading_);
    const auto result = loading->load->result();
    if (!result) return loading->done(result.error());
    protection_->events().raise(Severity::info, "bans-loaded",
                                std::to_string(loading->targets) + " targets banned by the operator, from a list");
    loading->done(LoadReport{.loaded = loading->targets, .added = result->added});
}

Result<void> Appliance::add_allow(const AllowRequest& request) {
    ban::Order order;
    order.set = GABION_SET_ALLOW;
    order.target = request.target;
    order.note = request.note;
    order.skips = static_cast<std::uint8_t>(request.skip);
    auto added = protection_->tables().book().add(order, boot_now_ns());
    if (!added) return added.error();
    protection_->events().raise(Severity::info, "allow-added", request.target.text() + " allowed by the operator");
    return {};
}

Result<unsigned> Appliance::remove_allow(const Prefix& target) {
    if (!protection_->tables().book().remove(GABION_SET_ALLOW, target, boot_now_ns()))
        return Error{target.text() + " is not on the allow list", ENOENT};
    protection_->events().raise(Severity::info, "allow-removed",
                                target.text() + " is no longer allowed, by the operator");
    return 1u;
}

Result<Page<AllowEntry>> Appliance::list_allow(const PageRequest& request) {
    ban::BanBook::Cursor position = 0;
    const char* end = request.cursor.data() + request.cursor.size();
    if (!request.cursor.empty() && std::from_chars(request.cursor.data(), end, position).ptr != end)
        return Error{"'cursor' must be what the page before named as next", EINVAL};
    Page<AllowEntry> page;
    position =
        protection_->tables().book().list(GABION_SET_ALLOW, position, request.limit, boot_now_ns(),
                                          [&](const ban::Entry& entry) { page.entries.push_back(allow_entry(entry)); });
    if (position != 0) page.next = std::to_string(position);
    return page;
}

}  // namespace gabion::daemon
