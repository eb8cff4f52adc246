// SPDX-License-Identifier: Apache-2.0
// Errors of set-up work: a sentence that names what was tried, on what, why it failed and what to do about it. The packet path
// has no errors, only reasons (bpf/abi/reason.h).
#pragma once

#include <cerrno>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace gabion {

struct Error {
    std::string text;
    int code = 0;  // errno, where there was one
};

// Either a value or an Error. `if (!result) return result.error();` hands an error up unchanged.
template <typename T>
class [[nodiscard]] Result {
public:
    Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
    Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

    explicit operator bool() const noexcept { return state_.index() == 0; }
    T& operator*() & noexcept { return std::get<0>(state_); }
    const T& operator*() const& noexcept { return std::get<0>(state_); }
    T&& operator*() && noexcept { return std::get<0>(std::move(state_)); }
    T* operator->() noexcept { return &std::get<0>(state_); }
    const T* operator->() const noexcept { return &std::get<0>(state_); }
    const Error& error() const noexcept { return std::get<1>(state_); }

private:
    std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
public:
    Result() = default;
    Result(Error error) : error_(std::move(error)), failed_(true) {}

    explicit operator bool() const noexcept { return !failed_; }
    const Error& error() const noexcept { return error_; }

private:
    Error error_;
    bool failed_ = false;
};

// "WHAT: errno text", with `advice` behind it when there is something that the operator can do.
inline Error error_from_errno(int code, std::string_view what, std::string_view advice = {}) {
    std::string text(what);
    text += ": ";
    text += std::strerror(code);
    if (!advice.empty()) {
        text += "; ";
        text += advice;
    }
    return Error{std::move(text), code};
}

}  // namespace gabion
