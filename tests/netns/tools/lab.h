// SPDX-License-Identifier: Apache-2.0
// What the traffic tools share: addresses, sets of source addresses, the clock, an orderly stop. Errors end the program with a
// sentence and status 1: these are command-line tools, and whoever started them reads their output.
#pragma once

#include <netinet/in.h>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace gabion::lab {

// Network byte order; IPv4 uses the first four bytes.
struct Address {
    int family = AF_INET;
    std::array<std::uint8_t, 16> bytes{};
    [[nodiscard]] unsigned width() const noexcept { return family == AF_INET ? 4 : 16; }
};

using Mac = std::array<std::uint8_t, 6>;

[[noreturn]] void fail(const std::string& text);

Address parse_address(const std::string& text);
Mac parse_mac(const std::string& text);
// MAC and index of an interface of this namespace.
Mac interface_mac(const std::string& name);
unsigned interface_index(const std::string& name);
sockaddr_storage socket_address(const Address& address, std::uint16_t port);
socklen_t socket_length(const Address& address);

// A socket that sends whole frames out of an interface, past its queueing discipline: a full ring is ENOBUFS.
int packet_socket(const std::string& interface);

std::uint64_t monotonic_ns();
void sleep_until(std::uint64_t monotonic_ns);

// True once SIGINT or SIGTERM came; `catch_stop` installs the handlers.
void catch_stop();
bool stopped();

// xorshift64*, Vigna 2016: fast and even; not for secrets.
class Random {
public:
    explicit Random(std::uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15u + 1) {}
    std::uint64_t next() {
        state_ ^= state_ >> 12;
        state_ ^= state_ << 25;
        state_ ^= state_ >> 27;
        return state_ * 0x2545f4914f6cdd1du;
    }
    // Over [0, bound), even to one part in 2^64 / bound.
    std::uint64_t below(std::uint64_t bound) { return next() % bound; }

private:
    std::uint64_t state_;
};

// Source addresses: "A", "A-B", "A/LENGTH", several of them with commas, "@FILE" with one of these a line,
// or "any4"/"any6" for uniformly drawn unicast ones.
class AddressSet {
public:
    explicit AddressSet(const std::string& text);
    // How many there are, at most 2^62.
    [[nodiscard]] std::uint64_t size() const { return total_; }
    [[nodiscard]] Address at(std::uint64_t index) const;
    [[nodiscard]] Address draw(Random& random) const;
    [[nodiscard]] int family() const { return terms_.front().first.family; }

private:
    struct Term {
        Address first;
        std::uint64_t count;
    };
    void add(const std::string& term);
    void add_file(const std::string& path);

    std::vector<Term> terms_;
    std::uint64_t total_ = 0;
    bool unicast_only_ = false;
};

// "N", "A-B" (drawn evenly) or "N,M,..." (drawn evenly).
class NumberSet {
public:
    explicit NumberSet(const std::string& text);
    [[nodiscard]] std::uint64_t draw(Random& random) const;
    [[nodiscard]] std::uint64_t largest() const;

private:
    std::vector<std::uint64_t> values_;
    bool range_ = false;
};

}  // namespace gabion::lab
