// SPDX-License-Identifier: Apache-2.0
#include "control/cli/table.h"

#include <sstream>

#include <gtest/gtest.h>

namespace gabion::cli {
namespace {

TEST(Table, AlignsColumnsByCharacters) {
    Table table({{"NAME"}, {"HITS", Align::right}, {"NOTE"}});
    table.add({"a", "1", ""});
    table.add({"grüße", "1,000", "x"});
    std::ostringstream out;
    table.print(out);
    EXPECT_EQ(out.str(), "NAME    HITS  NOTE\na          1\ngrüße  1,000  x\n");
}

TEST(Text, FiguresHaveUnits) {
    EXPECT_EQ(grouped(0), "0");
    EXPECT_EQ(grouped(999), "999");
    EXPECT_EQ(grouped(1000), "1,000");
    EXPECT_EQ(grouped(18446744073709551615u), "18,446,744,073,709,551,615");
    EXPECT_EQ(grouped_signed(-1234), "-1,234");
    EXPECT_EQ(bytes_text(1023), "1023 B");
    EXPECT_EQ(bytes_text(1536), "1.5 KiB");
    EXPECT_EQ(span_text(0), "0 s");
    EXPECT_EQ(span_text(65), "1 min 5 s");
    EXPECT_EQ(span_text(3600), "1 h");
    EXPECT_EQ(span_text(273'600), "3 d 4 h");
    EXPECT_EQ(share_text(1, 0), "-");
    EXPECT_EQ(share_text(799, 1000), "79.9 %");
    EXPECT_EQ(printable("a\nb\xff\xed\xa0\x80"
                        "c"),
              "a?b????c");
    EXPECT_EQ(printable("grüße €"), "grüße €");
}

}  // namespace
}  // namespace gabion::cli
