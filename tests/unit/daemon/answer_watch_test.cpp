// SPDX-License-Identifier: Apache-2.0
// Answers that do not get out: found out when nearly all are lost, and not when a ring is full now and then.
#include "control/daemon/answer_watch.h"

#include <gtest/gtest.h>

namespace gabion::daemon {
namespace {

TEST(AnswerWatch, FindsOutThatNearlyAllAreLost) {
    AnswerWatch watch;
    EXPECT_FALSE(watch.look(5000, 5000)) << "before it looked for the first time";
    EXPECT_FALSE(watch.look(5099, 5099)) << "99 tell nothing";
    EXPECT_FALSE(watch.look(15'099, 14'998)) << "one in a hundred gets out, and one more";
    EXPECT_TRUE(watch.look(25'099, 24'898));
    EXPECT_NE(watch.obstacle().find("9900 of 10000 answers"), std::string::npos) << watch.obstacle();
    EXPECT_FALSE(watch.look(35'099, 34'898)) << "told once";
    watch.forget();
    EXPECT_TRUE(watch.obstacle().empty());
    EXPECT_FALSE(watch.look(35'099, 34'898)) << "nothing is sent";
    EXPECT_TRUE(watch.look(35'199, 34'998));
}

}  // namespace
}  // namespace gabion::daemon
