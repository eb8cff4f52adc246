// SPDX-License-Identifier: Apache-2.0
// Settings of real interfaces in a namespace of their own, put in force and taken back.
#include "control/host/tuning.h"

#include <sys/stat.h>

#include <fstream>

#include <gtest/gtest.h>

#include "control/host/tree.h"
#include "dataplane/net/veth_pair.h"
#include "tests/unit/daemon/temporary_directory.h"
#include "tests/unit/net/in_namespace.h"

namespace gabion::host {
namespace {

const Setting one_queue{SettingKind::channels, "gbt1", "rx", "1"};
const Setting no_tags{SettingKind::feature, "gbt1", "rx-vlan-hw-parse", "off"};
const Setting loose{SettingKind::file, "/proc/sys/net/ipv4/conf/gbt1/rp_filter", {}, "2"};

std::string now(const Setting& setting) {
    const auto value = value_in_force(setting);
    return value ? *value : value.error().text;
}

::testing::AssertionResult all_are(const Result<std::vector<Outcome>>& outcomes, Done wanted) {
    if (!outcomes) return ::testing::AssertionFailure() << outcomes.error().text;
    for (const auto& outcome : *outcomes) {
        if (outcome.done != wanted)
            return ::testing::AssertionFailure() << command_of(outcome.setting) << ": " << outcome.error;
    }
    return ::testing::AssertionSuccess();
}

// A pair with two queues, the record's directory, and both again for each test.
template <typename Body>
void with_pair(Body body) {
    net::in_namespace([&] {
        auto pair = net::VethPair::create("gbt0", "gbt1", 2, 2048, {2, 0, 0, 0, 0, 1});
        ASSERT_TRUE(pair) << pair.error().text;
        const daemon::TemporaryDirectory files;
        body(files);
    });
}

TEST(Tuning, IsDoneOnceAndUndoneInFull) {
    with_pair([](const daemon::TemporaryDirectory& files) {
        const std::string before[] = {now(one_queue), now(no_tags), now(loose)};
        ASSERT_EQ(before[0], "2");
        auto record = TuneRecord::open(files.file("state"), "boot");
        ASSERT_TRUE(record) << record.error().text;
        EXPECT_TRUE(all_are(apply(*record, {one_queue, no_tags, loose}), Done::changed));
        EXPECT_EQ(now(one_queue), "1");
        EXPECT_EQ(now(no_tags), "off");
        EXPECT_EQ(now(loose), "2");
        EXPECT_TRUE(all_are(apply(*record, {one_queue, no_tags, loose}), Done::already));
        EXPECT_EQ(record->content.settings.size(), 3u);
        EXPECT_TRUE(all_are(undo(*record), Done::changed));
        EXPECT_EQ(now(one_queue), before[0]);
        EXPECT_EQ(now(no_tags), before[1]);
        EXPECT_EQ(now(loose), before[2]);
        EXPECT_FALSE(Tree().has(files.file("state/tune.json"))) << "nothing is left to put back";
    });
}

TEST(Tuning, AFailureInTheMiddleIsToldAndTheRestCanBeUndone) {
    with_pair([](const daemon::TemporaryDirectory& files) {
        {
            auto record = TuneRecord::open(files.file("state"), "boot");
            ASSERT_TRUE(record);
            const Setting too_many{SettingKind::channels, "gbt1", "rx", "4000"};
            const auto outcomes = apply(*record, {no_tags, too_many, loose});
            ASSERT_TRUE(outcomes);
            EXPECT_EQ((*outcomes)[0].done, Done::changed);
            EXPECT_EQ((*outcomes)[1].done, Done::failed);
            EXPECT_NE((*outcomes)[1].error.find("gbt1"), std::string::npos) << (*outcomes)[1].error;
            EXPECT_EQ((*outcomes)[2].done, Done::changed);
            EXPECT_FALSE(TuneRecord::open(files.file("state"), "boot")) << "one at a time";
        }
        // As after a crash: what is on the disk is enough.
        auto record = TuneRecord::open(files.file("state"), "boot");
        ASSERT_TRUE(record) << record.error().text;
        ASSERT_EQ(record->content.settings.size(), 2u) << "what failed has nothing to be put back";
        ASSERT_TRUE(undo(*record));
        EXPECT_EQ(now(no_tags), "on");
        EXPECT_EQ(now(one_queue), "2");
    });
}

TEST(Tuning, WhatWasThereFirstIsRememberedThroughSeveralTunings) {
    with_pair([](const daemon::TemporaryDirectory& files) {
        auto record = TuneRecord::open(files.file("state"), "boot");
        ASSERT_TRUE(record);
        const std::string before = now(loose);
        Setting strict = loose;
        strict.value = "1";
        ASSERT_TRUE(apply(*record, {strict}));
        ASSERT_TRUE(apply(*record, {loose}));
        ASSERT_TRUE(undo(*record));
        EXPECT_EQ(now(loose), before);
    });
}

TEST(Tuning, UndoLeavesWhatSomebodyElseChangedSince) {
    with_pair([](const daemon::TemporaryDirectory& files) {
        auto record = TuneRecord::open(files.file("state"), "boot");
        ASSERT_TRUE(record);
        ASSERT_TRUE(apply(*record, {loose}));
        Setting strict = loose;
        strict.value = "1";
        ASSERT_TRUE(put_in_force(strict));
        const auto outcomes = undo(*record);
        ASSERT_TRUE(outcomes);
        EXPECT_EQ(outcomes->at(0).done, Done::left);
        EXPECT_EQ(now(loose), "1");
        EXPECT_TRUE(record->content.empty());
    });
}

TEST(Tuning, SettingsOfAnEarlierBootAreVoid) {
    with_pair([](const daemon::TemporaryDirectory& files) {
        {
            auto record = TuneRecord::open(files.file("state"), "boot");
            ASSERT_TRUE(record);
            ASSERT_TRUE(apply(*record, {loose}));
            ASSERT_TRUE(write_boot_file(*record, files.file("gabion.cfg"), "text\n"));
        }
        auto record = TuneRecord::open(files.file("state"), "next boot");
        ASSERT_TRUE(record);
        EXPECT_TRUE(record->content.settings.empty());
        EXPECT_EQ(record->content.boot_text, "text\n") << "the boot loader's file is still there";
    });
}

TEST(Tuning, ARecordThatIsNoneIsAnErrorAndChangesNothing) {
    const daemon::TemporaryDirectory files;
    ASSERT_EQ(::mkdir(files.file("state").c_str(), 0700), 0);
    for (const char* text : {"", "{", "[]", "{\"boot_id\":1}",
                             "{\"boot_id\":\"boot\",\"boot_file\":\"\",\"settings\":[{\"kind\":\"x\"}]}"}) {
        std::ofstream(files.file("state/tune.json")) << text;
        const auto record = TuneRecord::open(files.file("state"), "boot");
        ASSERT_FALSE(record) << text;
        EXPECT_NE(record.error().text.find("tune.json"), std::string::npos);
    }
}

TEST(Tuning, WritesNoOtherFilesWhateverTheRecordSays) {
    const daemon::TemporaryDirectory files;
    std::ofstream(files.file("victim")) << "old";
    for (const auto& target :
         {files.file("victim"), "/proc/irq/../.." + files.file("victim"), std::string("/etc/passwd"), std::string()}) {
        const Setting setting{SettingKind::file, target, {}, "new"};
        EXPECT_NE(refusal_of(setting), "") << target;
        EXPECT_FALSE(put_in_force(setting)) << target;
    }
    EXPECT_EQ(Tree().read(files.file("victim")), "old");
    EXPECT_NE(refusal_of({SettingKind::channels, "eth0", "rx", "0"}), "");
    EXPECT_NE(refusal_of({SettingKind::ring, "eth0", "rx", "12x"}), "");
    EXPECT_NE(refusal_of({SettingKind::feature, "../eth0", "rx-lro", "on"}), "");
}

TEST(Tuning, TheBootFileOfSomebodyElseIsLeftAlone) {
    const daemon::TemporaryDirectory files;
    const std::string path = files.file("gabion.cfg");
    auto record = TuneRecord::open(files.file("state"), "boot");
    ASSERT_TRUE(record);
    std::ofstream(path) << "theirs\n";
    EXPECT_FALSE(write_boot_file(*record, path, "ours\n"));
    EXPECT_EQ(Tree().read(path), "theirs");
    std::filesystem::remove(path);
    ASSERT_TRUE(write_boot_file(*record, path, "ours\n"));
    ASSERT_TRUE(write_boot_file(*record, path, "ours, other CPUs\n"));
    std::ofstream(path) << "edited\n";
    EXPECT_FALSE(remove_boot_file(*record, path));
    EXPECT_EQ(Tree().read(path), "edited");
    std::ofstream(path) << "ours, other CPUs\n";
    const auto removed = remove_boot_file(*record, path);
    ASSERT_TRUE(removed);
    EXPECT_TRUE(*removed);
    EXPECT_FALSE(std::filesystem::exists(path));
    EXPECT_TRUE(record->content.empty());
}

}  // namespace
}  // namespace gabion::host
