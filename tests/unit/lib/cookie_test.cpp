// SPDX-License-Identifier: Apache-2.0
// SYN cookies: SipHash against its authors' vectors; what a cookie tells comes back, and nothing else is believed.
#include "bpf/lib/cookie.h"

#include <array>
#include <cstring>
#include <random>

#include <gtest/gtest.h>

namespace gabion::test {
namespace {

TEST(SipHash, GivesItsAuthorsVectors) {
    // Appendix A of the paper and vectors.h of its reference implementation: key and message are 0, 1, 2, ...
    const std::array<__u64, 2> key = {0x0706050403020100u, 0x0f0e0d0c0b0a0908u};
    gabion_siphash none = gabion_sip_begin(key.data());
    EXPECT_EQ(gabion_sip_finish(&none, 0), 0x726fdb47dd0e0e31u);
    gabion_siphash eight = gabion_sip_begin(key.data());
    gabion_sip_word(&eight, key[0]);
    EXPECT_EQ(gabion_sip_finish(&eight, 8ull << 56), 0x93f5f5799a932462u);
    gabion_siphash fifteen = gabion_sip_begin(key.data());
    gabion_sip_word(&fifteen, key[0]);
    EXPECT_EQ(gabion_sip_finish(&fifteen, 15ull << 56 | 0x0e0d0c0b0a0908u), 0xa129ca6149be45e5u);
}

class Cookie : public ::testing::Test {
protected:
    Cookie() {
        syn_.key[0] = 0x0123456789abcdefu;
        syn_.key[1] = 0xfedcba9876543210u;
        syn_.slot_shift = 13;
        for (const std::uint8_t version : {std::uint8_t{4}, std::uint8_t{6}}) {
            gabion_packet packet{};
            packet.ip_version = version;
            for (int word = 0; word < (version == 4 ? 1 : 4); word++) {
                packet.source.word[word] = static_cast<__u32>(random_());
                packet.destination.word[word] = static_cast<__u32>(random_());
            }
            packet.source_port = 40000;
            packet.destination_port = 443;
            packet.sequence = 0xfffffffeu;
            packets_[version == 6] = packet;
        }
    }

    // The peer's packet that acknowledges the cookie; `carried` bytes of its data went before.
    static gabion_packet acknowledges(gabion_packet packet, std::uint32_t cookie) {
        packet.sequence += 1;
        packet.acknowledgment = cookie + 1;
        return packet;
    }

