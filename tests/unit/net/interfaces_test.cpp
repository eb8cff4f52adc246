// SPDX-License-Identifier: Apache-2.0
// The private pair, its filters and the offloads, on real interfaces in a namespace of their own.
#include <fcntl.h>
#include <linux/bpf.h>

#include <array>
#include <string>

#include <bpf/bpf.h>
#include <gtest/gtest.h>

#include "dataplane/core/fd.h"
#include "dataplane/net/egress_hook.h"
#include "dataplane/net/hand_back.h"
#include "dataplane/net/link.h"
#include "dataplane/net/offload.h"
#include "dataplane/net/traffic_control.h"
#include "tests/unit/net/in_namespace.h"

namespace gabion::net {
namespace {

// A classifier that returns a constant.
UniqueFd constant_program(int value) {
    const std::array<bpf_insn, 2> code{
        {{BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, value}, {BPF_JMP | BPF_EXIT, 0, 0, 0, 0}}};
    return UniqueFd(::bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "constant", "GPL", code.data(), code.size(), nullptr));
}

std::string sysctl(const std::string& path) {
    UniqueFd file(::open(("/proc/sys/net/" + path).c_str(), O_RDONLY));
    char byte = '?';
    return file && ::read(file.get(), &byte, 1) == 1 ? std::string(1, byte) : "?";
}

bool feature_active(const std::string& interface, std::string_view name) {
    const auto all = features(interface);
    if (!all) return false;
    for (const auto& feature : *all) {
        if (feature.name == name) return feature.active;
    }
    return false;
}

TEST(VethPair, IsSilentAndHasTheQueuesAndAddressAskedFor) {
    in_namespace([] {
        const MacAddress mac{2, 1, 2, 3, 4, 5};
        auto pair = VethPair::create("gbt0", "gbt1", 3, 4096, mac);
        ASSERT_TRUE(pair) << pair.error().text;
        ASSERT_TRUE(pair->set_up(true));
        const auto near = link_by_name("gbt0");
        const auto far = link_by_name("gbt1");
        ASSERT_TRUE(near && far);
        EXPECT_EQ(far->mac, mac);
        EXPECT_EQ(far->mtu, 4096u);
        EXPECT_EQ(rx_queue_count(*far), 3u);
        EXPECT_EQ(rx_queue_count(*near), 3u);
        EXPECT_TRUE(near->up && far->up && far->carrier);
        EXPECT_EQ(far->kind, "veth");
        EXPECT_EQ(near->lower, far->index);
        EXPECT_EQ(sysctl("ipv6/conf/gbt0/disable_ipv6"), "1");
        EXPECT_EQ(sysctl("ipv6/conf/gbt1/disable_ipv6"), "1");
        EXPECT_TRUE(feature_active("gbt1", "rx-gro")) << "no receive ring of its own otherwise";
        EXPECT_FALSE(feature_active("gbt0", "tx-tcp-segmentation"));
        EXPECT_TRUE(pair->set_far_mac({2, 0, 0, 0, 0, 8}));
        EXPECT_EQ(link_by_name("gbt1")->mac, (MacAddress{2, 0, 0, 0, 0, 8}));
        const VethPair moved = std::move(*pair);
        EXPECT_TRUE(link_by_name("gbt0")) << "moving is not deleting";
    });
}

TEST(VethPair, OneLeftBehindIsReplacedAndAnotherInterfaceIsNot) {
    in_namespace([] {
        auto first = VethPair::create("gbt0", "gbt1", 1, 2048, {2, 0, 0, 0, 0, 1});
        ASSERT_TRUE(first);
        const auto old_index = first->near_index();
        auto second = VethPair::create("gbt0", "gbt1", 2, 2048, {2, 0, 0, 0, 0, 1});
        ASSERT_TRUE(second) << second.error().text;
        EXPECT_NE(second->near_index(), old_index);
        auto refused = VethPair::create("lo", "gbt9", 1, 2048, {2, 0, 0, 0, 0, 1});
        ASSERT_FALSE(refused);
        EXPECT_NE(refused.error().text.find("lo"), std::string::npos);
    });
}

TEST(Link, MissingOneIsAnErrorThatNamesIt) {
    const auto missing = link_by_name("gbt-none");
    ASSERT_FALSE(missing);
    EXPECT_NE(missing.error().text.find("gbt-none"), std::string::npos);
    EXPECT_FALSE(link_by_name("a-name-longer-than-15"));
    EXPECT_FALSE(link_by_name(""));
    EXPECT_FALSE(link_by_index(0x7ffffff0));
    EXPECT_TRUE(link_by_name("lo"));
}

TEST(HandBack, FiltersStandOnTheFarEndAndEverythingGoesWithIt) {
    in_namespace([] {
        auto prot = VethPair::create("gbt0", "gbt1", 1, 1500, {2, 0, 0, 0, 0, 1});
        ASSERT_TRUE(prot);
        auto link = link_by_name("gbt0");
        ASSERT_TRUE(link);
        const UniqueFd match = constant_program(-1);
        const UniqueFd drop = constant_program(2);
        if (!match) GTEST_SKIP() << "cannot load BPF programs";
        const std::string near = HandBack::near_name(link->index);
        {
            auto hand_back = HandBack::open(*link, 2, 2048, {match.get(), drop.get()}, {link->index, Hook::ingress});
            ASSERT_TRUE(hand_back) << hand_back.error().text;
            EXPECT_EQ(hand_back->interface(), near);
            const auto present = filters(hand_back->arrival_index(), Hook::ingress);
            ASSERT_TRUE(present);
            ASSERT_EQ(present->size(), 2u);
            EXPECT_EQ((*present)[0].name, "gabion-handback");
            EXPECT_EQ((*present)[1].name, "gabion-foreign");
            EXPECT_EQ(link_by_index(hand_back->arrival_index())->mac, link->mac);
            link->mac = {2, 0, 0, 0, 0, 99};
            EXPECT_TRUE(hand_back->follow(*link));
            EXPECT_EQ(link_by_index(hand_back->arrival_index())->mac, link->mac);
        }
        EXPECT_FALSE(link_by_name(near));
    });
}

TEST(EgressHook, TakesOnlyItsOwnFilterAwayAndClsactOnlyWhenItMadeIt) {
    in_namespace([] {
        auto pair = VethPair::create("gbt0", "gbt1", 1, 1500, {2, 0, 0, 0, 0, 1});
        ASSERT_TRUE(pair);
        const std::uint32_t link = pair->near_index();
        const UniqueFd program = constant_program(-1);
        if (!program) GTEST_SKIP() << "cannot load BPF programs";

        auto made = attach_egress(link, program.get());
        ASSERT_TRUE(made) << made.error().text;
        EXPECT_TRUE(*made);
        auto again = attach_egress(link, program.get());
        ASSERT_TRUE(again) << again.error().text;
        EXPECT_FALSE(*again);
        EXPECT_EQ(filters(link, Hook::egress)->size(), 1u) << "ours is replaced, not doubled";

        const Filter theirs{Hook::egress, 1, 1, "somebody"};
        ASSERT_TRUE(attach_direct_action(link, theirs, program.get()));
        ASSERT_TRUE(detach_egress(link, true));
        const auto left = filters(link, Hook::egress);
        ASSERT_EQ(left->size(), 1u);
        EXPECT_EQ(left->front().name, "somebody");
        EXPECT_FALSE(*add_clsact(link)) << "clsact stays while somebody uses it";

        ASSERT_TRUE(*detach(link, theirs));
        ASSERT_TRUE(detach_egress(link, true)) << "nothing of ours there is not an error";
        EXPECT_TRUE(*add_clsact(link)) << "it was gone";
        ASSERT_TRUE(attach_egress(link, program.get()));
        ASSERT_TRUE(detach_egress(link, false));
        EXPECT_FALSE(*add_clsact(link)) << "not made by us, so left there";
    });
}

TEST(EgressHook, AnotherProgramInOurPlaceIsNotTouched) {
    in_namespace([] {
        auto pair = VethPair::create("gbt0", "gbt1", 1, 1500, {2, 0, 0, 0, 0, 1});
        ASSERT_TRUE(pair);
        const UniqueFd program = constant_program(-1);
        if (!program) GTEST_SKIP() << "cannot load BPF programs";
        ASSERT_TRUE(add_clsact(pair->near_index()));
        const Filter squatter{Hook::egress, 1, filter_handle, "somebody"};
        ASSERT_TRUE(attach_direct_action(pair->near_index(), squatter, program.get()));
        EXPECT_FALSE(attach_egress(pair->near_index(), program.get()));
        ASSERT_TRUE(detach_egress(pair->near_index(), true));
        EXPECT_EQ(filters(pair->near_index(), Hook::egress)->front().name, "somebody");
    });
}

TEST(Offloads, TagStrippingIsSwitchedOffRememberedAndRestored) {
    in_namespace([] {
        auto pair = VethPair::create("gbt0", "gbt1", 1, 1500, {2, 0, 0, 0, 0, 1});
        ASSERT_TRUE(pair);
        const auto link = link_by_name("gbt0");
        ASSERT_TRUE(link);
        if (!feature_active("gbt0", "rx-vlan-hw-parse")) GTEST_SKIP() << "this kernel's veth strips no tags";
        const auto before = prepare_offloads(*link);
        ASSERT_TRUE(before) << before.error().text;
        EXPECT_FALSE(before->switched_off.empty());
        EXPECT_FALSE(feature_active("gbt0", "rx-vlan-hw-parse"));
        EXPECT_TRUE(prepare_offloads(*link)->switched_off.empty()) << "nothing more to switch";
        ASSERT_TRUE(restore_offloads(*link, *before));
        EXPECT_TRUE(feature_active("gbt0", "rx-vlan-hw-parse"));
        const auto obstacle = handover_obstacle(*link);
        ASSERT_TRUE(obstacle);
        EXPECT_FALSE(*obstacle) << "no VLAN device stands on it";
    });
}

}  // namespace
}  // namespace gabion::net
