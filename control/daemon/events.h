// SPDX-License-Identifier: Apache-2.0
// What happened and why, for an operator: the last few thousand events in memory, each also a line of the log. A kind gets at most
// ten a second; what is above that is counted and told in one summary. Memory only: what must outlive the daemon is in the log.
// For the control thread alone.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "control/wire/time.h"

namespace gabion::daemon {

enum class Severity : std::uint8_t { info, notice, warning };

struct Event {
    std::uint64_t id = 0;  // ascending from 1, without gaps
    wire::WallTime time;
    std::string kind;  // "attack-began", "breaker-tripped", "client-cut-off", ...
    std::string text;
    std::vector<std::pair<std::string, std::string>> fields;
    Severity severity = Severity::info;
};

class EventLog {
public:
    using Clock = std::chrono::steady_clock;
    using Fields = std::vector<std::pair<std::string, std::string>>;
    using Listener = std::function<void(const Event&)>;

    static constexpr std::size_t default_capacity = 4096;
    static constexpr unsigned per_kind_and_second = 10;

    explicit EventLog(std::size_t capacity = default_capacity) : capacity_(capacity) {}

    // Told of every event that is recorded, in order.
    void listen(Listener listener) { listeners_.push_back(std::move(listener)); }

    void raise(Severity severity, std::string_view kind, std::string text, Fields fields = {});

    // Ends the seconds that are over and tells what they held back. Call it about once a second.
    void tick(Clock::time_point now = Clock::now());

    // Up to `limit` events after `id`, oldest first.
    [[nodiscard]] std::vector<Event> after(std::uint64_t id, std::size_t limit) const;

    // How many events after `id` are no longer held.
    [[nodiscard]] std::uint64_t missed_after(std::uint64_t id) const noexcept;
    [[nodiscard]] std::uint64_t last_id() const noexcept { return next_id_ - 1; }

    // Like raise(), at a given time.
    void raise_at(Clock::time_point now, Severity severity, std::string_view kind, std::string text,
                  Fields fields = {});

private:
    struct Second {
        Clock::time_point began;
        unsigned recorded = 0;
        std::uint64_t held_back = 0;
        Severity severity = Severity::info;
    };

    void record(Severity severity, std::string_view kind, std::string text, Fields fields);
    void end_second(const std::string& kind, const Second& second);

    std::size_t capacity_;
    std::uint64_t next_id_ = 1;
    std::deque<Event> events_;
    std::unordered_map<std::string, Second> seconds_;  // kinds are few: literals of the program
    std::vector<Listener> listeners_;
};

}  // namespace gabion::daemon
