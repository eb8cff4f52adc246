// SPDX-License-Identifier: Apache-2.0
#include "dataplane/map/map_group.h"

#include <stdlib.h>
#include <sys/mount.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "bpf/abi/control.h"
#include "bpf/abi/table.h"
#include "dataplane/map/shared_maps.h"

namespace gabion::map {
namespace {

// A BPF file system of the test's own.
class MapGroupTest : public ::testing::Test {
protected:
    void SetUp() override {
        if (::geteuid() != 0) GTEST_SKIP() << "needs root";
        ASSERT_NE(::mkdtemp(directory_), nullptr);
        ASSERT_EQ(::mount("bpf", directory_, "bpf", 0, nullptr), 0);
        mounted_ = true;
    }
    void TearDown() override {
        if (mounted_) ::umount(directory_);
        ::rmdir(directory_);
    }

    char directory_[32] = "/tmp/gbn-map-XXXXXX";
    bool mounted_ = false;
};

TEST_F(MapGroupTest, KeepsWhatIsPinnedAndRemakesAnotherShape) {
    const auto pins = PinDirectory::open(std::string(directory_) + "/pin");
    ASSERT_TRUE(pins) << pins.error().text;
    {
        auto first = MapGroup::open(*pins, {{.name = "t", .value_bytes = 64, .entries = 128}});
        ASSERT_TRUE(first) << first.error().text;
        EXPECT_EQ(first->made().size(), 1u);
        first->values<gabion_bucket4>("t")[127].key[0] = 7;
    }
    {
        auto again = MapGroup::open(*pins, {{.name = "t", .value_bytes = 64, .entries = 128}});
        ASSERT_TRUE(again) << again.error().text;
        EXPECT_TRUE(again->made().empty());
        EXPECT_EQ(again->values<gabion_bucket4>("t")[127].key[0], 7u);
    }
    auto larger = MapGroup::open(*pins, {{.name = "t", .value_bytes = 64, .entries = 256}});
    ASSERT_TRUE(larger) << larger.error().text;
    EXPECT_EQ(larger->made().size(), 1u);
    EXPECT_EQ(larger->values<gabion_bucket4>("t")[127].key[0], 0u);
    EXPECT_EQ(larger->values<gabion_bucket4>("t").size(), 256u);
}

TEST_F(MapGroupTest, EveryMapOfTheProductCanBeMade) {
    const auto pins = PinDirectory::open(std::string(directory_) + "/pin");
    ASSERT_TRUE(pins) << pins.error().text;
    auto shared = MapGroup::open(*pins, shared_maps({}));
    ASSERT_TRUE(shared) << shared.error().text;
    EXPECT_EQ(shared->values<gabion_control>("control").size(), 1u);
    EXPECT_GE(shared->values<gabion_bucket4>("op_e4").size(), 262144u);
    const auto of_interface = pins->subdirectory("eth0.100");
    ASSERT_TRUE(of_interface) << of_interface.error().text;
    auto own = MapGroup::open(*of_interface, interface_maps(2, 4));
    ASSERT_TRUE(own) << own.error().text;
    EXPECT_GE(own->fd("xsks"), 0);
}

TEST_F(MapGroupTest, OnlyOneHoldsADirectory) {
    const auto pins = PinDirectory::open(std::string(directory_) + "/pin");
    ASSERT_TRUE(pins) << pins.error().text;
    {
        const auto held = pins->lock();
        ASSERT_TRUE(held) << held.error().text;
        const auto second = pins->lock();
        ASSERT_FALSE(second);
        EXPECT_NE(second.error().text.find("another gabiond"), std::string::npos);
    }
    EXPECT_TRUE(pins->lock());
}

TEST(PinDirectory, ARelativePathIsRefused) {
    const auto pins = PinDirectory::open("pin");
    ASSERT_FALSE(pins);
    EXPECT_NE(pins.error().text.find("absolute"), std::string::npos);
}

}  // namespace
}  // namespace gabion::map
