// SPDX-License-Identifier: Apache-2.0
// JSON-RPC 2.0 messages as lines, for both ends. Reading never throws and bounds nesting before it parses, since building and
// printing a value recurses. Includes nlohmann's header: for the .cpp files of the socket's two ends only.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "control/wire/json.h"
#include "control/wire/protocol.h"
#include "dataplane/core/result.h"

namespace gabion::wire {

struct Request {
    Json id;  // null, a number or a text; absent (a notification) reads as `discarded`
    std::string method;
    Json params = Json::object();

    [[nodiscard]] bool wants_reply() const { return !id.is_discarded(); }
};

// A refusal to send: the code, the text, and the id of what it answers, as far as that could be read.
struct Refusal {
    ErrorCode code = ErrorCode::invalid_request;
    std::string text;
    Json id;
};

// What came from the daemon: the answer to a request, or a notification.
struct Incoming {
    std::string method;  // of a notification; empty for an answer
    Json id;
    Json value;                  // result, or the notification's parameters
    std::optional<Error> error;  // code: the wire's
};

// The request in `line`, or what to answer instead.
std::variant<Request, Refusal> read_request(std::string_view line);

// The daemon's message in `line`; an error when the peer is no gabiond.
Result<Incoming> read_incoming(std::string_view line);

// Each is one line, newline included. Text that is not UTF-8 is written with replacement characters.
std::string request_line(std::uint64_t id, std::string_view method, const Json& params);
std::string result_line(const Json& id, const Json& result);
std::string error_line(const Json& id, ErrorCode code, std::string_view text);
std::string notification_line(std::string_view method, const Json& params);

// Parses one JSON value; nothing when it is not JSON or nests deeper than `nesting_max`.
std::optional<Json> parse_json(std::string_view text);

}  // namespace gabion::wire
