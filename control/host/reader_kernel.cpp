// SPDX-License-Identifier: Apache-2.0
// What no file tells of the running host.
#include <linux/bpf.h>
#include <unistd.h>

#include <array>

#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "control/host/reader.h"
#include "dataplane/map/xdp_link.h"
#include "dataplane/net/offload.h"
#include "dataplane/net/traffic_control.h"

namespace gabion::host {

namespace {

struct Helper {
    bpf_prog_type type;
    bpf_func_id id;
    const char* name;
};

// What the programs call and a kernel may lack: where these are, the older helpers are too.
constexpr std::array helpers{
    Helper{BPF_PROG_TYPE_XDP, BPF_FUNC_redirect_map, "bpf_redirect_map() in XDP"},
    Helper{BPF_PROG_TYPE_XDP, BPF_FUNC_jiffies64, "bpf_jiffies64() in XDP"},
    Helper{BPF_PROG_TYPE_XDP, BPF_FUNC_fib_lookup, "bpf_fib_lookup() in XDP"},
    Helper{BPF_PROG_TYPE_XDP, BPF_FUNC_skc_lookup_tcp, "bpf_skc_lookup_tcp() in XDP"},
    Helper{BPF_PROG_TYPE_XDP, BPF_FUNC_tcp_check_syncookie, "bpf_tcp_check_syncookie() in XDP"},
    Helper{BPF_PROG_TYPE_XDP, BPF_FUNC_xdp_load_bytes, "bpf_xdp_load_bytes() in XDP"},
    Helper{BPF_PROG_TYPE_SCHED_CLS, BPF_FUNC_jiffies64, "bpf_jiffies64() at tc"},
    Helper{BPF_PROG_TYPE_SYSCALL, BPF_FUNC_ktime_get_boot_ns, "bpf_ktime_get_boot_ns() in system-call programs"},
};

std::optional<bool> has_kernel_function(const char* name) {
    btf* kernel = btf__load_vmlinux_btf();
    if (libbpf_get_error(kernel) != 0) return std::nullopt;
    const bool found = btf__find_by_name_kind(kernel, name, BTF_KIND_FUNC) >= 0;
    btf__free(kernel);
    return found;
}

std::optional<MasterFacts> master_of(const net::Link& link) {
    if (link.master == 0) return std::nullopt;
    const auto all = net::links();
    if (!all) return std::nullopt;
    MasterFacts master;
    for (const auto& other : *all) {
        if (other.index == link.master) {
            master.name = other.name;
            master.kind = other.kind;
        } else if (other.master == link.master && other.index != link.index) {
            master.other_ports.push_back(other.name);
        }
    }
    return master;
}

std::vector<std::string> foreign_filters(std::uint32_t link) {
    std::vector<std::string> names;
    for (const auto hook : {net::Hook::ingress, net::Hook::egress}) {
        const auto all = net::filters(link, hook);
        if (!all) continue;
        for (const auto& filter : *all) {
            if (!filter.name.starts_with("gabion"))
                names.push_back(filter.name + (hook == net::Hook::ingress ? " (ingress)" : " (egress)"));
        }
    }
    return names;
}

}  // namespace

void ask_kernel(KernelFacts& kernel, std::vector<std::string>& not_looked_at) {
    kernel.cookies = has_kernel_function("bpf_sk_assign_tcp_reqsk");
    if (::geteuid() != 0) {
        not_looked_at.emplace_back("which BPF helpers the kernel has: only root may try");
        return;
    }
    libbpf_set_print(nullptr);
    std::vector<std::string> missing;
    for (const auto& helper : helpers) {
        if (libbpf_probe_bpf_helper(helper.type, helper.id, nullptr) == 0) missing.emplace_back(helper.name);
    }
    kernel.missing = std::move(missing);
}

void ask_interface(InterfaceFacts& interface, std::vector<std::string>& not_looked_at) {
    auto link = net::link_by_name(interface.name);
    if (!link) return;
    interface.link = *link;
    interface.driver = net::driver_name(interface.name);
    interface.xdp = net::xdp_features(link->index);
    if (!interface.xdp) interface.xdp = net::xdp_features_of_driver(interface.driver);
    if (link->xdp_program != 0) {
        interface.program = XdpProgram{link->xdp_program, map::program_name(link->xdp_program), link->xdp_generic};
        if (!interface.program->name)
            not_looked_at.push_back(interface.name + ": the name of its XDP program (id " +
                                    std::to_string(link->xdp_program) + "): only root may ask");
    }
    interface.channels = net::channels(interface.name);
    interface.ring = net::rx_ring(interface.name);
    interface.pause_frames = net::sends_pause_frames(interface.name);
    if (auto features = net::features(interface.name)) interface.features = std::move(*features);
    interface.master = master_of(*link);
    if (auto obstacle = net::handover_obstacle(*link)) interface.handover_obstacle = *obstacle;
    interface.foreign_filters = foreign_filters(link->index);
}

}  // namespace gabion::host
