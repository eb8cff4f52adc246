// SPDX-License-Identifier: Apache-2.0
#include "dataplane/core/duration.h"

#include <gtest/gtest.h>

namespace gabion {
namespace {

using namespace std::chrono_literals;

TEST(Duration, IsReadInEveryUnit) {
    const struct {
        const char* text;
        std::chrono::milliseconds value;
    } cases[] = {{"500ms", 500ms}, {"0s", 0ms},       {"30s", 30s},     {"10m", 10min},
                 {"1h", 1h},       {"2d", 48h},       {"1h30m", 90min}, {"1d2h3m4s5ms", 26h + 3min + 4s + 5ms},
                 {"007s", 7s},     {"3650d", 87600h}, {"2w", 336h},     {"1w1d", 192h},
                 {"90m", 90min}};
    for (const auto& one : cases) {
        const auto read = parse_duration(one.text);
        ASSERT_TRUE(read) << one.text;
        EXPECT_EQ(*read, one.value) << one.text;
    }
}

TEST(Duration, RefusesWhatIsNone) {
    for (const char* text : {"",
                             "5",
                             "s",
                             "-5s",
                             "+5s",
                             "5 s",
                             " 5s",
                             "5s ",
                             "1.5h",
                             "5x",
                             "5S",
                             "30s1m",
                             "1h1h",
                             "1m1m",
                             "3651d",
                             "ms",
                             "99999999999999999999d",
                             "9223372036854775807ms",
                             "1h-5m",
                             "1e3s",
                             "3650d1ms",
                             "5sm"})
        EXPECT_FALSE(parse_duration(text)) << text;
    EXPECT_NE(parse_duration("5x").error().text.find("10m"), std::string::npos) << "says what is allowed";
}

TEST(Duration, IsWrittenAsItIsRead) {
    for (const auto value : {0ms, 1ms, 999ms, 1000ms, 61'001ms, 86'400'000ms, 90'061'001ms, duration_max}) {
        const auto read = parse_duration(duration_text(value));
        ASSERT_TRUE(read) << duration_text(value);
        EXPECT_EQ(*read, value);
    }
    EXPECT_EQ(duration_text(90min), "1h30m");
    EXPECT_EQ(duration_text(0ms), "0s");
}

}  // namespace
}  // namespace gabion
