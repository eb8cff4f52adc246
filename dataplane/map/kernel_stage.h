// SPDX-License-Identifier: Apache-2.0
// The kernel side's programs of one interface, loaded with this host's settings and working on the pinned maps: the XDP stage, the
// note-taker at tc egress, and the counter behind the private pair; or, for an inline pair, the XDP stage and the note-taker of its inside
// port. Attaching is the business of XdpLink and net/traffic_control.
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <utility>

#include "bpf/abi/settings.h"
#include "dataplane/core/result.h"
#include "dataplane/map/map_group.h"

struct gabion_bpf;
struct egress_bpf;
struct handback_bpf;
struct syn_bpf;
struct inside_bpf;

namespace gabion::map {

// What the programs are told when they are loaded, of the host and of the configuration. When any of it changes, they are loaded anew.
// Plain data; the filter is the interface's own.
struct HostFacts {
    std::uint32_t hz = 0;
    std::uint32_t ephemeral_low = 32768;  // net.ipv4.ip_local_port_range
    std::uint32_t ephemeral_high = 60999;
    std::uint32_t features = GABION_FEATURES_ALL;  // with GABION_FEATURE_INLINE: for a pair of ports
    std::uint32_t checks = GABION_CHECKS_DEFAULT;
    gabion_mac_filter mac_filter{};

    bool operator==(const HostFacts& other) const noexcept {
        return hz == other.hz && ephemeral_low == other.ephemeral_low && ephemeral_high == other.ephemeral_high &&
               features == other.features && checks == other.checks &&
               std::memcmp(&mac_filter, &other.mac_filter, sizeof mac_filter) == 0;
    }
};

// GABION_LATE_MS in ticks, rounded up, and one for the tick that was running.
constexpr std::uint32_t late_ticks(std::uint32_t hz) noexcept { return (GABION_LATE_MS * hz + 999) / 1000 + 1; }

// Reads them; the port range is the network namespace's own.
HostFacts host_facts();

// Whether the XDP program can ask a listener for a SYN cookie of its own (bpf_tcp_gen_syncookie()). Probed once.
bool listener_cookies_possible();

gabion_settings stage_settings(const MapGroup& shared, const MapGroup& own, const HostFacts& facts);
gabion_egress_settings inside_settings(const MapGroup& shared, const HostFacts& facts);

class KernelStage {
public:
    static Result<KernelStage> load(const MapGroup& shared, const MapGroup& own, const HostFacts& facts,
                                    std::uint32_t own_mark);
    KernelStage(KernelStage&&) noexcept;
    KernelStage& operator=(KernelStage&&) noexcept;
    ~KernelStage();

    // In host mode those of the tc hooks, in inline mode that of the inside port, in both those of the way back; the others are -1.
    [[nodiscard]] int xdp_fd() const noexcept;
    [[nodiscard]] int inside_fd() const noexcept;
    [[nodiscard]] int egress_fd() const noexcept;
    [[nodiscard]] int handback_fd() const noexcept;
    [[nodiscard]] int foreign_fd() const noexcept;
    // What takes connections from SYN cookies; -1 where the kernel has no means for it.
    [[nodiscard]] int syn_fd() const noexcept;

private:
    struct Destroy {
        void operator()(gabion_bpf* skeleton) const noexcept;
        void operator()(egress_bpf* skeleton) const noexcept;
        void operator()(handback_bpf* skeleton) const noexcept;
        void operator()(syn_bpf* skeleton) const noexcept;
        void operator()(inside_bpf* skeleton) const noexcept;
    };

    KernelStage();
    Result<void> load_inside(const MapGroup& shared, const MapGroup& own, const HostFacts& facts);
    Result<void> load_hooks(const MapGroup& shared, const MapGroup& own, const HostFacts& facts);
    Result<void> load_way_back(const MapGroup& shared, const MapGroup& own, std::uint32_t own_mark);

    std::unique_ptr<gabion_bpf, Destroy> xdp_;
    std::unique_ptr<egress_bpf, Destroy> egress_;
    std::unique_ptr<handback_bpf, Destroy> handback_;
    std::unique_ptr<syn_bpf, Destroy> syn_;
    std::unique_ptr<inside_bpf, Destroy> inside_;
};

}  // namespace gabion::map
