// SPDX-License-Identifier: Apache-2.0
// `gabion events`: what is held, oldest first; with --follow also what comes, without a gap or a repeat in between. With --json and
// --follow each event is a line of its own, since such a listing has no end.
#include <iostream>

#include <nlohmann/json.hpp>

#include "control/cli/ask.h"
#include "control/cli/show.h"
#include "control/wire/client.h"
#include "control/wire/protocol.h"

namespace gabion::cli {
namespace {

constexpr std::chrono::seconds answer_time{10};

// Prints events whose number is above the last one printed.
class Printer {
public:
    explicit Printer(const Options& options) : json_(options.json), lines_(options.follow) {}

    void begin() const {
        if (json_ && !lines_) std::cout << '[';
    }

    void print(const Json& event) {
        const auto id = event.value("id", std::uint64_t{0});
        if (id <= last_) return;
        if (json_)
            std::cout << (count_ > 0 && !lines_ ? ",\n" : "")
                      << event.dump(-1, ' ', false, Json::error_handler_t::replace) << (lines_ ? "\n" : "");
        else
            show_event(std::cout, event);
        last_ = id;
        ++count_;
    }

    void end() const {
        if (json_ && !lines_) std::cout << "]\n";
        if (!json_ && !lines_ && count_ == 0) std::cout << "no events yet\n";
    }

    [[nodiscard]] std::uint64_t last() const { return last_; }

private:
    bool json_;
    bool lines_;
    std::uint64_t last_ = 0;
    std::uint64_t count_ = 0;
};

Result<void> print_held(wire::Client& client, Printer& printer) {
    while (true) {
        const auto page = client.call(wire::method::events_list, {{"after", printer.last()}});
        if (!page) return page.error();
        for (const Json& event : page->at("entries"))
            printer.print(event);
        if (page->at("next").is_null()) return {};
    }
}

}  // namespace

int events(const Options& options) {
    auto client = wire::Client::connect(socket_path(options), answer_time);
    if (!client) return fail(client.error().text, 1);
    Printer printer(options);
    if (options.follow) {
        // First follow, then list: what happens in between comes twice, and the printer takes it once.
        const auto followed = client->call(wire::method::events_follow, Json::object());
        if (!followed) return fail(followed.error().text, wire::exit_status(followed.error().code));
    }
    printer.begin();
    if (auto held = print_held(*client, printer); !held)
        return fail(held.error().text, wire::exit_status(held.error().code));
    printer.end();
    while (options.follow && std::cout.flush()) {
        const auto event = client->next_notification();
        if (!event) return fail(event.error().text, 1);
        printer.print(*event);
    }
    return std::cout.flush() ? 0 : fail("writing the output failed", 1);
}

}  // namespace gabion::cli
