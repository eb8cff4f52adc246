// SPDX-License-Identifier: Apache-2.0
#include "perf/stage_cases.h"

#include <stdexcept>

#include "bpf/abi/caps.h"
#include "bpf/abi/control.h"
#include "bpf/abi/cpu.h"
#include "bpf/abi/source.h"
#include "bpf/lib/flow.h"
#include "dataplane/ban/address_set.h"
#include "dataplane/ban/named_memory.h"
#include "perf/test_run_rows.h"

namespace gabion::perf {
namespace {

using namespace gabion::test;

constexpr std::uint32_t flood_ticks = 1 << 24;  // longer than any run
constexpr std::uint32_t source_at4 = 14 + 12, source_at6 = 14 + 8 + 12;
constexpr const char* stranger = "198.51.100.9";
// What Linux offers: MSS, SACK, timestamps, window scale.
const std::vector<std::uint8_t> offered = {2, 4, 5, 180, 4, 2, 8, 10, 1, 2, 3, 4, 0, 0, 0, 0, 1, 3, 3, 7};

void establish(HostPipeline& host, const Bytes& frame, std::uint32_t now) {
    gabion_packet packet{};
    if (parse(frame, packet) != GABION_REASON_NONE) throw std::runtime_error("a frame of an established flow is odd");
    const auto flows = host.values<gabion_flow_bucket>("flows");
    const gabion_flow_key key = gabion_flow_in(&packet, &host.control().hash);
    flows[key.bucket & (flows.size() - 1)].flow[0] = {.tag = key.tag,
                                                      .stamp = now,
                                                      .number = packet.sequence,
                                                      .kind = GABION_FLOW_ESTABLISHED,
                                                      .answered = static_cast<__u16>(packet.acknowledgment >> 16)};
}

// Nothing of it, to speak of, has room.
void close_cell(HostPipeline& host, std::uint32_t index) {
    gabion_cell& cell = host.values<gabion_cell>("cells")[index];
    cell.interval = 1u << 31;
    cell.flood_only = 1;
}

// Rates of sources, all of them, which nobody reaches.
void hold_sources(HostPipeline& host) {
    gabion_source_control& sources = host.control().sources;
    sources.when = GABION_SOURCES_IN_FLOODS;
    sources.window = sources.age = 250;
    for (gabion_source_limits& one : host.values<gabion_source_limits>("source_limits")) {
        one.depth = 250u << GABION_LEVEL_SHIFT;
        for (__u64& cost : one.cost)
            cost = 1;
    }
}

}  // namespace

std::vector<Case> stage_cases() {
    const Ethernet eth{};
    const Packet udp4 = eth / IPv4{.source = stranger} / UDP{}, udp6 = eth / IPv6{.source = "2001:db8:9::1"} / UDP{};
    const TCP syn{.dport = 80, .flags = 0x02, .options = offered};
    return {
        {"not IP", (Ethernet{.type = 0x0806} / Payload{28}).padded(), Times::calm, GABION_REASON_NOT_IP},
        {"ban hit", (eth / IPv4{.source = "203.0.113.7"} / UDP{}).padded(), Times::calm, GABION_REASON_BAN_OPERATOR},
        {"clean TCP, IPv4", (eth / IPv4{} / TCP{}).padded()},
        {"clean UDP, IPv4", (eth / IPv4{} / UDP{}).padded()},
        {"clean TCP, IPv6", (eth / IPv6{} / TCP{}).bytes()},
        {"flood: established TCP, IPv4", (eth / IPv4{} / TCP{}).padded(), Times::flood},
        {"flood: established TCP, IPv6", (eth / IPv6{} / TCP{}).bytes(), Times::flood},
        {"flood: unknown segment, IPv4", (eth / IPv4{.source = stranger} / TCP{}).padded(), Times::flood,
         GABION_REASON_ACK_UNKNOWN},
        {"flood: UDP above the cap, IPv4", udp4.padded(), Times::flood, GABION_REASON_CAP_UDP},
        {"flood: likewise, each of a new source", udp4.padded(), Times::flood, GABION_REASON_CAP_UDP, true, source_at4},
        {"flood: UDP of new sources, not let in, IPv4", udp4.padded(), Times::crowded, GABION_REASON_NEW_SOURCE, true,
         source_at4},
        {"flood: UDP of new sources, not let in, IPv6", udp6.bytes(), Times::crowded, GABION_REASON_NEW_SOURCE, true,
         source_at6},
        {"flood: SYN above the cap, IPv4", (eth / IPv4{.source = stranger} / TCP{.flags = 0x02}).padded(), Times::flood,
         GABION_REASON_CAP_SYN},
        {"flood: SYN answered, IPv4", (eth / IPv4{.source = stranger} / syn).bytes(), Times::crowded,
         GABION_REASON_SYN_ANSWERED, true, source_at4},
        {"flood: SYN answered, IPv6", (eth / IPv6{.source = "2001:db8:9::1"} / syn).bytes(), Times::crowded,
         GABION_REASON_SYN_ANSWERED, true, source_at6}};
}

Variant::Variant(std::uint32_t without, Times times, const std::vector<Case>& all, std::uint32_t now)
    : host_({.exact4 = 1u << 14, .exact6 = 1u << 14, .flows = 1u << 12}) {
    host_.settings().features &= ~without;
    host_.settings().mac_filter = {.mode = GABION_MAC_DENY, .count = 1, .mac = {{0x01020304u, 0x0506u}}};
    ban::AddressSet bans(ban::set_memory(host_, GABION_SET_OPERATOR), host_.control().hash, {}, [] {});
    bans.add(*Prefix::parse("203.0.113.7"), GABION_FOREVER);
    host_.cpu().sampler.random = 1;
    host_.control().sampling = {.one_in = 256, .budget = 50, .period_ticks = 25, .reserved = 0};
    host_.control().flow_idle_ticks = flood_ticks;
    if (times != Times::calm) begin_flood(all, now);
    if (times == Times::crowded) crowd();
    kernel_ = std::make_unique<KernelPipeline>(host_, "gabion");
    kernel_->copy_from(host_);
}

void Variant::begin_flood(const std::vector<Case>& all, std::uint32_t now) {
    host_.control().caps.flood_ticks = flood_ticks;
    host_.control().flood.any = now + flood_ticks;
    for (int kind = 0; kind < GABION_FLOOD_CLASSES; kind++)
        host_.control().flood.until[kind] = now + flood_ticks;
    close_cell(host_, GABION_CELL_CAP + GABION_FLOOD_UDP);
    close_cell(host_, GABION_CELL_CAP + GABION_FLOOD_SYN);
    hold_sources(host_);
    for (const Case& one : all)
        if (one.times == Times::flood && one.reason == GABION_REASON_CLEAN) establish(host_, one.frame, now);
}

void Variant::crowd() {
    close_cell(host_, GABION_CELL_NEW_SOURCES);
    gabion_syn_control& syn = host_.control().syn;
    syn.key[0] = syn.key[1] = 1;
    syn.engage_interval = 1u << 16;
    syn.hold_ticks = flood_ticks;
    syn.answer_interval = 1;
    syn.answer_burst = 1u << 30;
    syn.cap_interval = 1u << 16;
    syn.mss4 = 1460;
    syn.mss6 = 1440;
    syn.way = GABION_SYN_REQUEST;
    syn.offer = GABION_SYN_OFFER_SCALE | GABION_SYN_OFFER_SACK | GABION_SYN_OFFER_TIMESTAMPS | GABION_SYN_OFFER_ECN;
    syn.window_scale = 7;
    syn.slot_shift = 13;
}

double Variant::cost(const Case& one, const Anew& anew) const {
    if (one.anew) return anew.cost(kernel_->program(), one.frame, one.source);
    return static_cast<double>(kernel_->cost_ns(one.frame, repeat, 0));
}

void Variant::expect(const Case& one, const Anew& anew) const {
    const auto count = [&] { return kernel_->values<gabion_cpu>("cpus")[0].reason[one.reason].packets; };
    const std::uint64_t before = count();
    (void)cost(one, anew);
    if (count() - before < repeat * 9 / 10) throw std::runtime_error(one.name + ": leaves for another reason");
}

}  // namespace gabion::perf
