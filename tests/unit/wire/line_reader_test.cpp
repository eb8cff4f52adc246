// SPDX-License-Identifier: Apache-2.0
#include "control/wire/line_reader.h"

#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace gabion::wire {
namespace {

TEST(LineReader, CutsAtEveryNewlineHoweverTheBytesCome) {
    const std::string stream = "one\ntwo\r\n\n" + std::string(100, 'x') + "\nlast";
    const std::vector<std::string> wanted{"one", "two", "", std::string(100, 'x')};
    for (std::size_t step = 1; step <= stream.size(); ++step) {
        LineReader reader(100);
        std::vector<std::string> lines;
        for (std::size_t at = 0; at < stream.size(); at += step) {
            reader.append(std::string_view(stream).substr(at, step));
            while (auto line = reader.next())
                lines.push_back(*line);
        }
        EXPECT_EQ(lines, wanted) << step;
        EXPECT_TRUE(reader.has_partial());
        EXPECT_FALSE(reader.too_long());
        EXPECT_EQ(reader.buffered(), 4u);
    }
}

TEST(LineReader, GivesUpOnALineThatIsTooLong) {
    LineReader reader(10);
    reader.append("0123456789\n");
    EXPECT_EQ(reader.next(), "0123456789");
    reader.append("ok\n01234567890");
    EXPECT_EQ(reader.next(), "ok");
    EXPECT_TRUE(reader.too_long());
    reader.append("more\nand more\n");
    EXPECT_FALSE(reader.next());
    EXPECT_EQ(reader.buffered(), 0u) << "holds nothing any more";
}

TEST(LineReader, SeesALineThatIsTooLongThoughItHasAnEnd) {
    LineReader reader(3);
    reader.append("abcd\n");
    EXPECT_TRUE(reader.too_long());
    EXPECT_FALSE(reader.has_line());
}

TEST(LineReader, TakesLinesWhileBytesComeInBetween) {
    std::mt19937 random(7);
    std::string stream;
    std::vector<std::string> wanted;
    for (int i = 0; i < 2000; ++i) {
        wanted.push_back(std::string(random() % 50, static_cast<char>('a' + i % 26)));
        stream += wanted.back() + "\n";
    }
    LineReader reader(64);
    std::vector<std::string> lines;
    for (std::size_t at = 0; at < stream.size();) {
        const std::size_t count = random() % 97;
        reader.append(std::string_view(stream).substr(at, count));
        at += count;
        for (auto i = random() % 4; i > 0; --i)
            if (auto line = reader.next()) lines.push_back(*line);
    }
    while (auto line = reader.next())
        lines.push_back(*line);
    EXPECT_EQ(lines, wanted);
}

}  // namespace
}  // namespace gabion::wire
