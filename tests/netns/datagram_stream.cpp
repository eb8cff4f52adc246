// SPDX-License-Identifier: Apache-2.0
#include "tests/netns/datagram_stream.h"

#include <nlohmann/json.hpp>

#include "dataplane/worker/placement.h"

namespace gabion::probe {

Child start_receiver(Bed& bed, const DatagramStream& stream) {
    Child receiver =
        bed.start(false, {stream.tools + "/gbn-recv", "--port", "9", "--expect", std::to_string(stream.count),
                          "--seconds", "60", "--quiet-ms", "500", "--buffer-mib", "64", "--nap-ms", "4"});
    if (receiver.line() != "ready") fail("gbn-recv did not start");
    return receiver;
}

Child start_sender(Bed& bed, const DatagramStream& stream) {
    return bed.start_on(worker::usable_cpus().back(), true,
                        {stream.tools + "/gbn-send", "--interface", "wan0", "--to-mac", bed.host_mac(), "--source",
                         stream.v6 ? "fd77::2" : "10.77.0.2", "--destination", stream.v6 ? "fd77::1" : "10.77.0.1",
                         "--dport", "9", "--sport", "40000", "--size", "80-400", "--count",
                         std::to_string(stream.count), "--rate", std::to_string(stream.rate_pps)});
}

std::uint64_t socket_overflows() {
    return kernel_counter("Udp", "RcvbufErrors") + kernel_counter("snmp6", "Udp6RcvbufErrors");
}

Outcome finish(Child& sender, Child& receiver, std::uint64_t overflows_before) {
    const auto sent = nlohmann::json::parse(sender.finish());
    const auto got = nlohmann::json::parse(receiver.finish());
    return {sent["sent"],   got["unique"], got["duplicated"], got["reordered"], socket_overflows() - overflows_before,
            sent["seconds"]};
}

}  // namespace gabion::probe
