// SPDX-License-Identifier: Apache-2.0
// Reads a request's parameters: each is asked for once by name and type; the first thing that is wrong, or a parameter that nobody
// asked for, is the error of finish(). Values read after an error are defaults.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "control/wire/json.h"
#include "dataplane/core/address.h"
#include "dataplane/core/result.h"

namespace gabion::daemon {

class Params {
public:
    explicit Params(const Json& params) : params_(params) {}

    std::string text(std::string_view name, std::string fallback = {});
    bool flag(std::string_view name, bool fallback = false);
    std::uint64_t number(std::string_view name, std::uint64_t fallback, std::uint64_t low, std::uint64_t high);
    std::vector<std::string> texts(std::string_view name);
    Prefix prefix(std::string_view name);                                      // must be there
    std::optional<std::chrono::milliseconds> duration(std::string_view name);  // in milliseconds; null or absent: none
    std::string note(std::string_view name);                                   // short, without control characters

    void fail(std::string why);
    [[nodiscard]] Result<void> finish() const;

private:
    const Json* find(std::string_view name);

    const Json& params_;
    std::vector<std::string> asked_;
    std::optional<Error> error_;
};

}  // namespace gabion::daemon
