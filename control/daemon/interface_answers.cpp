// SPDX-License-Identifier: Apache-2.0
// What an interface needs so that SYNs can be answered on it, and whether the answers get out.
#include "control/daemon/protected_interface.h"
#include "dataplane/net/egress_hook.h"

namespace gabion::daemon {

void ProtectedInterface::attach_cookies(const net::Link& link) {
    cookie_obstacle_.clear();
    cookie_doubt_.clear();
    watch_answers(link);
    if (link.kind == "veth" && attached_ == map::AttachMode::native)
        cookie_doubt_ = "a veth loses what XDP sends back unless its other end has an XDP program too";
    if (stage_->syn_fd() < 0) {
        cookie_obstacle_ = "the kernel lacks bpf_sk_assign_tcp_reqsk (Linux 6.9)";
        return;
    }
    const auto made = net::attach_ingress(link.index, stage_->syn_fd());
    if (!made)
        cookie_obstacle_ = made.error().text;
    else
        note_clsact(*made);
}

// Without it (a kernel that does not tell its types) lost answers stay unnoticed, as do those that a driver drops without a word.
void ProtectedInterface::watch_answers(const net::Link& link) {
    answers_ = {};
    transmits_.reset();
    if (auto watch = map::TransmitWatch::open(link.index)) transmits_.emplace(std::move(*watch));
}

void ProtectedInterface::judge_answers() {
    if (!present_ || !transmits_) return;
    const std::uint64_t answered = counter::sum(cpus()).answered.packets;
    if (answers_.look(answered, transmits_->lost()))
        surroundings_.tell("answers-lost", settings_.name + ": " + answers_.obstacle());
}

}  // namespace gabion::daemon
