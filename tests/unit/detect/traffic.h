// SPDX-License-Identifier: Apache-2.0
// Ordinary clients and attackers for the simulation: each function adds streams.
#pragma once

#include "tests/unit/detect/simulation.h"

namespace gabion::detect::test {

inline constexpr std::uint32_t client_base = 0x0a000000;  // 10.0.0.0 and on: ordinary clients
inline constexpr std::uint32_t bot_base = 0xc0000200;     // elsewhere

struct Clients {
    unsigned count = 30;
    double pps_each = 20;
    std::uint32_t first = client_base;
    std::uint32_t stride = 97;  // so that they lie in many networks
    std::string destination = "198.51.100.1";
    double start_s = 0;
    double end_s = 1e9;
};

// TTL of the client with this number: initial 32, 64, 128 or 255 after 1 to 30 hops, the same for all of a /24.
std::uint8_t ttl_of(std::uint32_t address) noexcept;

// DNS-like and game-like UDP, TCP requests (not known as established), ping.
void add_mixed_clients(Simulation& to, const Clients& clients);
// One client behind a TCP connection that the host holds: pure ACKs, or full frames.
void add_tcp_stream(Simulation& to, double pps, std::uint32_t ip_length, double start_s, double end_s = 1e9);

struct Attack {
    double pps = 500'000;
    double start_s = 12;
    double end_s = 1e9;
    std::string destination = "198.51.100.1";
    std::uint8_t ttl = 49;
    double on_s = 0;
    double period_s = 0;
};
void add_heavy_source(Simulation& to, const Attack& attack, std::uint32_t source = bot_base);
void add_botnet(Simulation& to, const Attack& attack, unsigned bots, unsigned networks);
void add_rotation4(Simulation& to, const Attack& attack, std::uint32_t network = bot_base);
// Addresses drawn from 2001:db8:bad::/48, of which `fixed_bits` (48 to 64) are the same for all.
void add_rotation6(Simulation& to, const Attack& attack, unsigned fixed_bits);
void add_spoofed_flood(Simulation& to, const Attack& attack);
void add_carpet(Simulation& to, const Attack& attack, std::uint32_t source = bot_base);

}  // namespace gabion::detect::test
