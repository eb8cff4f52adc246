// SPDX-License-Identifier: Apache-2.0
// A host whose port 80 listens, with rates that a few packets exceed.
#pragma once

#include <string>
#include <vector>

#include "bpf/abi/connection.h"
#include "tests/kernel/homes.h"

namespace gabion::test {

inline constexpr const char* host4 = "198.51.100.1";
inline constexpr const char* host6 = "2001:db8:1::1";

inline std::uint32_t at32(const std::vector<std::byte>& bytes, std::size_t at) {
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < 4; i++)
        value = value << 8 | std::to_integer<std::uint32_t>(bytes.at(at + i));
    return value;
}

inline const std::vector<std::uint8_t> usual = {2, 4, 5, 180, 4, 2, 8, 10, 1, 2, 3, 4, 0, 0, 0, 0, 1, 3, 3, 9};

class Syn : public Homes {
protected:
    void SetUp() override {
        Homes::SetUp();
        if (IsSkipped()) return;
        gabion_syn_control& syn = control().syn;
        syn.key[0] = 0x1122334455667788u;
        syn.key[1] = 0x99aabbccddeeff00u;
        syn.engage_interval = 1 << 16;  // one a tick
        syn.engage_burst = 10 << 16;
        syn.hold_ticks = 50;
        syn.answer_interval = 1 << 8;
        syn.answer_burst = 1 << 20;
        syn.cap_interval = 10 << 16;
        syn.cap_burst = 20 << 16;
        syn.mss4 = 1460;
        syn.mss6 = 1440;
        syn.way = GABION_SYN_REQUEST;
        syn.offer = 15;
        syn.window_scale = 7;
        syn.slot_shift = 13;
        host().values<gabion_socket_notes>("sockets")[0].listens = 80;
    }

    static Packet syn4(const std::string& source = "203.0.113.7", std::uint16_t port = 40000,
                       std::uint16_t dport = 80) {
        return Ethernet{} / IPv4{.source = source} /
               TCP{.sport = port, .dport = dport, .flags = 2, .sequence = 77, .options = usual};
    }
    static Packet syn6(const std::string& source = "2001:db8:7::7", std::uint16_t port = 40000) {
        return Ethernet{} / IPv6{.source = source} /
               TCP{.sport = port, .dport = 80, .flags = 2, .sequence = 77, .options = usual};
    }
    // SYNs of others until the destination is engaged: how many went through.
    int engage(const Packet& packet) {
        for (int count = 0; count < 1000; count++) {
            if (reason(packet) != GABION_REASON_CLEAN) return count;
        }
        ADD_FAILURE() << "never engaged";
        return -1;
    }
};

}  // namespace gabion::test
