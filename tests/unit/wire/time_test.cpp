// SPDX-License-Identifier: Apache-2.0
#include "control/wire/time.h"

#include <gtest/gtest.h>

namespace gabion::wire {
namespace {

using namespace std::chrono_literals;

TEST(Time, IsRfc3339InUtc) {
    EXPECT_EQ(utc_text(WallTime(0ms)), "1970-01-01T00:00:00.000Z");
    EXPECT_EQ(utc_text(WallTime(1'940'000'000'250ms)), "2031-06-23T16:53:20.250Z");
    EXPECT_EQ(utc_text(WallTime(-1ms)), "1969-12-31T23:59:59.999Z");
}

}  // namespace
}  // namespace gabion::wire
