// SPDX-License-Identifier: Apache-2.0
#include "dataplane/ban/state_file.h"

#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "tests/unit/ban/host_memory.h"
#include "tests/unit/ban/kernel_reader.h"

namespace gabion::ban {
namespace {

constexpr std::uint64_t second = 1'000'000'000;
constexpr std::uint64_t start = 1000 * second;
constexpr std::int64_t wall = 1'800'000'000'000'000'000;

Prefix at(const char* text) { return *Prefix::parse(text); }

Moment moment(std::int64_t wall_ns, std::uint64_t boot_ns, char boot = 'a') {
    Moment result;
    result.wall_ns = wall_ns;
    result.boot_ns = boot_ns;
    result.boot_id.fill(boot);
    return result;
}

double thread_seconds() {
    timespec time{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

class StateFileTest : public ::testing::Test {
protected:
    void SetUp() override {
        Order ban;
        ban.target = at("192.0.2.1");
        ban.note = "for good";
        ASSERT_TRUE(book_.add(ban, start));
        ban.target = at("2001:db8::/48");
        ban.until_ns = start + 1000 * second;
        ASSERT_TRUE(book_.add(ban, start));
        Order allow;
        allow.set = GABION_SET_ALLOW;
        allow.target = at("203.0.113.0/24");
        allow.skips = GABION_SKIP_BANS;
        ASSERT_TRUE(book_.add(allow, start));
        ASSERT_TRUE(book_.replace_config_allow(std::vector{at("203.0.113.77")}, start));
        Order quarantine;
        quarantine.set = GABION_SET_QUARANTINE;
        quarantine.target = at("198.51.100.9");
        quarantine.reason = "botnet";
        quarantine.by = "entropy";
        quarantine.rate_pps = 40;
        quarantine.scope = {GABION_QUARANTINE_CELL, 17, 53, 0, 255};
        quarantine.evidence = &evidence_;
        ASSERT_EQ(book_.apply(quarantine, 100 * second, start), Outcome::added);
    }
    std::string saved() { return StateSnapshot(book_, moment(wall, start + 10 * second)).finish(); }

    // A book over tables that were made just now, as after a reboot.
    struct Rebooted {
        explicit Rebooted(std::uint64_t now) : book(memory, TickClock(1000, {500, now})) { book.recover(now); }
        testing::HostMemory host{{}, 99};
        BanMemory memory = host.memory();
        BanBook book;
    };

    detect::Evidence evidence_{"entropy", detect::Standing::consistent, 100, 4321, {{{"entropy_shift", 6.5, 4}}}, 1};
    testing::HostMemory host_;
    BanMemory memory_ = host_.memory();
    BanBook book_{memory_, TickClock(1000, {1, start})};
};

TEST_F(StateFileTest, AfterARebootEverythingIsInForceAgainForTheTimeThatRemains) {
    const std::uint64_t now = 50 * second;  // of the new boot, 200 s after the file was written
    Rebooted after(now);
    const auto report =
        restore_state_bytes(after.book, saved(), "state", true, moment(wall + 200 * 1'000'000'000ll, now, 'b'));
    ASSERT_TRUE(report) << report.error().text;
    EXPECT_EQ(report->restored, 3u);
    EXPECT_EQ(report->gone, 1u) << "the quarantine ended meanwhile";
    const auto prefix = after.book.find(GABION_SET_OPERATOR, at("2001:db8::/48"));
    ASSERT_TRUE(prefix);
    EXPECT_EQ(prefix->until_ns, now + (1000 - 10 - 200) * second);
    EXPECT_EQ(prefix->note, "for good");
    EXPECT_EQ(after.book.find(GABION_SET_OPERATOR, at("192.0.2.1"))->until_ns, never_ns);
    EXPECT_EQ(after.book.find(GABION_SET_ALLOW, at("203.0.113.0/24"))->skips, GABION_SKIP_BANS);
    EXPECT_FALSE(after.book.find(GABION_SET_ALLOW, at("203.0.113.77"))) << "comes from the configuration";
    EXPECT_EQ(
        testing::read4(after.memory.set[GABION_SET_OPERATOR].exact4, after.host.control().hash, "\xc0\x00\x02\x01"),
        GABION_FOREVER);
    EXPECT_EQ(after.book.offence_multiplier(at("198.51.100.9"), now), 2u) << "offenders are remembered";
}

TEST_F(StateFileTest, EvidenceAndLimitsSurvive) {
    const std::uint64_t now = 5 * second;
    Rebooted after(now);
    ASSERT_TRUE(restore_state_bytes(after.book, saved(), "state", true, moment(wall + 20 * 1'000'000'000ll, now, 'b')));
    const auto entry = after.book.find(GABION_SET_QUARANTINE, at("198.51.100.9"));
    ASSERT_TRUE(entry);
    EXPECT_EQ(entry->until_ns, now + (100 - 10 - 20) * second);
    EXPECT_STREQ(entry->reason, "botnet");
    EXPECT_STREQ(entry->by, "entropy");
    ASSERT_TRUE(entry->has_evidence);
    EXPECT_STREQ(entry->evidence.detector, "entropy");
    EXPECT_EQ(entry->evidence.standing, detect::Standing::consistent);
    EXPECT_EQ(entry->evidence.samples, 4321u);
    EXPECT_STREQ(entry->evidence.figures[0].name, "entropy_shift");
    EXPECT_DOUBLE_EQ(entry->evidence.figures[0].threshold, 4);
    EXPECT_DOUBLE_EQ(entry->rate_pps, 40);
    bool found = false;
    for (const auto& state : after.memory.set[GABION_SET_QUARANTINE].state_exact4)
        found = found || (state.interval == 25u << 16 && state.protocol == 17 && state.destination_port == 53);
    EXPECT_TRUE(found);
}

TEST_F(StateFileTest, AClockThatIsWrongKeepsBansRatherThanLosesThem) {
    const std::string bytes = saved();
    const std::uint64_t now = 5 * second;
    for (const std::int64_t wrong : {std::int64_t{0}, wall - 86'400'000'000'000, wall}) {
        Rebooted after(now);
        ASSERT_TRUE(restore_state_bytes(after.book, bytes, "state", true, moment(wrong, now, 'b')));
        EXPECT_EQ(after.book.find(GABION_SET_QUARANTINE, at("198.51.100.9"))->until_ns, now + 90 * second) << wrong;
    }
    // written while the clock was unset, read when it is right: not fifty years later
    const std::string unset = StateSnapshot(book_, moment(100, start + 10 * second)).finish();
    Rebooted after(now);
    ASSERT_TRUE(restore_state_bytes(after.book, unset, "state", true, moment(wall, now, 'b')));
    EXPECT_TRUE(after.book.find(GABION_SET_QUARANTINE, at("198.51.100.9")));
}

TEST_F(StateFileTest, InTheSameBootTheBootClockCounts) {
    Rebooted after(start + 40 * second);
    const auto later = moment(wall - 999'000'000'000, start + 40 * second);  // the wall clock was set back
    ASSERT_TRUE(restore_state_bytes(after.book, saved(), "state", true, later));
    EXPECT_EQ(after.book.find(GABION_SET_QUARANTINE, at("198.51.100.9"))->until_ns, start + 100 * second);
}

TEST_F(StateFileTest, PinnedTablesKnowBetterWhatIsInForce) {
    const std::string bytes = saved();
    ASSERT_TRUE(book_.remove(GABION_SET_OPERATOR, at("192.0.2.1"), start + 11 * second));
    Order late;
    late.target = at("192.0.2.200");
    ASSERT_TRUE(book_.add(late, start + 11 * second));
    const std::uint64_t now = start + 20 * second;
    BanBook next(memory_, TickClock(1000, {20'001, now}));  // killed and started again
    next.recover(now);
    const auto report = restore_state_bytes(next, bytes, "state", false, moment(wall + 1, now));
    ASSERT_TRUE(report);
    EXPECT_EQ(report->kept, 3u);
    EXPECT_EQ(report->gone, 1u);
    EXPECT_FALSE(next.find(GABION_SET_OPERATOR, at("192.0.2.1"))) << "what was removed stays removed";
    EXPECT_STREQ(next.find(GABION_SET_OPERATOR, at("192.0.2.200"))->reason, "recovered");
    const auto held = next.find(GABION_SET_QUARANTINE, at("198.51.100.9"));
    ASSERT_TRUE(held);
    EXPECT_STREQ(held->reason, "botnet");
    EXPECT_EQ(held->since_ns, start);
    EXPECT_EQ(held->until_ns, start + 100 * second);
    ASSERT_TRUE(next.replace_config_allow({}, now));
    EXPECT_TRUE(next.find(GABION_SET_ALLOW, at("203.0.113.0/24"))) << "a person's";
    EXPECT_FALSE(next.find(GABION_SET_ALLOW, at("203.0.113.77"))) << "left the configuration";
}

TEST_F(StateFileTest, ADamagedFileIsToldAndChangesNothing) {
    const std::string good = saved();
    const auto refused = [&](const std::string& bytes) {
        Rebooted after(second);
        const auto report = restore_state_bytes(after.book, bytes, "state", true, moment(wall, second, 'b'));
        const std::uint32_t held = after.book.size(GABION_SET_OPERATOR) + after.book.size(GABION_SET_ALLOW);
        EXPECT_EQ(held >= 2, static_cast<bool>(report)) << "all that has no end, or nothing";
        if (!report) {
            EXPECT_EQ(held, 0u);
        }
        return !report && report.error().text.find("state") != std::string::npos;
    };
    EXPECT_FALSE(refused(good));
    for (std::size_t length = 0; length < good.size(); ++length)
        EXPECT_TRUE(refused(good.substr(0, length))) << length;
    unsigned accepted = 0;
    for (std::size_t i = 0; i < good.size(); ++i) {
        std::string flipped = good;
        flipped[i] = static_cast<char>(flipped[i] ^ 0x10);
        accepted += !refused(flipped);
    }
    EXPECT_LE(accepted, 52u) << "only the clocks and the boot id in the header are free";
    EXPECT_TRUE(refused(good + "x"));
    EXPECT_TRUE(refused(std::string(1000, '\0')));
}

TEST_F(StateFileTest, TheFileIsReplacedAsAWhole) {
    char folder[] = "/tmp/gbn-state-XXXXXX";
    ASSERT_NE(::mkdtemp(folder), nullptr);
    const std::string path = std::string(folder) + "/bans";
    EXPECT_TRUE(restore_state(book_, path, true, Moment::now())) << "no file is no error";
    ASSERT_TRUE(commit_state(path, "older"));
    ASSERT_TRUE(commit_state(path, saved()));
    struct stat info {};
    ASSERT_EQ(::stat(path.c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, 0600u);
    EXPECT_NE(::access((path + ".new").c_str(), F_OK), 0);
    Rebooted after(second);
    EXPECT_EQ(restore_state(after.book, path, true, moment(wall, second, 'b'))->restored, 4u);
    std::ofstream(path) << "garbage";
    EXPECT_FALSE(restore_state(after.book, path, true, Moment::now()));
    std::filesystem::remove_all(folder);
    EXPECT_FALSE(commit_state(path, "x"));
}

TEST_F(StateFileTest, EntriesMayComeAndGoBetweenTheSteps) {
    for (std::uint32_t i = 0; i < 1280; ++i) {
        Order ban;
        ban.target = Prefix::parse("10.1.0.0")->shortened(32);
        ban.target.bytes[2] = static_cast<std::uint8_t>(i >> 8);
        ban.target.bytes[3] = static_cast<std::uint8_t>(i);
        ban.note = "note " + std::to_string(i % 3);
        ASSERT_TRUE(book_.add(ban, start));
    }
    StateSnapshot snapshot(book_, moment(wall, start));
    std::uint32_t step = 0;
    while (!snapshot.step(50)) {
        Order order;
        order.target = at("10.1.4.0");
        order.target.bytes[3] = static_cast<std::uint8_t>(step);
        book_.remove(GABION_SET_OPERATOR, order.target, start);
        order.target = at("10.2.0.0");
        order.target.bytes[3] = static_cast<std::uint8_t>(step++);
        order.note = "later";
        ASSERT_TRUE(book_.add(order, start));
    }
    EXPECT_GT(step, 20u);
    EXPECT_LT(snapshot.generation(), book_.generation());
    testing::HostMemory large{{4096, 64, 64, 64, 64}};
    BanBook book(large.memory(), TickClock(1000, {1, second}));
    const auto report = restore_state_bytes(book, snapshot.finish(), "state", true, moment(wall, second, 'b'));
    ASSERT_TRUE(report) << report.error().text;
    for (std::uint32_t i = 0; i < 1000; ++i) {
        Prefix target = at("10.1.0.0");
        target.bytes[2] = static_cast<std::uint8_t>(i >> 8);
        target.bytes[3] = static_cast<std::uint8_t>(i);
        const auto entry = book.find(GABION_SET_OPERATOR, target);
        ASSERT_TRUE(entry) << target.text();
        EXPECT_EQ(entry->note, "note " + std::to_string(i % 3));
    }
}

TEST(StateFile, AMillionBansAreSavedAndReadInAboutASecond) {
    testing::HostMemory host{{1u << 18, 16, 16, 16, 16}};
    const BanMemory memory = host.memory();
    std::string bytes;
    {
        BanBook book(memory, TickClock(1000, {1, start}));
        book.reserve(GABION_SET_OPERATOR, 1'000'000);
        Order ban;
        for (std::uint32_t i = 0; i < 1'000'000; ++i) {
            const std::uint32_t word = i * 2654435761u;
            std::memcpy(ban.target.bytes.data(), &word, 4);
            ASSERT_TRUE(book.add(ban, start));
        }
        const double begin = thread_seconds();
        bytes = StateSnapshot(book, moment(wall, start)).finish();
        EXPECT_LT(thread_seconds() - begin, 1.0);
        RecordProperty("save_ms", static_cast<int>((thread_seconds() - begin) * 1000));
        RecordProperty("file_mb", static_cast<int>(bytes.size() >> 20));
    }
    BanBook book(memory, TickClock(1000, {1, start}));
    double begin = thread_seconds();
    book.recover(start);
    RecordProperty("recover_ms", static_cast<int>((thread_seconds() - begin) * 1000));
    begin = thread_seconds();
    const auto report = restore_state_bytes(book, bytes, "state", false, moment(wall, start));
    RecordProperty("restore_ms", static_cast<int>((thread_seconds() - begin) * 1000));
    ASSERT_TRUE(report);
    EXPECT_EQ(report->kept, 1'000'000u);
    EXPECT_LT(thread_seconds() - begin, 2.0);
}

}  // namespace
}  // namespace gabion::ban
