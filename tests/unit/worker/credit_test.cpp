// SPDX-License-Identifier: Apache-2.0
#include "dataplane/worker/credit.h"

#include <gtest/gtest.h>

#include "dataplane/worker/counters.h"
#include "dataplane/worker/leak_watch.h"

namespace gabion::worker {
namespace {

TEST(Credit, NewWorkerStartsWithNothingOutstandingAndANewEpoch) {
    gabion_queue queue{};
    queue.claimed = 1000;
    queue.released = 900;
    queue.epoch = 7;
    queue.limit = 256;
    Credit credit(queue);
    credit.close();
    EXPECT_EQ(queue.limit, 0u);
    credit.begin(1522);
    EXPECT_EQ(queue.claimed, 1000u) << "claims are the program's";
    EXPECT_EQ(queue.released, 1000u);
    EXPECT_EQ(queue.epoch, 8u);
    EXPECT_EQ(queue.frame_bytes_max, 1522u);
    EXPECT_EQ(queue.limit, 0u) << "still closed";
    credit.open(256);
    EXPECT_EQ(queue.limit, 256u);
    queue.claimed += 10;
    EXPECT_EQ(credit.outstanding(), 10u);
    credit.release(4);
    EXPECT_EQ(credit.outstanding(), 6u);
}

TEST(Credit, EpochZeroMeansNeverAndIsSkipped) {
    gabion_queue queue{};
    queue.epoch = 0xffffffffu;
    Credit(queue).begin(1522);
    EXPECT_EQ(queue.epoch, 1u);
}

TEST(LeakWatch, OutstandingClaimsAreLostOnlyAfterAQuietTime) {
    LeakWatch watch;
    std::uint64_t now = 1'000'000'000;
    EXPECT_FALSE(watch.settled(5, 2, false, now));
    EXPECT_FALSE(watch.settled(5, 2, false, now + leak_ns - 1));
    EXPECT_TRUE(watch.settled(5, 2, false, now + leak_ns));
    EXPECT_FALSE(watch.settled(6, 3, false, now + leak_ns + 1)) << "a claim came: the clock starts anew";
    now += leak_ns + 1;
    EXPECT_FALSE(watch.settled(6, 3, false, now + leak_ns - 1));
    EXPECT_FALSE(watch.settled(6, 3, true, now + leak_ns)) << "frames in hand";
    EXPECT_FALSE(watch.settled(6, 3, false, now + leak_ns + 1)) << "and the clock starts anew";
    EXPECT_FALSE(watch.settled(6, 0, false, now + 3 * leak_ns)) << "nothing outstanding";
}

TEST(Counters, GoOnFromWhatIsPinnedAndArePublishedWhole) {
    gabion_worker_counters pinned{};
    pinned.received = 10;
    pinned.lost = 3;
    Counters counters(pinned);
    counters.now.received += 5;
    counters.now.checksums_completed = 2;
    EXPECT_EQ(pinned.received, 10u);
    counters.publish();
    EXPECT_EQ(pinned.received, 15u);
    EXPECT_EQ(pinned.lost, 3u);
    EXPECT_EQ(pinned.checksums_completed, 2u);
}

}  // namespace
}  // namespace gabion::worker
