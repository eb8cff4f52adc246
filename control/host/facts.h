// SPDX-License-Identifier: Apache-2.0
// What `gabion doctor` and `gabion tune` know of a host. The reader (reader.h) fills it in, the checks (check.h) judge it and touch
// nothing else. What could not be looked at is nothing (nullopt) and is named in `not_looked_at`; it is never guessed.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "dataplane/net/ethtool.h"
#include "dataplane/net/link.h"
#include "dataplane/net/xdp_features.h"

namespace gabion::host {

using CpuList = std::vector<unsigned>;

struct KernelFacts {
    std::string release;  // "6.1.0-56-amd64"
    unsigned major = 0, minor = 0;
    bool btf = false;
    std::optional<std::vector<std::string>> missing;  // program types and helpers that this kernel lacks
    std::optional<bool> cookies;                      // bpf_sk_assign_tcp_reqsk
    std::optional<unsigned> jit;                      // net.core.bpf_jit_enable
    std::optional<unsigned> tcp_syncookies;
    bool bpffs = false;  // mounted where state.pin lies, or where gabiond would mount it
    std::string clocksource;
    std::vector<std::string> clocksources;           // available ones
    std::map<std::string, std::string> mitigations;  // in force, by vulnerability
};

struct CpuFacts {
    CpuList online;
    CpuList isolated;
    std::optional<CpuList> nohz_full;  // nothing: this kernel has no such thing
    CpuList rcu_nocbs;
    std::map<unsigned, std::string> governor;  // of CPUs that have one and could have "performance"
    std::map<unsigned, int> node;
    bool irqbalance = false;
};

struct QueueIrq {
    unsigned number = 0;
    std::string name;  // as in /proc/interrupts
    CpuList cpus;      // where it may be served
};

struct XdpProgram {
    std::uint32_t id = 0;
    std::optional<std::string> name;
    bool generic = false;
};

// A device that the protected interface is a port of.
struct MasterFacts {
    std::string name, kind;
    std::vector<std::string> other_ports;
};

struct InterfaceFacts {
    std::string name;
    std::string attach = "auto";    // as configured
    std::optional<net::Link> link;  // nothing: there is none of this name
    std::string driver;
    std::optional<net::XdpFeatures> xdp;
    std::optional<XdpProgram> program;
    std::optional<net::Channels> channels;
    std::optional<net::RxRing> ring;
    std::optional<bool> pause_frames;
    std::vector<net::Feature> features;
    std::vector<QueueIrq> irqs;
    std::optional<int> node;  // NUMA
    std::optional<MasterFacts> master;
    std::optional<std::string> handover_obstacle;
    std::vector<std::string> foreign_filters;
    unsigned rp_filter = 0;  // the stricter of "all" and the interface's own rule, as the kernel reads them
};

// What the operator asks about, from the configuration and the command line.
struct Wanted {
    struct Interface {
        std::string name;
        std::string attach = "auto";
    };
    std::vector<Interface> interfaces;
    CpuList worker_cpus;  // [workers] cpus
    std::string pin = "/sys/fs/bpf/gabion";
    bool syn_cookies = true;  // [syn] way asks for them
};

struct Facts {
    Wanted wanted;
    KernelFacts kernel;
    CpuFacts cpu;
    std::vector<InterfaceFacts> interfaces;
    std::vector<std::string> default_routes;  // interfaces that a default route of the main table leaves by
    std::uint64_t reverse_path_drops = 0;     // packets that rp_filter dropped since boot, on any interface
    std::vector<std::string> not_looked_at;
};

// Where the workers will run, as far as that is fixed: what is configured, else what is isolated. Empty: anywhere.
const CpuList& worker_cpus(const Facts& facts) noexcept;

}  // namespace gabion::host
