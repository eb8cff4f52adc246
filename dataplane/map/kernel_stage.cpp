// SPDX-License-Identifier: Apache-2.0
#include "dataplane/map/kernel_stage.h"

#include <fstream>

#include <bpf/libbpf.h>

#include "bpf/abi/control.h"
#include "bpf/abi/flow.h"
#include "bpf/abi/prefix.h"
#include "bpf/abi/proven.h"
#include "bpf/abi/queue.h"
#include "bpf/abi/source.h"
#include "bpf/abi/syn.h"
#include "dataplane/core/clock.h"
#include "dataplane/map/load_object.h"
#include "egress.skel.h"
#include "gabion.skel.h"
#include "handback.skel.h"
#include "inside.skel.h"
#include "syn.skel.h"

namespace gabion::map {
namespace {

Result<void> give_and_load(bpf_object* object, const MapGroup& shared, const MapGroup& own, const char* what) {
    if (auto given = give_maps(object, shared, own); !given) return given;
    return load_object(object, what);
}

template <typename Bucket>
std::uint32_t mask_of(const MapGroup& group, const std::string& name) {
    return static_cast<std::uint32_t>(group.values<Bucket>(name).size() - 1);
}

gabion_set_masks set_masks(const MapGroup& shared, const std::string& set) {
    return {.exact4 = mask_of<gabion_bucket4>(shared, set + "_e4"),
            .exact6 = mask_of<gabion_bucket6>(shared, set + "_e6"),
            .prefix4 = mask_of<gabion_bucket4>(shared, set + "_p4"),
            .prefix6 = mask_of<gabion_bucket6>(shared, set + "_p6")};
}

gabion_egress_settings egress_settings(const MapGroup& shared) {
    gabion_egress_settings settings{};
    settings.flow_mask = mask_of<gabion_flow_bucket>(shared, "flows");
    settings.proven_mask = mask_of<gabion_proven_bucket>(shared, "proven");
    return settings;
}

// Ports of queries of whatever stands behind an inline pair: Linux begins at 32768, most others (RFC 6335) at 49152.
constexpr std::uint32_t inside_query_low = 32768;
constexpr std::uint32_t inside_query_high = 65535;

}  // namespace

HostFacts host_facts() {
    HostFacts facts;
    facts.hz = kernel_hz();
    std::ifstream range("/proc/sys/net/ipv4/ip_local_port_range");
    std::uint32_t low = 0;
    std::uint32_t high = 0;
    if (range >> low >> high) {
        facts.ephemeral_low = low;
        facts.ephemeral_high = high;
    }
    return facts;
}

bool listener_cookies_possible() {
    static const bool possible = libbpf_probe_bpf_helper(BPF_PROG_TYPE_XDP, BPF_FUNC_tcp_gen_syncookie, nullptr) == 1;
    return possible;
}

gabion_settings stage_settings(const MapGroup& shared, const MapGroup& own, const HostFacts& facts) {
    gabion_settings settings{};
    settings.mask[GABION_SET_ALLOW] = set_masks(shared, "allow");
    settings.mask[GABION_SET_OPERATOR] = set_masks(shared, "op");
    settings.mask[GABION_SET_DETECTOR] = set_masks(shared, "det");
    settings.mask[GABION_SET_QUARANTINE] = set_masks(shared, "quar");
    settings.mask[GABION_SET_WATCH] = set_masks(shared, "watch");
    settings.allow_bloom_mask = static_cast<__u32>(shared.values<std::uint64_t>("allow_bloom").size() / 2 - 1);
    settings.known_bloom_mask = static_cast<__u32>(shared.values<std::uint64_t>("known_bloom").size() / 2 - 1);
    settings.flow_mask = mask_of<gabion_flow_bucket>(shared, "flows");
    settings.proven_mask = mask_of<gabion_proven_bucket>(shared, "proven");
    settings.dest_mask = mask_of<gabion_bucket6>(shared, "dest_table");
    settings.source_mask = static_cast<__u32>(shared.values<gabion_source_set>("source_sets").size() / 2 - 1);
    settings.prefix_mask6 = mask_of<gabion_prefix_line6>(shared, "prefix_map6");
    settings.syn_cell_mask = mask_of<gabion_syn_cell>(shared, "syn_cells");
    settings.syn_source_mask = mask_of<std::uint64_t>(shared, "syn_sources");
    settings.syn_first_mask = mask_of<std::uint64_t>(shared, "syn_first");
    settings.queues = static_cast<__u32>(own.values<gabion_queue>("queues").size());
    settings.late_ticks = late_ticks(facts.hz);
    settings.hz = facts.hz;
    settings.features = facts.features;
    if (!listener_cookies_possible()) settings.features &= ~GABION_FEATURE_ASK_COOKIE;
    settings.checks = facts.checks;
    settings.mac_filter = facts.mac_filter;
    return settings;
}

gabion_egress_settings inside_settings(const MapGroup& shared, const HostFacts& facts) {
    gabion_egress_settings settings = egress_settings(shared);
    settings.ephemeral_low = inside_query_low;
    settings.ephemeral_high = inside_query_high;
    settings.features = facts.features;
    return settings;
}

void KernelStage::Destroy::operator()(gabion_bpf* skeleton) const noexcept { gabion_bpf__destroy(skeleton); }
void KernelStage::Destroy::operator()(egress_bpf* skeleton) const noexcept { egress_bpf__destroy(skeleton); }
void KernelStage::Destroy::operator()(handback_bpf* skeleton) const noexcept { handback_bpf__destroy(skeleton); }
void KernelStage::Destroy::operator()(syn_bpf* skeleton) const noexcept { syn_bpf__destroy(skeleton); }
void KernelStage::Destroy::operator()(inside_bpf* skeleton) const noexcept { inside_bpf__destroy(skeleton); }

KernelStage::KernelStage() = default;
KernelStage::KernelStage(KernelStage&&) noexcept = default;
KernelStage& KernelStage::operator=(KernelStage&&) noexcept = default;
KernelStage::~KernelStage() = default;

Result<void> KernelStage::load_inside(const MapGroup& shared, const MapGroup& own, const HostFacts& facts) {
    inside_.reset(inside_bpf__open());
    if (!inside_) return error_from_errno(errno, "opening the inside port's program");
    const_cast<gabion_egress_settings&>(inside_->rodata->gabion_egress_settings) = inside_settings(shared, facts);
    return give_and_load(inside_->obj, shared, own, "the inside port's program");
}

Result<void> KernelStage::load_way_back(const MapGroup& shared, const MapGroup& own, std::uint32_t own_mark) {
    handback_.reset(handback_bpf__open());
    if (!handback_) return error_from_errno(errno, "opening the hand-back program");
    handback_->rodata->own_mark = own_mark;
    return give_and_load(handback_->obj, shared, own, "the hand-back program");
}

Result<void> KernelStage::load_hooks(const MapGroup& shared, const MapGroup& own, const HostFacts& facts) {
    egress_.reset(egress_bpf__open());
    if (!egress_) return error_from_errno(errno, "opening the egress program");
    auto& settings = const_cast<gabion_egress_settings&>(egress_->rodata->gabion_egress_settings);
    settings = egress_settings(shared);
    settings.ephemeral_low = facts.ephemeral_low;
    settings.ephemeral_high = facts.ephemeral_high;
    if (auto loaded = give_and_load(egress_->obj, shared, own, "the egress program"); !loaded) return loaded;
    syn_.reset(syn_bpf__open());
    if (!syn_) return {};
    syn_->rodata->syn_cell_mask = mask_of<gabion_syn_cell>(shared, "syn_cells");
    syn_->rodata->tell_mptcp =
        libbpf_probe_bpf_helper(BPF_PROG_TYPE_SCHED_CLS, BPF_FUNC_skc_to_mptcp_sock, nullptr) == 1 ? 1 : 0;
    syn_->rodata->flow_mask = mask_of<gabion_flow_bucket>(shared, "flows");
    if (!give_and_load(syn_->obj, shared, own, "the program for SYN cookies")) syn_.reset();
    return {};
}

Result<KernelStage> KernelStage::load(const MapGroup& shared, const MapGroup& own, const HostFacts& facts,
                                      std::uint32_t own_mark) {
    KernelStage stage;
    stage.xdp_.reset(gabion_bpf__open());
    if (!stage.xdp_) return error_from_errno(errno, "opening the kernel programs");
    const_cast<gabion_settings&>(stage.xdp_->rodata->gabion_settings) = stage_settings(shared, own, facts);
    if (auto loaded = give_and_load(stage.xdp_->obj, shared, own, "the XDP program"); !loaded) return loaded.error();
    const bool forwards = (facts.features & GABION_FEATURE_INLINE) != 0;
    if (auto loaded = stage.load_way_back(shared, own, own_mark); !loaded) return loaded.error();
    auto others = forwards ? stage.load_inside(shared, own, facts) : stage.load_hooks(shared, own, facts);
    if (!others) return others.error();
    return stage;
}

int KernelStage::xdp_fd() const noexcept { return bpf_program__fd(xdp_->progs.gabion); }
int KernelStage::inside_fd() const noexcept { return inside_ ? bpf_program__fd(inside_->progs.gabion_inside) : -1; }
int KernelStage::egress_fd() const noexcept { return egress_ ? bpf_program__fd(egress_->progs.egress) : -1; }
int KernelStage::handback_fd() const noexcept { return handback_ ? bpf_program__fd(handback_->progs.handback) : -1; }
int KernelStage::syn_fd() const noexcept { return syn_ ? bpf_program__fd(syn_->progs.syn) : -1; }
int KernelStage::foreign_fd() const noexcept { return handback_ ? bpf_program__fd(handback_->progs.foreign) : -1; }

}  // namespace gabion::map
