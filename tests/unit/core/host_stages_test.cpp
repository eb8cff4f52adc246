// SPDX-License-Identifier: Apache-2.0
#include "dataplane/core/host_stages.h"

#include <string_view>

#include <gtest/gtest.h>

#include "bpf/abi/cpu.h"
#include "dataplane/core/host_pipeline.h"
#include "tests/support/packet.h"

namespace gabion {
namespace {

HostStages on(HostPipeline& tables) {
    auto stages = HostStages::on([&](const char* name) { return static_cast<void*>(tables.memory(name).data()); });
    EXPECT_TRUE(stages);
    stages->settings() = tables.settings();
    return std::move(*stages);
}

TEST(HostStages, NeedEveryTableButTheSockets) {
    HostPipeline tables;
    const auto without = [&](std::string_view missing) {
        return HostStages::on([&](const char* name) {
            return name == missing ? nullptr : static_cast<void*>(tables.memory(name).data());
        });
    };
    for (const char* name : {"control", "op_e4", "det_p6_hits", "quar_e6_state", "prefix_map6", "flows", "syn_first"}) {
        const auto stages = without(name);
        ASSERT_FALSE(stages) << name;
        EXPECT_NE(stages.error().text.find(name), std::string::npos) << stages.error().text;
    }
    EXPECT_TRUE(without("sockets"));
}

TEST(HostStages, OnAnothersMemoryDecideAndCountAsItDoes) {
    HostPipeline tables;
    HostStages stages = on(tables);
    gabion_cpu cpu{};
    const auto frame = (test::Ethernet{} / test::IPv4{.source = "31.0.0.1"} / test::UDP{} / test::Payload{10}).bytes();
    const auto truncated = (test::Ethernet{} / test::IPv4{} / test::UDP{}).cut(20);
    for (const auto& bytes : {frame, truncated}) {
        const HostVerdict one = stages.run(bytes, cpu, 0, 1000);
        const HostVerdict other = tables.run(bytes, 0, 1000);
        EXPECT_EQ(one.reason, other.reason);
        EXPECT_EQ(one.action, other.action);
    }
    EXPECT_EQ(cpu.received.packets, 2u);
    EXPECT_EQ(cpu.received.packets, tables.cpu().received.packets);
}

TEST(HostStages, HoldControlFramesOfALinkWhereAsked) {
    HostPipeline tables;
    HostStages stages = on(tables);
    gabion_cpu cpu{};
    const auto lldp =
        (test::Ethernet{.destination = {0x01, 0x80, 0xc2, 0, 0, 0x0e}, .type = 0x88cc} / test::Payload{46}).bytes();
    EXPECT_EQ(stages.run_inside(lldp, cpu, 1000).action, GABION_ACTION_FORWARD);
    stages.inside_settings().features = GABION_FEATURE_LINK_CONTROL;
    EXPECT_EQ(stages.run_inside(lldp, cpu, 1000).reason, GABION_REASON_LINK_CONTROL);
    EXPECT_EQ(stages.run_inside(lldp, cpu, 1000).action, GABION_ACTION_DROP);
    EXPECT_EQ(cpu.received.packets, 3u);
}

}  // namespace
}  // namespace gabion
