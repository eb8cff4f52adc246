// SPDX-License-Identifier: Apache-2.0
#include "dataplane/core/address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace gabion {
namespace {

// Zeroes all bits from `length` on.
void clear_tail(std::array<std::uint8_t, 16>& bytes, unsigned length) noexcept {
    for (unsigned i = 0; i < bytes.size(); ++i) {
        const unsigned kept = std::clamp<int>(static_cast<int>(length) - static_cast<int>(i * 8), 0, 8);
        bytes[i] &= static_cast<std::uint8_t>(0xff00u >> kept);
    }
}

std::array<std::uint8_t, 16> key_bytes(const Prefix& prefix) noexcept {
    auto bytes = prefix.bytes;
    if (!prefix.is_address()) bytes[prefix.length / 8] |= static_cast<std::uint8_t>(0x80u >> (prefix.length % 8));
    return bytes;
}

Error parse_error(std::string_view text, std::string_view why) {
    return Error{"'" + std::string(text.substr(0, 64)) + "' is not an address or prefix: " + std::string(why) +
                     "; allowed are for example 192.0.2.1, 192.0.2.0/24, 2001:db8::1, 2001:db8::/32",
                 EINVAL};
}

Result<unsigned> parse_length(std::string_view whole, std::string_view digits, unsigned width) {
    unsigned length = 0;
    const auto [end, code] = std::from_chars(digits.data(), digits.data() + digits.size(), length);
    if (code != std::errc{} || end != digits.data() + digits.size() || digits.size() > 3)
        return parse_error(whole, "the length behind '/' must be a number");
    if (length > width) return parse_error(whole, "the length must be 0 to " + std::to_string(width));
    return length;
}

}  // namespace

bool Prefix::contains(const Prefix& other) const noexcept {
    return family == other.family && length <= other.length && other.shortened(length).bytes == bytes;
}

Prefix Prefix::shortened(unsigned new_length) const noexcept {
    Prefix result = *this;
    if (new_length >= length) return result;
    result.length = static_cast<std::uint8_t>(new_length);
    clear_tail(result.bytes, new_length);
    return result;
}

std::uint32_t Prefix::key4() const noexcept {
    std::uint32_t key = 0;
    const auto bytes_of_key = key_bytes(*this);
    std::memcpy(&key, bytes_of_key.data(), sizeof key);
    return key;
}

std::array<std::uint32_t, 4> Prefix::key6() const noexcept {
    std::array<std::uint32_t, 4> key{};
    const auto bytes_of_key = key_bytes(*this);
    std::memcpy(key.data(), bytes_of_key.data(), sizeof key);
    return key;
}

std::string Prefix::text() const {
    std::array<char, INET6_ADDRSTRLEN> buffer{};
    ::inet_ntop(family == Family::v4 ? AF_INET : AF_INET6, bytes.data(), buffer.data(), buffer.size());
    std::string result(buffer.data());
    if (!is_address()) result += "/" + std::to_string(length);
    return result;
}

Prefix Prefix::from_packet(std::uint8_t ip_version, const gabion_address& address) noexcept {
    Prefix result;
    result.family = ip_version == 4 ? Family::v4 : Family::v6;
    result.length = static_cast<std::uint8_t>(result.width());
    std::memcpy(result.bytes.data(), address.word, result.width() / 8);
    return result;
}

Result<Prefix> Prefix::parse(std::string_view text) {
    const auto slash = text.find('/');
    if (text.find('\0') != std::string_view::npos) return parse_error(text, "it holds a NUL byte");
    const std::string host(text.substr(0, slash));
    Prefix result;
    if (::inet_pton(AF_INET, host.c_str(), result.bytes.data()) == 1) {
        result.family = Family::v4;
    } else if (::inet_pton(AF_INET6, host.c_str(), result.bytes.data()) == 1) {
        result.family = Family::v6;
    } else {
        return parse_error(text, "no IPv4 or IPv6 address");
    }
    result.length = static_cast<std::uint8_t>(result.width());
    constexpr std::array<std::uint8_t, 12> mapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    if (result.family == Family::v6 && std::equal(mapped.begin(), mapped.end(), result.bytes.begin()))
        return parse_error(text, "IPv4 inside IPv6 notation never stands in a packet; write the IPv4 address");
    if (slash == std::string_view::npos) return result;

    const auto length = parse_length(text, text.substr(slash + 1), result.width());
    if (!length) return length.error();
    const Prefix masked = result.shortened(*length);
    if (masked.bytes != result.bytes)
        return parse_error(text, "bits behind the length are set; did you mean " + masked.text() + "?");
    return masked;
}

std::size_t PrefixHash::operator()(const Prefix& prefix) const noexcept {
    std::uint64_t high = 0;
    std::uint64_t low = 0;
    std::memcpy(&high, prefix.bytes.data(), 8);
    std::memcpy(&low, prefix.bytes.data() + 8, 8);
    std::uint64_t mixed = (high ^ (low * 0x9e3779b97f4a7c15u)) + prefix.length * 0xbf58476d1ce4e5b9u;
    mixed ^= mixed >> 31;
    mixed *= 0x94d049bb133111ebu;
    return mixed ^ (mixed >> 29);
}

}  // namespace gabion
