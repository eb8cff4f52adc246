// SPDX-License-Identifier: Apache-2.0
#include "dataplane/core/atomic_file.h"

#include <stdlib.h>
#include <sys/stat.h>

#include <cstring>
#include <filesystem>
#include <string>

#include <gtest/gtest.h>

namespace gabion {
namespace {

class AtomicFileTest : public ::testing::Test {
protected:
    void SetUp() override { ASSERT_NE(::mkdtemp(directory_), nullptr); }
    void TearDown() override { std::filesystem::remove_all(directory_); }

    static std::span<const std::byte> bytes(const std::string& text) { return std::as_bytes(std::span(text)); }
    std::string content(const std::string& path) {
        auto read = read_whole(path, 100);
        if (!read || !*read) return "(nothing)";
        return {reinterpret_cast<const char*>((*read)->data()), (*read)->size()};
    }

    char directory_[40] = "/tmp/gbn-atomic-XXXXXX";
    std::string path() const { return std::string(directory_) + "/file"; }
};

TEST_F(AtomicFileTest, ReplacesAndLeavesNothingBeside) {
    EXPECT_EQ(content(path()), "(nothing)");
    ASSERT_TRUE(write_atomically(path(), bytes("one")));
    ASSERT_TRUE(write_atomically(path(), bytes("two, longer")));
    EXPECT_EQ(content(path()), "two, longer");
    struct stat info {};
    ASSERT_EQ(::stat(path().c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, 0600u);
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator(directory_), {}), 1);
}

TEST_F(AtomicFileTest, AFailureKeepsTheOldFile) {
    ASSERT_TRUE(write_atomically(path(), bytes("old")));
    ASSERT_TRUE(std::filesystem::create_directory(path() + ".new"));
    const auto written = write_atomically(path(), bytes("new"));
    ASSERT_FALSE(written);
    EXPECT_NE(written.error().text.find("file.new"), std::string::npos);
    EXPECT_EQ(content(path()), "old");
}

TEST_F(AtomicFileTest, TooLargeIsAnError) {
    ASSERT_TRUE(write_atomically(path(), bytes("12345")));
    EXPECT_FALSE(read_whole(path(), 4));
    EXPECT_TRUE(read_whole(path(), 5));
}

}  // namespace
}  // namespace gabion
