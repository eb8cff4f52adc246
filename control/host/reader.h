// SPDX-License-Identifier: Apache-2.0
// Gathers the facts: what stands in files under a tree, and what only the kernel itself tells (netlink, ethtool, BPF probes) of the
// host that this program runs on. Changes nothing.
#pragma once

#include "control/host/facts.h"
#include "control/host/tree.h"

namespace gabion::host {

class Reader {
public:
    explicit Reader(Tree tree = Tree{}) : tree_(std::move(tree)) {}

    // Everything. What is asked of the kernel and not of files is this host's, whatever the tree.
    [[nodiscard]] Facts read(const Wanted& wanted) const;

    // Only what stands in files.
    [[nodiscard]] Facts read_files(const Wanted& wanted) const;

private:
    void read_kernel(Facts& facts) const;
    void read_cpus(CpuFacts& cpu) const;
    void read_routes(Facts& facts) const;
    void read_interface(InterfaceFacts& interface) const;
    [[nodiscard]] bool mounted_bpffs(const std::string& path) const;
    [[nodiscard]] std::vector<QueueIrq> queue_irqs(const std::string& interface) const;

    Tree tree_;
};

// Fills in what no file tells; needs root for some of it and says what it could not learn.
void ask_kernel(KernelFacts& kernel, std::vector<std::string>& not_looked_at);
void ask_interface(InterfaceFacts& interface, std::vector<std::string>& not_looked_at);

}  // namespace gabion::host
