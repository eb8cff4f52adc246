// SPDX-License-Identifier: Apache-2.0
#include "control/cli/ask.h"

#include <cstdlib>
#include <iostream>

#include <nlohmann/json.hpp>

#include "control/wire/client.h"
#include "control/wire/protocol.h"

namespace gabion::cli {
namespace {

// Loading a million bans takes a second or two; a daemon that is silent for longer has a problem.
constexpr std::chrono::seconds answer_time{30};

std::string dump(const Json& value) { return value.dump(-1, ' ', false, Json::error_handler_t::replace); }

}  // namespace

int fail(std::string_view text, int exit_status) {
    std::cout.flush();
    std::cerr << "gabion: " << printable(text) << '\n';
    return exit_status;
}

std::string socket_path(const Options& options) {
    if (!options.socket.empty()) return options.socket;
    const char* from_environment = std::getenv("GABION_SOCKET");
    return from_environment != nullptr && *from_environment != '\0' ? from_environment : wire::default_socket;
}

int ask(const Options& options, std::string_view method, const Json& params,
        const std::function<void(const Json&)>& done, int fd, std::chrono::seconds work) {
    auto client = wire::Client::connect(socket_path(options), answer_time + work);
    if (!client) return fail(client.error().text, 1);
    const auto result = client->call(method, params, fd);
    if (!result) return fail(result.error().text, wire::exit_status(result.error().code));
    if (options.json)
        std::cout << dump(*result) << '\n';
    else
        done(*result);
    return std::cout.flush() ? 0 : fail("writing the output failed", 1);
}

int ask_pages(const Options& options, std::string_view method, Table table, void (*row)(Table&, const Json&),
              const char* when_empty) {
    auto client = wire::Client::connect(socket_path(options), answer_time);
    if (!client) return fail(client.error().text, 1);
    Json params = Json::object();
    std::uint64_t count = 0;
    if (options.json) std::cout << '[';
    while (std::cout) {
        const auto page = client->call(method, params);
        if (!page) return fail(page.error().text, wire::exit_status(page.error().code));
        for (const Json& entry : page->at("entries")) {
            if (options.json)
                std::cout << (count > 0 ? ",\n" : "") << dump(entry);
            else
                row(table, entry);
            ++count;
        }
        if (!options.json && count > 0) table.flush(std::cout);
        if (page->at("next").is_null()) break;
        params["cursor"] = page->at("next");
    }
    if (options.json)
        std::cout << "]\n";
    else if (count == 0)
        std::cout << when_empty << '\n';
    return std::cout.flush() ? 0 : fail("writing the output failed", 1);
}

Result<Prefix> target_of(const Options& options) { return Prefix::parse(options.target); }

}  // namespace gabion::cli
