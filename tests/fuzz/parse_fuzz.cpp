// SPDX-License-Identifier: Apache-2.0
// libFuzzer target: the parser on any bytes. Sanitizers watch its reads; what it says must be consistent with the frame.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "bpf/lib/kind.h"
#include "bpf/lib/parse.h"

namespace {

void require(bool condition) {
    if (!condition) std::abort();
}

void check(const gabion_packet& packet, std::uint32_t reason, std::size_t size) {
    require(reason < GABION_REASON_COUNT);
    require(packet.frame_length == size);
    require(packet.vlan_tags <= GABION_VLAN_TAGS_MAX);
    require(packet.l3_offset <= size && packet.l4_offset <= size);
    if (reason == GABION_REASON_NOT_IP) require(packet.ip_version == 0);
    if (reason != GABION_REASON_NONE && reason != GABION_REASON_NEIGHBOUR) return;
    require(packet.ip_version == 4 || packet.ip_version == 6);
    require(packet.l3_offset + packet.ip_length <= size);
    require(packet.l4_offset >= packet.l3_offset + (packet.ip_version == 4 ? 20 : 40));
    require(packet.l4_offset + packet.payload_length <= packet.l3_offset + packet.ip_length);
    if (packet.flags & GABION_PACKET_LATER_FRAGMENT)
        require(packet.flags & GABION_PACKET_FRAGMENT && !(packet.flags & GABION_PACKET_L4) && packet.source_port == 0);
    require((reason == GABION_REASON_NEIGHBOUR) == ((packet.flags & GABION_PACKET_NEIGHBOUR) != 0));
    require(gabion_never_handed_over(&packet) >= 0);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    // a copy of exactly this size, so that a read behind it is seen
    const std::unique_ptr<std::uint8_t[]> frame(new std::uint8_t[size]);
    if (size != 0) std::memcpy(frame.get(), data, size);
    gabion_packet packet;
    const std::uint32_t reason =
        gabion_parse(frame.get(), frame.get() + size, static_cast<std::uint32_t>(size), &packet);
    check(packet, reason, size);
    return 0;
}
