// SPDX-License-Identifier: Apache-2.0
// The checks of how an interface is attached, what it is set to and what stands on it.
#include "tests/unit/host/checks_fixture.h"

namespace gabion::host {
namespace {

TEST_F(Checks, AnInterfaceThatIsNotThereOrDown) {
    eth0().link->up = false;
    EXPECT_EQ(only("interface").rank, Rank::critical);
    eth0().link.reset();
    const auto finding = only("interface");
    EXPECT_NE(finding.what.find("no interface eth0"), std::string::npos);
}

TEST_F(Checks, DriversWithoutNativeXdp) {
    eth0().xdp = net::XdpFeatures{false, false, true};
    EXPECT_EQ(only("native-xdp").rank, Rank::slow);
    eth0().link->kind = "vlan";
    EXPECT_NE(only("native-xdp").steps.at(0).find("ports below"), std::string::npos);
    eth0().xdp.reset();
    EXPECT_EQ(only("native-xdp").rank, Rank::note) << "not known is not missing";
    eth0().xdp = net::XdpFeatures{true, false, true};
    EXPECT_EQ(only("zero-copy").rank, Rank::note);
}

TEST_F(Checks, GenericThoughNativeWouldDo) {
    eth0().program = XdpProgram{7, "gabion", true};
    only("generic-in-use");
    eth0().program->generic = false;
    EXPECT_TRUE(none());
    eth0().attach = "generic";
    EXPECT_NE(only("generic-in-use").what.find("configuration"), std::string::npos);
    eth0().xdp = net::XdpFeatures{false, false, true};
    EXPECT_TRUE(none()) << "it is the only way, and it was asked for";
}

TEST_F(Checks, AnotherProgramIsNamed) {
    eth0().program = XdpProgram{7, "xdp_pass", false};
    const auto finding = only("foreign-program");
    EXPECT_EQ(finding.rank, Rank::critical);
    EXPECT_NE(finding.what.find("xdp_pass (id 7)"), std::string::npos);
    EXPECT_EQ(finding.steps.at(0), "ip link set dev eth0 xdp off");
    eth0().program->generic = true;
    EXPECT_EQ(only("foreign-program").steps.at(0), "ip link set dev eth0 xdpgeneric off")
        << "the other would be in vain";
    eth0().program->generic = false;
    eth0().program->name.reset();
    EXPECT_TRUE(none()) << "whose it is was not looked at";
}

TEST_F(Checks, OthersFiltersAreANote) {
    eth0().foreign_filters = {"cilium (ingress)"};
    EXPECT_EQ(only("foreign-filters").rank, Rank::note);
}

TEST_F(Checks, OffloadsThatHarmTheHandover) {
    eth0().features = {
        {"rx-lro", true, true}, {"rx-gro-hw", true, false}, {"rx-gro", true, true}, {"rx-vlan-hw-parse", false, true}};
    auto finding = only("offloads");
    EXPECT_EQ(finding.rank, Rank::slow) << "gabiond will do it";
    ASSERT_EQ(finding.settings.size(), 1u)
        << "the stack's own GRO is harmless, and what cannot be changed is not tried";
    EXPECT_EQ(command_of(finding.settings[0]), "ethtool -K eth0 rx-lro off");
    ASSERT_EQ(finding.steps.size(), 1u);
    EXPECT_NE(finding.steps[0].find("rx-gro-hw"), std::string::npos);
    eth0().program = XdpProgram{7, "gabion", false};
    EXPECT_EQ(only("offloads").rank, Rank::loss) << "gabiond should have";
}

TEST_F(Checks, VlanDevicesWhoseTagsAreStripped) {
    eth0().handover_obstacle = "VLAN device eth0.5 stands on eth0";
    EXPECT_EQ(only("vlan-tags").rank, Rank::loss);
    eth0().features = {{"rx-vlan-hw-parse", true, true}};
    EXPECT_EQ(only("offloads").settings.size(), 1u) << "what can be switched off is no obstacle";
    eth0().link->kind = "veth";
    EXPECT_EQ(examine(facts).size(), 2u) << "on a veth it does not help";
}

TEST_F(Checks, FramesThatDoNotFitAChunk) {
    eth0().link->mtu = 9000;
    EXPECT_EQ(only("mtu").rank, Rank::loss);
    eth0().link->mtu = 3818;
    EXPECT_TRUE(none()) << "with header and two tags just what 4096 bytes less the headroom hold";
    eth0().link->mtu = 3819;
    only("mtu");
}

TEST_F(Checks, PortsOfABondThatNobodyProtects) {
    eth0().master = MasterFacts{"bond0", "bond", {"eth1"}};
    const auto finding = only("bond-ports");
    EXPECT_EQ(finding.rank, Rank::critical);
    EXPECT_NE(finding.steps.at(0).find("\"eth1\""), std::string::npos);
    facts.wanted.interfaces.push_back({"eth1", "auto"});
    EXPECT_TRUE(none());
    eth0().master = MasterFacts{"br0", "bridge", {"tap0"}};
    EXPECT_TRUE(none()) << "a bridge's other ports lead elsewhere";
}

TEST_F(Checks, StrictReversePathOnlyWhereRoutesDiffer) {
    EXPECT_TRUE(none()) << "strict, and answers leave where questions came from";
    facts.default_routes = {"eth0", "eth1"};
    const auto finding = only("rp-filter");
    EXPECT_EQ(finding.rank, Rank::loss);
    ASSERT_EQ(finding.settings.size(), 1u);
    EXPECT_EQ(command_of(finding.settings[0]), "echo 2 >/proc/sys/net/ipv4/conf/eth0/rp_filter");
    facts.reverse_path_drops = 0;
    EXPECT_EQ(only("rp-filter").rank, Rank::note) << "it dropped nothing so far";
    facts.reverse_path_drops = 17;
    facts.default_routes = {"eth1"};
    EXPECT_TRUE(only("rp-filter").settings.empty()) << "an inner port: loosening it may be wrong";
    for (const unsigned harmless : {0u, 2u}) {
        eth0().rp_filter = harmless;
        EXPECT_TRUE(none());
    }
}

}  // namespace
}  // namespace gabion::host
