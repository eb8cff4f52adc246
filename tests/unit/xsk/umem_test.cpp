// SPDX-License-Identifier: Apache-2.0
#include "dataplane/xsk/umem.h"

#include <gtest/gtest.h>

#include "dataplane/xsk/socket.h"

namespace gabion::xsk {
namespace {

static_assert(std::is_nothrow_move_constructible_v<Umem> && std::is_nothrow_move_assignable_v<Umem>);
static_assert(std::is_nothrow_move_constructible_v<Socket> && std::is_nothrow_move_assignable_v<Socket>);
static_assert(!std::is_copy_constructible_v<Socket>);

TEST(Umem, ChunkFitsTheLongestFrameOfTheLinkWithItsHeadroom) {
    for (std::uint32_t mtu = 68; mtu <= 9000; ++mtu) {
        const std::uint32_t chunk = chunk_bytes_for(mtu);
        const std::uint32_t longest = frame_bytes_max_for(mtu);
        EXPECT_TRUE(chunk == 2048 || chunk == 4096);
        EXPECT_LE(longest + headroom_bytes, chunk);
        EXPECT_LE(longest, mtu + 22);
        if (chunk == 2048) {
            EXPECT_EQ(longest, mtu + 22);
        }
    }
    EXPECT_EQ(chunk_bytes_for(1500), 2048u);
    EXPECT_EQ(chunk_bytes_for(1770), 2048u);
    EXPECT_EQ(chunk_bytes_for(1771), 4096u);
    EXPECT_EQ(frame_bytes_max_for(9000), 4096u - 256u);
}

TEST(Umem, FramesAreChunksOfOneMemory) {
    auto umem = Umem::create(2048, 16);
    ASSERT_TRUE(umem);
    EXPECT_EQ(umem->bytes(), 32768u);
    EXPECT_EQ(umem->address_of(3), 6144u);
    auto frame = umem->frame(umem->address_of(15) + headroom_bytes, 1500);
    EXPECT_EQ(frame.size(), 1500u);
    frame[1499] = 7;
    EXPECT_EQ(static_cast<std::uint8_t*>(umem->area())[15 * 2048 + 256 + 1499], 7);
    const Umem moved = std::move(*umem);
    EXPECT_EQ(moved.chunks(), 16u);
}

TEST(Umem, OddChunksAreRefusedWithASentence) {
    for (const std::uint32_t bytes : {0u, 1024u, 3000u, 8192u}) {
        auto umem = Umem::create(bytes, 16);
        ASSERT_FALSE(umem);
        EXPECT_NE(umem.error().text.find("2048 or 4096"), std::string::npos);
    }
}

TEST(Socket, OnAnInterfaceThatIsNotThereSaysSo) {
    auto umem = Umem::create(2048, 64);
    ASSERT_TRUE(umem);
    auto socket = Socket::receive("gbn-nowhere", 0, std::make_shared<Umem>(std::move(*umem)), 64, 32);
    ASSERT_FALSE(socket);
    EXPECT_FALSE(socket.error().text.empty());
}

}  // namespace
}  // namespace gabion::xsk
