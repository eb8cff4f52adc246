// SPDX-License-Identifier: Apache-2.0
#include "dataplane/core/host_stages.h"

#include <cstring>
#include <string>
#include <utility>

#include "bpf/inside.h"
#include "bpf/pipeline.h"
#include "dataplane/core/look_ahead.h"

namespace gabion {
namespace {

gabion_frame frame_of(std::span<const std::byte> bytes) noexcept {
    const auto* begin = reinterpret_cast<const __u8*>(bytes.data());
    return {begin, begin + bytes.size()};
}

class Pointing {
public:
    Pointing(gabion_tables& tables, const TableMemory& memory) : tables_(tables), memory_(memory) {}

    void all();
    [[nodiscard]] const std::string& missing() const noexcept { return missing_; }

private:
    template <typename T>
    void point(T*& table, const char* name) {
        table = static_cast<T*>(memory_(name));
        if (table == nullptr && missing_.empty()) missing_ = name;
    }
    void sets();
    void beside_sets();
    void others();

    gabion_tables& tables_;
    const TableMemory& memory_;
    std::string missing_;
};

#define POINT(name) point(tables_.name, #name)
#define POINT_ALL(set, suffix) \
    POINT(set##_e4##suffix), POINT(set##_e6##suffix), POINT(set##_p4##suffix), POINT(set##_p6##suffix)

void Pointing::sets() {
    POINT_ALL(allow, );
    POINT_ALL(op, );
    POINT_ALL(det, );
    POINT_ALL(quar, );
    POINT_ALL(watch, );
}

void Pointing::beside_sets() {
    POINT_ALL(op, _hits);
    POINT_ALL(det, _hits);
    POINT_ALL(quar, _state);
}

void Pointing::others() {
    POINT(control);
    POINT(prefix_map4);
    POINT(prefix_map6);
    POINT(prefix_lengths4);
    POINT(prefix_lengths6);
    POINT(allow_bloom);
    POINT(known_bloom);
    POINT(flows);
    POINT(proven);
    POINT(dest_table);
    POINT(destinations);
    POINT(cells);
    POINT(port_rules);
    POINT(source_sets);
    POINT(sources);
    POINT(source_limits);
    POINT(offences);
    POINT(amp_ports);
    POINT(amp_index);
    POINT(amp_rules);
    POINT(amp_fragments);
    POINT(queues);
    POINT(syn_cells);
    POINT(syn_sources);
    POINT(syn_first);
}

#undef POINT_ALL
#undef POINT

void Pointing::all() {
    sets();
    beside_sets();
    others();
    tables_.sockets = static_cast<gabion_socket_notes*>(memory_("sockets"));
}

}  // namespace

gabion_reason parse(std::span<const std::byte> bytes, gabion_packet& packet) noexcept {
    const gabion_frame frame = frame_of(bytes);
    const std::uint32_t reason =
        gabion_parse(frame.data, frame.data_end, static_cast<std::uint32_t>(bytes.size()), &packet);
    if (packet.ip_version != 0) packet.flags = static_cast<__u16>(packet.flags | gabion_kind(&packet));
    return static_cast<gabion_reason>(reason);
}

struct HostStages::State {
    gabion_settings settings{};
    gabion_egress_settings inside_settings{};
    gabion_tables tables{};
};

HostStages::HostStages(std::unique_ptr<State> state) noexcept : state_(std::move(state)) {}
HostStages::HostStages(HostStages&&) noexcept = default;
HostStages& HostStages::operator=(HostStages&&) noexcept = default;
HostStages::~HostStages() = default;

Result<HostStages> HostStages::on(const TableMemory& memory) {
    auto state = std::make_unique<State>();
    Pointing pointing(state->tables, memory);
    pointing.all();
    if (!pointing.missing().empty()) return Error{"the table " + pointing.missing() + " is not in memory", ENOENT};
    state->tables.settings = &state->settings;
    return HostStages(std::move(state));
}

gabion_settings& HostStages::settings() noexcept { return state_->settings; }
gabion_egress_settings& HostStages::inside_settings() noexcept { return state_->inside_settings; }
gabion_control& HostStages::control() const noexcept { return *state_->tables.control; }

HostVerdict HostStages::run(std::span<const std::byte> bytes, gabion_cpu& cpu, std::uint32_t queue,
                            std::uint32_t now_ticks) const noexcept {
    const gabion_tables* tables = &state_->tables;
    const gabion_frame frame = frame_of(bytes);
    const auto length = static_cast<std::uint32_t>(bytes.size());
    gabion_arrival arrival;  // the rest of it is filled in where a packet goes on

    gabion_tally(&cpu.received, length);
    arrival.now = now_ticks;
    arrival.queue = queue;
    arrival.one_in = 1;
    arrival.instead = GABION_REASON_NONE;
    __u32 reason = gabion_front(&frame, tables, &cpu, &arrival);
    if (reason == GABION_REASON_NONE) reason = gabion_rest(tables, &frame, &cpu, &arrival);
    const std::uint32_t action = gabion_leave(tables, &cpu, &reason, length, now_ticks);
    return {static_cast<gabion_reason>(reason), static_cast<gabion_action>(action), arrival.one_in,
            static_cast<gabion_reason>(arrival.instead)};
}

bool HostStages::hold_sources() const noexcept {
    __u32 held = 0;
    for (const gabion_set_header& set : state_->tables.control->set)
        held |= set.exact4 | set.exact6 | set.length_count4 | set.length_count6;
    return held != 0;
}

void HostStages::look_ahead(std::span<const std::byte> bytes) const noexcept {
    const auto* begin = reinterpret_cast<const __u8*>(bytes.data());
    gabion_link link{};
    if (gabion_parse_link(begin, begin + bytes.size(), &link) != GABION_REASON_NONE) return;
    const __u8* end = begin + bytes.size();
    if (const auto* ip = GABION_AT(gabion_wire_ipv4, link.at); link.type == GABION_ETHERTYPE_IPV4) {
        if (link.at + sizeof *ip <= end) look_ahead4(state_->tables, ip->source);
    } else if (const auto* six = GABION_AT(gabion_wire_ipv6, link.at); link.at + sizeof *six <= end) {
        gabion_address source;
        std::memcpy(source.word, six->source, sizeof source.word);
        look_ahead6(state_->tables, source.word);
    }
}

HostVerdict HostStages::run_inside(std::span<const std::byte> bytes, gabion_cpu& cpu,
                                   std::uint32_t now_ticks) const noexcept {
    const gabion_notebook notebook = {&state_->tables, &state_->inside_settings, now_ticks};
    const gabion_frame frame = frame_of(bytes);
    const __u32 reason = gabion_inside_port(&notebook, &frame, &cpu);
    return {static_cast<gabion_reason>(reason), gabion_drops(reason) ? GABION_ACTION_DROP : GABION_ACTION_FORWARD, 1,
            GABION_REASON_NONE};
}

}  // namespace gabion
