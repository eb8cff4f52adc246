// SPDX-License-Identifier: Apache-2.0
#include "dataplane/worker/checksum.h"

#include <cstring>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "dataplane/worker/frame.h"

namespace gabion::worker {
namespace {

using Bytes = std::vector<std::uint8_t>;

void put16(Bytes& bytes, std::size_t at, unsigned value) {
    bytes[at] = static_cast<std::uint8_t>(value >> 8);
    bytes[at + 1] = static_cast<std::uint8_t>(value);
}

unsigned get16(const Bytes& bytes, std::size_t at) { return bytes[at] * 256u + bytes[at + 1]; }

// RFC 1071 by the book: big-endian words, one after the other.
unsigned reference_sum(const Bytes& bytes, std::size_t from, std::size_t to, std::uint64_t sum) {
    for (std::size_t i = from; i < to; i += 2)
        sum += bytes[i] * 256u + (i + 1 < to ? bytes[i + 1] : 0u);
    while (sum >> 16 != 0)
        sum = (sum & 0xffff) + (sum >> 16);
    return static_cast<unsigned>(sum);
}

struct Shape {
    bool v6 = false;
    bool tcp = true;
    unsigned vlan_tags = 0;
    std::size_t payload = 0;
    std::size_t padding = 0;  // behind the IP packet, as Ethernet has it
};

struct Made {
    Bytes frame;
    std::size_t l3 = 0, l4 = 0, end = 0, field = 0;
    unsigned pseudo = 0;

