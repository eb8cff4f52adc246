// SPDX-License-Identifier: Apache-2.0
// The control protocol under libFuzzer: arbitrary bytes, cut into arbitrary pieces, through the line reader, the request reader and
// the reader of the daemon's answers; and texts through every parser that takes them from outside. What must hold is asserted.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "control/config/config.h"
#include "control/wire/line_reader.h"
#include "control/wire/message.h"
#include "dataplane/core/duration.h"

namespace {

void require(bool holds) {
    if (!holds) std::abort();
}

void judge_line(std::string_view line) {
    using namespace gabion::wire;
    const auto read = read_request(line);
    if (const auto* request = std::get_if<Request>(&read)) {
        // What was understood is understood again after it was written.
        const auto again = read_request(request_line(1, request->method, request->params));
        const auto* same = std::get_if<Request>(&again);
        require(same != nullptr && same->params == request->params);
        if (request->wants_reply())
            require(static_cast<bool>(read_incoming(result_line(request->id, request->params))));
    } else {
        const auto& refusal = std::get<Refusal>(read);
        const auto told = read_incoming(error_line(refusal.id, refusal.code, refusal.text));
        require(told && told->error.has_value());
    }
    (void)read_incoming(line);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::size_t step = 1 + data[0] % 64;
    const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
    constexpr std::size_t longest = 1024;
    gabion::wire::LineReader reader(longest);
    std::size_t taken = 0;
    for (std::size_t at = 0; at < bytes.size(); at += step) {
        reader.append(bytes.substr(at, step));
        require(reader.buffered() <= longest + step);
        while (const auto line = reader.next()) {
            require(line->size() <= longest && line->find('\n') == std::string::npos);
            judge_line(*line);
            taken += line->size() + 1;
        }
    }
    require(taken <= bytes.size());
    if (const auto duration = gabion::parse_duration(bytes))
        require(*gabion::parse_duration(gabion::duration_text(*duration)) == *duration);
    const auto reading = gabion::config::parse_config(bytes, "fuzz.toml");
    require(reading.config.has_value() == reading.problems.empty());
    if (reading.config) {
        const auto text = gabion::config::config_text(*reading.config);
        const auto again = gabion::config::parse_config(text, "fuzz.toml");
        require(again.config && gabion::config::config_text(*again.config) == text);
    }
    return 0;
}