    std::mt19937_64 random_{7};
    gabion_syn_control syn_{};
    std::array<gabion_packet, 2> packets_{};
    std::uint32_t now_ = 5'000'000;
};

TEST_F(Cookie, IsBelievedWithAllThatItTells) {
    for (const gabion_packet& packet : packets_) {
        for (std::uint32_t data = 0; data < 256; data++) {
            const std::uint32_t cookie = gabion_cookie_make(&syn_, &packet, data, now_);
            EXPECT_EQ(cookie & GABION_COOKIE_DATA, data);
            const gabion_packet ack = acknowledges(packet, cookie);
            EXPECT_TRUE(gabion_cookie_holds(&syn_, &ack, now_));
        }
    }
}

TEST_F(Cookie, OfAnotherConnectionIsForged) {
    for (const gabion_packet& packet : packets_) {
        const gabion_packet ack = acknowledges(packet, gabion_cookie_make(&syn_, &packet, 0x9b, now_));
        gabion_packet other = ack;
        other.source_port ^= 1;
        EXPECT_FALSE(gabion_cookie_holds(&syn_, &other, now_));
        other = ack;
        other.destination_port ^= 1;
        EXPECT_FALSE(gabion_cookie_holds(&syn_, &other, now_));
        other = ack;
        other.sequence += 1;
        EXPECT_FALSE(gabion_cookie_holds(&syn_, &other, now_));
        for (int word = 0; word < (packet.ip_version == 4 ? 1 : 4); word++) {
            other = ack;
            other.source.word[word] ^= 0x01000000;
            EXPECT_FALSE(gabion_cookie_holds(&syn_, &other, now_)) << word;
            other = ack;
            other.destination.word[word] ^= 0x01000000;
            EXPECT_FALSE(gabion_cookie_holds(&syn_, &other, now_)) << word;
        }
    }
}

TEST_F(Cookie, WithAnyBitChangedIsForged) {
    for (const gabion_packet& packet : packets_) {
        const std::uint32_t cookie = gabion_cookie_make(&syn_, &packet, 0x9b, now_);
        for (int bit = 0; bit < 32; bit++) {
            const gabion_packet ack = acknowledges(packet, cookie ^ 1u << bit);
            EXPECT_FALSE(gabion_cookie_holds(&syn_, &ack, now_)) << bit;
        }
    }
}

TEST_F(Cookie, AgesInTheSecondSlot) {
    const std::uint32_t slot = 1u << syn_.slot_shift, start = 612 * slot;
    const gabion_packet ack = acknowledges(packets_[0], gabion_cookie_make(&syn_, packets_.data(), 1, start + 100));
    EXPECT_TRUE(gabion_cookie_holds(&syn_, &ack, start + 2 * slot - 1));
    EXPECT_FALSE(gabion_cookie_holds(&syn_, &ack, start + 2 * slot));
    EXPECT_FALSE(gabion_cookie_holds(&syn_, &ack, start + 3 * slot));
    EXPECT_FALSE(gabion_cookie_holds(&syn_, &ack, start + 4 * slot)) << "the slot's bit is the same again";
}

TEST_F(Cookie, OfAnotherKeyIsForged) {
    const gabion_packet ack = acknowledges(packets_[1], gabion_cookie_make(&syn_, &packets_[1], 1, now_));
    syn_.key[1] ^= 1;
    EXPECT_FALSE(gabion_cookie_holds(&syn_, &ack, now_));
}

TEST_F(Cookie, GuessesAreRightOnceInEightMillion) {
    int right = 0;
    gabion_packet packet = packets_[0];
    for (int guess = 0; guess < 4'000'000; guess++) {
        packet.acknowledgment = static_cast<__u32>(random_());
        right += gabion_cookie_holds(&syn_, &packet, now_);
    }
    EXPECT_LE(right, 5);  // half a one expected; six or more have a chance of 1 in 70,000
}

TEST(CookieMss, TakesTheNextLowerOne) {
    EXPECT_EQ(gabion_cookie_mss_index(4, 535), 4u);
    EXPECT_EQ(gabion_cookie_mss_index(6, 1219), 4u);
    for (const std::uint32_t version : {4u, 6u}) {
        for (std::uint32_t mss = version == 4 ? 536 : 1220; mss < 65536; mss++) {
            const std::uint32_t told = gabion_cookie_mss(version, gabion_cookie_mss_index(version, mss));
            ASSERT_LE(told, mss);
            ASSERT_EQ(gabion_cookie_mss_index(version, told), gabion_cookie_mss_index(version, mss));
        }
    }
}

gabion_tcp_options options_of(std::vector<std::uint8_t> bytes) {
    std::array<__u8, GABION_TCP_COPY_BYTES> copy{};
    std::copy(bytes.begin(), bytes.end(), copy.begin());
    gabion_tcp_options options{};
    gabion_tcp_options_read(copy.data(), bytes.size(), &options);
    return options;
}

TEST(TcpOptions, AreReadAsTheKernelReadsThem) {
    const gabion_tcp_options usual = options_of({2, 4, 5, 180, 4, 2, 8, 10, 1, 2, 3, 4, 0, 0, 0, 9, 1, 3, 3, 7});
    EXPECT_EQ(usual.mss, 1460u);
    EXPECT_EQ(usual.scale, 7u);
    EXPECT_EQ(usual.value, 0x01020304u);
    EXPECT_EQ(usual.echo, 9u);
    EXPECT_EQ(usual.saw, GABION_TCP_SAW_SACK | GABION_TCP_SAW_TIMESTAMPS);
    EXPECT_EQ(options_of({3, 3, 200}).scale, 14u);
    EXPECT_EQ(options_of({1, 1, 1, 0, 3, 3, 7}).scale, 15u) << "nothing counts behind the end";
    EXPECT_EQ(options_of({2, 3, 5, 3, 3, 7}).mss, 0u) << "an MSS of a wrong length";
    EXPECT_EQ(options_of({2, 3, 5, 3, 3, 7}).scale, 7u);
    EXPECT_EQ(options_of({9, 0, 3, 3, 7}).scale, 15u) << "a length below two ends it";
    EXPECT_EQ(options_of({9, 40, 3, 3, 7}).scale, 15u) << "so does one beyond the header";
    EXPECT_EQ(options_of({2, 4, 5}).mss, 0u) << "cut short";
    EXPECT_EQ(options_of({19, 18, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}).saw,
              GABION_TCP_SAW_SIGNATURE);
    EXPECT_EQ(options_of(std::vector<std::uint8_t>(40, 1)).saw, 0u);
    EXPECT_EQ(options_of({1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 3, 3, 9}).scale, 9u);
}

}  // namespace
}  // namespace gabion::test
