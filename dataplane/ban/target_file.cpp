// SPDX-License-Identifier: Apache-2.0
#include "dataplane/ban/target_file.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <optional>

#include "dataplane/ban/ban_book.h"
#include "dataplane/core/duration.h"
#include "dataplane/core/fd.h"

namespace gabion::ban {
namespace {

constexpr std::size_t file_bytes_max = 256u << 20;

constexpr bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

std::string_view trimmed(std::string_view text) noexcept {
    while (!text.empty() && is_blank(text.front()))
        text.remove_prefix(1);
    while (!text.empty() && is_blank(text.back()))
        text.remove_suffix(1);
    return text;
}

// The common line, "192.0.2.1", in one pass. Whatever looks different in any way is left to Prefix::parse.
std::optional<Prefix> parse_plain4(std::string_view text) noexcept {
    Prefix prefix;
    unsigned part = 0;
    unsigned value = 0;
    unsigned digits = 0;
    for (const char c : text) {
        if (c >= '0' && c <= '9') {
            if (digits != 0 && value == 0) return std::nullopt;  // a leading zero
            value = value * 10 + static_cast<unsigned>(c - '0');
            if (++digits > 3 || value > 255) return std::nullopt;
        } else if (c == '.' && digits != 0 && part < 3) {
            prefix.bytes[part++] = static_cast<std::uint8_t>(value);
            value = digits = 0;
        } else {
            return std::nullopt;
        }
    }
    if (part != 3 || digits == 0) return std::nullopt;
    prefix.bytes[3] = static_cast<std::uint8_t>(value);
    return prefix;
}

// A file may hold anything; what is shown of it is short and printable.
std::string shown(std::string_view line, std::size_t longest = 64) {
    std::string text(line.substr(0, longest));
    std::replace_if(
        text.begin(), text.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
    return line.size() > longest ? text + "..." : text;
}

// A duration of whole seconds, at least one, or their bare number.
std::optional<std::uint32_t> parse_seconds(std::string_view text) {
    const bool bare = text.find_first_not_of("0123456789") == std::string_view::npos;
    const auto duration = parse_duration(bare ? std::string(text) + "s" : std::string(text));
    if (!duration || duration->count() == 0 || duration->count() % 1000 != 0) return std::nullopt;
    return static_cast<std::uint32_t>(duration->count() / 1000);
}

Result<LoadTarget> parse_line(std::string_view line, bool force) {
    const auto end = std::find_if(line.begin(), line.end(), is_blank);
    const auto head = line.substr(0, static_cast<std::size_t>(end - line.begin()));
    const auto rest = trimmed(line.substr(head.size()));
    LoadTarget result;
    if (const auto plain = parse_plain4(head)) {
        result.target = *plain;
    } else {
        const auto parsed = Prefix::parse(head);
        if (!parsed) return Error{shown(parsed.error().text, 400), EINVAL};
        if (auto narrow = check_width(*parsed, force); !narrow) return narrow.error();
        result.target = *parsed;
    }
    if (rest.empty()) return result;
    const auto duration = parse_seconds(rest);
    if (!duration)
        return Error{"'" + shown(rest) + "' is not a duration; allowed are for example 90s, 10m, 24h, 7d", EINVAL};
    result.duration_s = *duration;
    return result;
}

}  // namespace

Result<std::vector<LoadTarget>> parse_targets(std::string_view content, std::string_view name, bool force) {
    std::vector<LoadTarget> targets;
    targets.reserve(content.size() / 12);
    std::size_t number = 0;
    while (!content.empty()) {
        ++number;
        const std::size_t end = std::min(content.find('\n'), content.size());
        const std::string_view whole = content.substr(0, end);
        content.remove_prefix(std::min(end + 1, content.size()));
        const std::string_view line = trimmed(whole.substr(0, whole.find('#')));
        if (line.empty()) continue;
        const auto parsed = parse_line(line, force);
        if (!parsed)
            return Error{std::string(name) + ":" + std::to_string(number) + ": '" + shown(line) +
                             "': " + parsed.error().text + "; nothing was loaded",
                         EINVAL};
        targets.push_back(*parsed);
    }
    return targets;
}

Result<std::string> read_target_file(const std::string& path) {
    const std::string what = "reading the targets in " + path;
    const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (!fd) return error_from_errno(errno, what);
    struct stat info {};
    if (::fstat(fd.get(), &info) != 0) return error_from_errno(errno, what);
    if (!S_ISREG(info.st_mode)) return Error{what + ": it is not a regular file", EINVAL};
    if (static_cast<std::size_t>(info.st_size) > file_bytes_max)
        return Error{what + ": it is larger than 256 MB; split it", EFBIG};
    std::string content(static_cast<std::size_t>(info.st_size), '\0');
    std::size_t have = 0;
    while (have < content.size()) {
        const ssize_t got = ::read(fd.get(), content.data() + have, content.size() - have);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return error_from_errno(errno, what);
        if (got == 0) break;
        have += static_cast<std::size_t>(got);
    }
    content.resize(have);
    return content;
}

}  // namespace gabion::ban