    [[nodiscard]] bool valid() const { return reference_sum(frame, l4, end, pseudo) == 0xffff; }
};

Made make(const Shape& shape, std::mt19937& random) {
    Made made;
    const std::size_t l4_header = shape.tcp ? 20 : 8;
    made.l3 = 14 + 4 * shape.vlan_tags;
    made.l4 = made.l3 + (shape.v6 ? 40 : 20);
    made.end = made.l4 + l4_header + shape.payload;
    made.frame.resize(made.end + shape.padding);
    for (auto& byte : made.frame)
        byte = static_cast<std::uint8_t>(random());
    for (unsigned tag = 0; tag < shape.vlan_tags; ++tag)
        put16(made.frame, 12 + 4 * tag, tag + 1 < shape.vlan_tags ? 0x88a8 : 0x8100);
    put16(made.frame, made.l3 - 2, shape.v6 ? 0x86dd : 0x0800);
    const std::size_t segment = made.end - made.l4;
    const unsigned protocol = shape.tcp ? 6 : 17;
    if (shape.v6) {
        made.frame[made.l3] = 0x60;
        put16(made.frame, made.l3 + 4, static_cast<unsigned>(segment));
        made.frame[made.l3 + 6] = static_cast<std::uint8_t>(protocol);
        made.frame[made.l3 + 8] = 0x20;  // a unicast source and destination
        made.frame[made.l3 + 24] = 0x20;
        made.pseudo = reference_sum(made.frame, made.l3 + 8, made.l3 + 40, segment + protocol);
    } else {
        made.frame[made.l3] = 0x45;
        put16(made.frame, made.l3 + 2, static_cast<unsigned>(segment + 20));
        put16(made.frame, made.l3 + 6, 0);
        made.frame[made.l3 + 9] = static_cast<std::uint8_t>(protocol);
        made.frame[made.l3 + 12] = 192;
        made.frame[made.l3 + 16] = 198;
        put16(made.frame, made.l3 + 10, 0);
        put16(made.frame, made.l3 + 10, ~reference_sum(made.frame, made.l3, made.l3 + 20, 0) & 0xffff);
        made.pseudo = reference_sum(made.frame, made.l3 + 12, made.l3 + 20, segment + protocol);
    }
    if (shape.tcp) {
        made.frame[made.l4 + 12] = 0x50;
        made.frame[made.l4 + 13] = 0x10;
    } else {
        put16(made.frame, made.l4 + 4, static_cast<unsigned>(segment));
    }
    made.field = made.l4 + (shape.tcp ? 16 : 6);
    put16(made.frame, made.field, 0);
    return made;
}

bool complete(Made& made) {
    gabion_packet packet;
    EXPECT_TRUE(read_packet(made.frame, packet));
    EXPECT_EQ(packet.l4_offset, made.l4);
    return complete_checksum(made.frame, packet);
}

std::vector<Shape> shapes() {
    std::vector<Shape> list;
    for (const bool v6 : {false, true}) {
        for (const bool tcp : {false, true}) {
            for (unsigned tags = 0; tags <= 2; ++tags) {
                for (const std::size_t payload : {0, 1, 2, 3, 7, 8, 9, 100, 1447, 1460})
                    list.push_back({v6, tcp, tags, payload, payload < 10 ? 9u : 0u});
            }
        }
    }
    return list;
}

TEST(Checksum, BarePseudoHeaderSumIsCompleted) {
    std::mt19937 random(1);
    for (const auto& shape : shapes()) {
        Made made = make(shape, random);
        put16(made.frame, made.field, made.pseudo);
        const Bytes before = made.frame;
        EXPECT_TRUE(complete(made));
        EXPECT_TRUE(made.valid());
        for (std::size_t i = 0; i < before.size(); ++i) {
            if (i == made.field || i == made.field + 1) continue;
            ASSERT_EQ(before[i], made.frame[i]) << "byte " << i;
        }
        if (shape.tcp) continue;
        EXPECT_NE(get16(made.frame, made.field), 0u) << "0 in UDP means: no checksum";
    }
}

TEST(Checksum, ValidAndWrongOnesAreLeftAlone) {
    std::mt19937 random(2);
    for (const auto& shape : shapes()) {
        Made made = make(shape, random);
        const unsigned right = ~reference_sum(made.frame, made.l4, made.end, made.pseudo) & 0xffff;
        for (const unsigned field : {right, right ^ 1u, (made.pseudo + 1) & 0xffff, 0u}) {
            if (field == made.pseudo) continue;
            put16(made.frame, made.field, field);
            const Bytes before = made.frame;
            EXPECT_FALSE(complete(made));
            EXPECT_EQ(before, made.frame);
        }
    }
}

// The field can hold the pseudo-header's sum and be right nevertheless, namely when the rest of the segment sums to its complement.
TEST(Checksum, ValidPacketWhoseFieldEqualsThePseudoSumStaysValid) {
    std::mt19937 random(3);
    for (const auto& shape : shapes()) {
        if (shape.payload < 8) continue;
        Made made = make(shape, random);
        put16(made.frame, made.field, made.pseudo);
        const std::size_t word = made.l4 + (shape.tcp ? 20 : 8);
        put16(made.frame, word, 0);
        put16(made.frame, word, ~reference_sum(made.frame, made.l4, made.end, made.pseudo) & 0xffff);
        ASSERT_TRUE(made.valid());
        EXPECT_TRUE(complete(made));
        EXPECT_TRUE(made.valid());
    }
}

TEST(Checksum, UdpThatSumsToZeroIsWrittenAsAllOnes) {
    std::mt19937 random(4);
    Made made = make({false, false, 0, 64, 0}, random);
    const std::size_t word = made.l4 + 8;
    put16(made.frame, made.field, made.pseudo);
    put16(made.frame, word, 0);
    // Now the whole segment, the pseudo-header's sum included, is to sum to 0xffff: its complement is 0.
    put16(made.frame, word, ~reference_sum(made.frame, made.l4, made.end, 0) & 0xffff);
    EXPECT_TRUE(complete(made));
    EXPECT_EQ(get16(made.frame, made.field), 0xffffu);
    EXPECT_TRUE(made.valid());
}

TEST(Checksum, FragmentsAndUdpWithoutChecksumAreLeftAlone) {
    std::mt19937 random(5);
    Made fragment = make({false, false, 0, 64, 0}, random);
    put16(fragment.frame, fragment.l3 + 6, 0x2000);
    put16(fragment.frame, fragment.field, fragment.pseudo);
    gabion_packet packet;
    static_cast<void>(read_packet(fragment.frame, packet));
    EXPECT_FALSE(complete_checksum(fragment.frame, packet));
    Made without = make({false, false, 0, 64, 0}, random);
    EXPECT_FALSE(complete(without));
}

TEST(InternetSum, AgreesWithTheBookAtEveryLengthAndAlignment) {
    std::mt19937 random(6);
    Bytes bytes(80);
    for (auto& byte : bytes)
        byte = static_cast<std::uint8_t>(random());
    for (std::size_t from = 0; from < 8; ++from) {
        for (std::size_t length = 0; length <= 64; ++length) {
            const unsigned native = internet_sum(std::span(bytes).subspan(from, length));
            EXPECT_EQ(__builtin_bswap16(static_cast<std::uint16_t>(native)),
                      reference_sum(bytes, from, from + length, 0));
        }
    }
    const Bytes ones(64, 0xff);
    EXPECT_EQ(internet_sum(ones), 0xffff);
}

}  // namespace
}  // namespace gabion::worker
