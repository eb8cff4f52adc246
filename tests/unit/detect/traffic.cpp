// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/detect/traffic.h"

#include <arpa/inet.h>

namespace gabion::detect::test {
namespace {

Stream attack_stream(const Attack& attack, std::function<gabion_packet(Random&)> make) {
    return {.make = std::move(make),
            .pps = attack.pps,
            .start_s = attack.start_s,
            .end_s = attack.end_s,
            .attack = true,
            .established = false,
            .on_s = attack.on_s,
            .period_s = attack.period_s};
}

gabion_packet flood_packet(const Attack& attack) {
    return packet({.destination = attack.destination, .ttl = attack.ttl, .destination_port = 80, .ip_length = 512});
}

Stream client_stream(const Clients& clients, double share, const PacketSpec& spec, std::uint32_t length_spread) {
    PacketSpec with_destination = spec;
    with_destination.destination = clients.destination;
    const gabion_packet base = packet(with_destination);
    return {.make =
                [=](Random& random) {
                    gabion_packet made = base;
                    const std::uint32_t address =
                        clients.first + static_cast<std::uint32_t>(random() % clients.count) * clients.stride;
                    set_source4(made, address);
                    made.ttl = ttl_of(address);
                    made.source_port = static_cast<std::uint16_t>(1024 + random() % 60000);
                    if (length_spread > 0) made.ip_length += static_cast<std::uint32_t>(random() % length_spread);
                    return made;
                },
            .pps = clients.count * clients.pps_each * share,
            .start_s = clients.start_s,
            .end_s = clients.end_s};
}

}  // namespace

std::uint8_t ttl_of(std::uint32_t address) noexcept {
    constexpr unsigned initial_ttls[] = {32, 64, 128, 255};
    const std::uint32_t network = (address >> 8) * 2654435761u;
    return static_cast<std::uint8_t>(initial_ttls[network >> 30] - 1 - (network >> 8) % 30);
}

void add_mixed_clients(Simulation& to, const Clients& clients) {
    to.add(client_stream(clients, 0.3, {.destination_port = 53, .ip_length = 60}, 30));
    to.add(client_stream(clients, 0.3, {.destination_port = 27015, .ip_length = 70}, 60));
    to.add(client_stream(clients, 0.3, {.protocol = 6, .destination_port = 443, .ip_length = 52}, 600));
    to.add(client_stream(clients, 0.1, {.protocol = 1, .source_port = 1, .destination_port = 1, .ip_length = 84}, 0));
}

void add_tcp_stream(Simulation& to, double pps, std::uint32_t ip_length, double start_s, double end_s) {
    const gabion_packet base =
        packet({.source = "203.0.113.9", .protocol = 6, .destination_port = 443, .ip_length = ip_length});
    to.add({.make = [base](Random&) { return base; },
            .pps = pps,
            .start_s = start_s,
            .end_s = end_s,
            .established = true});
}

void add_heavy_source(Simulation& to, const Attack& attack, std::uint32_t source) {
    gabion_packet base = flood_packet(attack);
    set_source4(base, source);
    to.add(attack_stream(attack, [base](Random&) { return base; }));
}

void add_botnet(Simulation& to, const Attack& attack, unsigned bots, unsigned networks) {
    const gabion_packet base = flood_packet(attack);
    to.add(attack_stream(attack, [=](Random& random) {
        gabion_packet made = base;
        const auto bot = static_cast<std::uint32_t>(random() % bots);
        set_source4(made, bot_base + (bot % networks) * 0x01000300 + bot / networks + 1);
        return made;
    }));
}

void add_rotation4(Simulation& to, const Attack& attack, std::uint32_t network) {
    const gabion_packet base = flood_packet(attack);
    to.add(attack_stream(attack, [=](Random& random) {
        gabion_packet made = base;
        set_source4(made, (network & 0xffffff00) | static_cast<std::uint32_t>(random() & 0xff));
        return made;
    }));
}

void add_rotation6(Simulation& to, const Attack& attack, unsigned fixed_bits) {
    const gabion_packet base = flood_packet(attack);
    to.add(attack_stream(attack, [=](Random& random) {
        gabion_packet made = base;
        const std::uint64_t mask = fixed_bits >= 64 ? 0 : ~std::uint64_t{0} >> fixed_bits;
        set_source6(made, 0x20010db80bad1234 ^ (random() & mask), random());
        return made;
    }));
}

void add_spoofed_flood(Simulation& to, const Attack& attack) {
    const gabion_packet base = flood_packet(attack);
    to.add(attack_stream(attack, [=](Random& random) {
        gabion_packet made = base;
        set_source4(made, static_cast<std::uint32_t>(random()));
        return made;
    }));
}

void add_carpet(Simulation& to, const Attack& attack, std::uint32_t source) {
    gabion_packet base = flood_packet(attack);
    set_source4(base, source);
    to.add(attack_stream(attack, [=](Random& random) {
        gabion_packet made = base;
        made.destination.word[0] =
            htonl((ntohl(made.destination.word[0]) & 0xffffff00) | static_cast<std::uint32_t>(random() & 0xff));
        return made;
    }));
}

}  // namespace gabion::detect::test
