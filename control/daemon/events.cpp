// SPDX-License-Identifier: Apache-2.0
#include "control/daemon/events.h"

#include <algorithm>

namespace gabion::daemon {
namespace {

constexpr std::chrono::seconds second_length{1};

}  // namespace

void EventLog::raise(Severity severity, std::string_view kind, std::string text, Fields fields) {
    raise_at(Clock::now(), severity, kind, std::move(text), std::move(fields));
}

void EventLog::raise_at(Clock::time_point now, Severity severity, std::string_view kind, std::string text,
                        Fields fields) {
    const std::string name(kind);
    auto [found, is_new] = seconds_.try_emplace(name, Second{now, 0, 0, severity});
    if (!is_new && now - found->second.began >= second_length) {
        // Recording may come back here through a listener, so nothing of the map is kept across it.
        const Second ended = std::exchange(found->second, Second{now, 0, 0, severity});
        end_second(name, ended);
    }
    Second& second = seconds_[name];
    if (second.recorded >= per_kind_and_second) {
        ++second.held_back;
        second.severity = std::max(second.severity, severity);
        return;
    }
    ++second.recorded;
    record(severity, kind, std::move(text), std::move(fields));
}

void EventLog::tick(Clock::time_point now) {
    std::vector<std::pair<std::string, Second>> ended;
    for (const auto& [kind, second] : seconds_)
        if (now - second.began >= second_length) ended.emplace_back(kind, second);
    for (const auto& [kind, second] : ended)
        seconds_.erase(kind);
    for (const auto& [kind, second] : ended)
        end_second(kind, second);
}

void EventLog::end_second(const std::string& kind, const Second& second) {
    if (second.held_back == 0) return;
    record(second.severity, kind, std::to_string(second.held_back) + " more of " + kind + " within a second",
           {{"held_back", std::to_string(second.held_back)}});
}

void EventLog::record(Severity severity, std::string_view kind, std::string text, Fields fields) {
    Event event{next_id_++, std::chrono::system_clock::now(), std::string(kind), std::move(text), std::move(fields),
                severity};
    events_.push_back(event);
    if (events_.size() > capacity_) events_.pop_front();
    for (const Listener& listener : listeners_)
        listener(event);
}

std::vector<Event> EventLog::after(std::uint64_t id, std::size_t limit) const {
    const auto begin =
        std::partition_point(events_.begin(), events_.end(), [id](const Event& event) { return event.id <= id; });
    const auto count = std::min<std::size_t>(limit, static_cast<std::size_t>(events_.end() - begin));
    return {begin, begin + static_cast<std::ptrdiff_t>(count)};
}

std::uint64_t EventLog::missed_after(std::uint64_t id) const noexcept {
    const std::uint64_t first = events_.empty() ? next_id_ : events_.front().id;
    return first > id + 1 ? first - id - 1 : 0;
}

}  // namespace gabion::daemon
