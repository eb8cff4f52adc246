// SPDX-License-Identifier: Apache-2.0
// Facts of a host where nothing is missing; a test makes one fault and sees who finds it.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "control/host/check.h"
#include "control/host/reader.h"
#include "tests/unit/host/host_tree.h"

namespace gabion::host {

class Checks : public ::testing::Test {
protected:
    Checks() {
        Wanted wanted;
        wanted.interfaces = {{"eth0", "auto"}};
        wanted.worker_cpus = {4, 5, 6, 7};
        facts = Reader(Tree(tree.root())).read_files(wanted);
        facts.kernel.missing.emplace();
        facts.kernel.cookies = true;
        auto& interface = eth0();
        interface.link.emplace();
        interface.link->name = "eth0";
        interface.link->up = true;
        interface.link->mtu = 1500;
        interface.driver = "i40e";
        interface.xdp = net::XdpFeatures{true, true, true};
        interface.channels = net::Channels{0, 4, 0, 64};
        interface.ring = net::RxRing{4096, 4096};
        interface.pause_frames = false;
    }

    InterfaceFacts& eth0() { return facts.interfaces.at(0); }

    // The finding of this check; fails the test when there is none or any other.
    Finding only(std::string_view check) const {
        const auto all = examine(facts);
        EXPECT_EQ(all.size(), 1u);
        for (const auto& finding : all) {
            if (finding.check == check) {
                EXPECT_FALSE(finding.what.empty() || finding.cost.empty());
                EXPECT_FALSE(fix_of(finding).empty()) << check;
                return finding;
            }
            ADD_FAILURE() << "found " << finding.check << ": " << finding.what << ", not " << check;
        }
        return {};
    }
    bool none() const { return examine(facts).empty(); }

    HostTree tree;
    Facts facts;
};

}  // namespace gabion::host
