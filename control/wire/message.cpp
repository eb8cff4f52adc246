// SPDX-License-Identifier: Apache-2.0
#include "control/wire/message.h"

namespace gabion::wire {
namespace {

// Counts brackets outside of strings; good enough for JSON and for anything that is refused as not being JSON.
bool nests_too_deep(std::string_view text) {
    unsigned depth = 0;
    bool in_string = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (in_string) {
            if (c == '\\') ++i;
            if (c == '"') in_string = false;
        } else if (c == '"') {
            in_string = true;
        } else if (c == '[' || c == '{') {
            if (++depth > nesting_max) return true;
        } else if ((c == ']' || c == '}') && depth > 0) {
            --depth;
        }
    }
    return false;
}

bool valid_id(const Json& id) { return id.is_null() || id.is_number() || id.is_string(); }

std::string line_of(const Json& message) { return message.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n"; }

bool is_version_2(const Json& message) {
    const auto version = message.find("jsonrpc");
    return version != message.end() && *version == "2.0";
}

Error foreign_peer() { return Error{"what answers there does not speak gabiond's protocol", EPROTO}; }

}  // namespace

std::optional<Json> parse_json(std::string_view text) {
    if (nests_too_deep(text)) return std::nullopt;
    Json value = Json::parse(text.begin(), text.end(), nullptr, false);
    if (value.is_discarded()) return std::nullopt;
    return value;
}

std::variant<Request, Refusal> read_request(std::string_view line) {
    auto message = parse_json(line);
    if (!message) return Refusal{ErrorCode::parse_error, "this line is not JSON, or nests too deep", nullptr};
    if (!message->is_object())
        return Refusal{ErrorCode::invalid_request, "a request is a JSON object; batches are not supported", nullptr};

    Request request;
    request.id = Json(Json::value_t::discarded);
    if (const auto id = message->find("id"); id != message->end()) {
        if (!valid_id(*id))
            return Refusal{ErrorCode::invalid_request, "'id' must be a number, a text or null", nullptr};
        request.id = *id;
    }
    const Json reply_id = request.wants_reply() ? request.id : Json();
    if (!is_version_2(*message)) return Refusal{ErrorCode::invalid_request, "'jsonrpc' must be \"2.0\"", reply_id};
    const auto method = message->find("method");
    if (method == message->end() || !method->is_string())
        return Refusal{ErrorCode::invalid_request, "'method' must be a text", reply_id};
    request.method = method->get<std::string>();
    if (auto params = message->find("params"); params != message->end()) {
        if (!params->is_object()) return Refusal{ErrorCode::invalid_parameters, "'params' must be an object", reply_id};
        request.params = std::move(*params);
    }
    return request;
}

Result<Incoming> read_incoming(std::string_view line) {
    auto message = parse_json(line);
    if (!message || !message->is_object() || !is_version_2(*message)) return foreign_peer();
    Incoming incoming;
    if (const auto method = message->find("method"); method != message->end()) {
        if (!method->is_string()) return foreign_peer();
        incoming.method = method->get<std::string>();
        incoming.value = message->value("params", Json::object());
        return incoming;
    }
    incoming.id = message->value("id", Json());
    if (const auto error = message->find("error"); error != message->end()) {
        if (!error->is_object() || !error->contains("message") || !(*error)["message"].is_string() ||
            !error->contains("code") || !(*error)["code"].is_number_integer())
            return foreign_peer();
        incoming.error = Error{(*error)["message"].get<std::string>(), (*error)["code"].get<int>()};
        return incoming;
    }
    const auto result = message->find("result");
    if (result == message->end()) return foreign_peer();
    incoming.value = std::move(*result);
    return incoming;
}

std::string request_line(std::uint64_t id, std::string_view method, const Json& params) {
    return line_of(Json{{"jsonrpc", "2.0"}, {"id", id}, {"method", method}, {"params", params}});
}

std::string result_line(const Json& id, const Json& result) {
    return line_of(Json{{"jsonrpc", "2.0"}, {"id", id}, {"result", result}});
}

std::string error_line(const Json& id, ErrorCode code, std::string_view text) {
    return line_of(
        Json{{"jsonrpc", "2.0"}, {"id", id}, {"error", {{"code", static_cast<int>(code)}, {"message", text}}}});
}

std::string notification_line(std::string_view method, const Json& params) {
    return line_of(Json{{"jsonrpc", "2.0"}, {"method", method}, {"params", params}});
}

}  // namespace gabion::wire
