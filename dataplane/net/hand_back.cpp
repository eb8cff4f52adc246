// SPDX-License-Identifier: Apache-2.0
#include "dataplane/net/hand_back.h"

#include "dataplane/net/traffic_control.h"

namespace gabion::net {

Result<HandBack> HandBack::open(const Link& protected_link, std::uint32_t queues, std::uint32_t mtu,
                                const HandBackPrograms& programs, const Redirect& onwards) {
    const std::string near = near_name(protected_link.index);
    const std::string far = far_name(protected_link.index);
    auto pair = VethPair::create(near, far, queues, mtu, protected_link.mac);
    if (!pair) return pair.error();
    const std::uint32_t arrival = pair->far_index();
    if (auto added = add_clsact(arrival); !added) return added.error();
    HandBack hand_back(std::move(*pair), protected_link.mac, onwards);
    if (auto done = hand_back.use(programs); !done) return done.error();
    if (auto done = hand_back.set_up(true); !done) return done.error();
    return hand_back;
}

void HandBack::remove(const Link& protected_link) {
    const auto near = link_by_name(near_name(protected_link.index));
    if (near && near->kind == "veth") (void)delete_link(near->index);
}

Result<void> HandBack::use(const HandBackPrograms& programs) {
    const Filter ours{Hook::ingress, 1, filter_handle, "gabion-handback"};
    const Filter foreign{Hook::ingress, 2, filter_handle, "gabion-foreign"};
    const std::uint32_t arrival = arrival_index();
    if (auto done = attach_redirect(arrival, ours, programs.handback_fd, onwards_); !done) return done;
    return attach_direct_action(arrival, foreign, programs.foreign_fd);
}

Result<void> HandBack::follow(const Link& protected_link) {
    if (protected_link.mac == mac_) return {};
    if (auto done = pair_.set_far_mac(protected_link.mac); !done) return done.error();
    mac_ = protected_link.mac;
    return {};
}

}  // namespace gabion::net
