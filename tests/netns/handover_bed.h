// SPDX-License-Identifier: Apache-2.0
// A test bed for the hand-over alone: the calling process becomes the protected host in a network namespace of its own, a veth
// leads to a second namespace, the world. Both namespaces are nameless and vanish with the process. The maps belong to the
// calling process, workers run in a child: the child can be killed, stopped and started like a daemon.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "dataplane/core/fd.h"
#include "dataplane/core/mapping.h"
#include "dataplane/counter/totals.h"
#include "dataplane/net/hand_back.h"
#include "dataplane/net/link.h"
#include "dataplane/worker/takeover.h"
#include "dataplane/worker/worker.h"
#include "tests/netns/child.h"

struct redirect_all_bpf;

namespace gabion::probe {

// By which the tc program knows the workers' own frames.
inline constexpr std::uint32_t hand_back_mark = 0x6762'0001;

struct BedOptions {
    bool native = true;
    std::uint32_t queues = 1;
};

class Bed {
public:
    explicit Bed(const BedOptions& options);
    ~Bed();
    Bed(const Bed&) = delete;
    Bed& operator=(const Bed&) = delete;

    // Runs a command, or a function, in the world's namespace or in the host's.
    Child start(bool world, const std::vector<std::string>& command);
    // The same on one CPU from its first instruction on.
    Child start_on(unsigned cpu, bool world, const std::vector<std::string>& command);
    void run(bool world, const std::vector<std::string>& command);
    Child start_call(bool world, int (*call)(const std::string&), const std::string& argument);

    // A child with a worker for each queue; returns when they take packets.
    Child start_workers();

    // For a caller that runs a worker of its own. The private pair is there as long as what is returned.
    net::HandBack open_hand_back();
    [[nodiscard]] worker::WorkerConfig worker_config(std::uint32_t queue, const net::HandBack& hand_back) const;
    [[nodiscard]] int xskmap_fd() const;
    [[nodiscard]] const net::Link& link() const noexcept { return link_; }

    [[nodiscard]] std::string host_mac() const { return host_mac_; }
    [[nodiscard]] counter::Totals totals() const;
    [[nodiscard]] gabion_worker_counters workers() const;
    [[nodiscard]] counter::Identity identity() const;
    [[nodiscard]] std::uint64_t in_flight() const;
    // Waits until nothing moves, then fails unless the identity holds.
    void settle() const;

    [[nodiscard]] worker::SharedState state() const noexcept;

private:
    void make_world();
    void make_links();
    void attach();
    int run_workers(int ready_fd);

    BedOptions options_;
    pid_t world_ = 0;
    UniqueFd world_namespace_;
    std::string host_mac_;
    net::Link link_;
    redirect_all_bpf* skeleton_ = nullptr;
    UniqueFd attachment_;
    Mapping cpus_, queues_, workers_;
};

// A value of /proc/net/snmp or snmp6 style counters, by "Udp InCsumErrors" or "Udp6InCsumErrors".
std::uint64_t kernel_counter(const std::string& group, const std::string& name);

}  // namespace gabion::probe
