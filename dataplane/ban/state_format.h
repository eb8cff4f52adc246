// SPDX-License-Identifier: Apache-2.0
// The bytes of the state file: little-endian integers, strings behind their length. A reader that runs past the end gets zeros
// and says so with `ok`. Layout: header (magic, version, wall, boot, boot id, size and checksum of what follows), records each
// behind a 1, a 0, offenders likewise. A detail stands where it is first used.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace gabion::ban::state {

inline constexpr std::string_view magic = "GABION-S";
inline constexpr std::uint32_t version = 1;

template <typename T>
void put(std::string& bytes, T value) {
    char raw[sizeof value];
    std::memcpy(raw, &value, sizeof value);
    bytes.append(raw, sizeof value);
}

inline void put_text(std::string& bytes, std::string_view text) {
    put(bytes, static_cast<std::uint16_t>(std::min<std::size_t>(text.size(), 0xffff)));
    bytes.append(text.substr(0, 0xffff));
}

class Reader {
public:
    explicit Reader(std::string_view bytes) noexcept : bytes_(bytes) {}

    template <typename T>
    T get() noexcept {
        T value{};
        if (bytes_.size() < sizeof value) {
            ok_ = false;
            bytes_ = {};
            return value;
        }
        std::memcpy(&value, bytes_.data(), sizeof value);
        bytes_.remove_prefix(sizeof value);
        return value;
    }
    std::string_view get_bytes(std::size_t count) noexcept {
        if (bytes_.size() < count) {
            ok_ = false;
            bytes_ = {};
            return {};
        }
        const std::string_view taken = bytes_.substr(0, count);
        bytes_.remove_prefix(count);
        return taken;
    }
    std::string_view get_text() noexcept { return get_bytes(get<std::uint16_t>()); }
    [[nodiscard]] bool ok() const noexcept { return ok_; }
    [[nodiscard]] std::string_view rest() const noexcept { return bytes_; }

private:
    std::string_view bytes_;
    bool ok_ = true;
};

// FNV-1a (Fowler, Noll, Vo) over words of 8 bytes, with a shift so that high bits reach low ones. Finds accidents, not forgers.
inline std::uint64_t checksum(std::string_view bytes) noexcept {
    std::uint64_t sum = 0xcbf29ce484222325u ^ bytes.size();
    while (!bytes.empty()) {
        std::uint64_t word = 0;
        const std::size_t count = bytes.size() < sizeof word ? bytes.size() : sizeof word;
        std::memcpy(&word, bytes.data(), count);
        bytes.remove_prefix(count);
        sum = (sum ^ word) * 0x100000001b3u;
        sum ^= sum >> 29;
    }
    return sum;
}

}  // namespace gabion::ban::state
