// SPDX-License-Identifier: Apache-2.0
// `gabion top`: the present, again and again. On a terminal each picture takes the place of the one before; elsewhere they follow one
// another; with --json each is a line.
#include <unistd.h>

#include <iostream>
#include <thread>

#include <nlohmann/json.hpp>

#include "control/cli/ask.h"
#include "control/cli/show.h"
#include "control/wire/client.h"
#include "control/wire/protocol.h"

namespace gabion::cli {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds answer_time{10};
constexpr const char* home_and_clear = "\x1b[H\x1b[J";

struct Reading {
    Json status, counters;
    Clock::time_point at;
};

Result<Reading> read(wire::Client& client) {
    auto status = client.call(wire::method::status, Json::object());
    if (!status) return status.error();
    auto counters = client.call(wire::method::counters, Json::object());
    if (!counters) return counters.error();
    return Reading{std::move(*status), std::move(*counters), Clock::now()};
}

void print(const Options& options, const Json& report) {
    if (options.json) {
        std::cout << report.dump(-1, ' ', false, Json::error_handler_t::replace) << '\n';
        return;
    }
    if (::isatty(STDOUT_FILENO) != 0) std::cout << home_and_clear;
    show_top(std::cout, report);
    std::cout << '\n';
}

}  // namespace

int top(const Options& options) {
    auto client = wire::Client::connect(socket_path(options), answer_time);
    if (!client) return fail(client.error().text, 1);
    auto before = read(*client);
    const auto interval = std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(options.interval));
    for (unsigned done = 0; before && std::cout && (options.count == 0 || done < options.count); ++done) {
        std::this_thread::sleep_until(before->at + interval);
        auto after = read(*client);
        if (!after) return fail(after.error().text, wire::exit_status(after.error().code));
        const double seconds = std::chrono::duration<double>(after->at - before->at).count();
        print(options, top_report(after->status, before->counters, after->counters, seconds));
        std::cout.flush();
        before = std::move(after);
    }
    if (!before) return fail(before.error().text, wire::exit_status(before.error().code));
    return std::cout ? 0 : fail("writing the output failed", 1);
}

}  // namespace gabion::cli
