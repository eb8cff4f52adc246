// SPDX-License-Identifier: Apache-2.0
// Files that are read, files that are none, and the one that is installed.
#include <sys/stat.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>

#include "control/config/config.h"
#include "tests/unit/daemon/temporary_directory.h"

namespace gabion::config {
namespace {

using namespace std::chrono_literals;

const std::string interface = "\n[[interface]]\nname = \"eth0\"\n";

class ConfigFile : public ::testing::Test {
protected:
    std::string write(const std::string& text) {
        std::ofstream(directory.file("gabion.toml")) << text;
        return directory.file("gabion.toml");
    }
    void expect_refused(const std::string& path, const char* says) {
        const auto begin = std::chrono::steady_clock::now();
        const auto reading = read_config(path);
        EXPECT_FALSE(reading.config);
        EXPECT_NE(reading.problem_text().find(path), std::string::npos) << reading.problem_text();
        EXPECT_NE(reading.problem_text().find(says), std::string::npos) << reading.problem_text();
        EXPECT_LT(std::chrono::steady_clock::now() - begin, 1s);
    }
    daemon::TemporaryDirectory directory;
};

TEST_F(ConfigFile, IsRead) {
    const auto path = write(interface);
    EXPECT_TRUE(read_config(path).config);
}

TEST_F(ConfigFile, MissingOrNoFileAtAll) {
    expect_refused(directory.file("none.toml"), "No such file");
    expect_refused(directory.file(""), "not a regular file");
    ASSERT_EQ(::mkfifo(directory.file("fifo").c_str(), 0600), 0);
    expect_refused(directory.file("fifo"), "not a regular file");
    expect_refused("/dev/zero", "not a regular file");
}

TEST_F(ConfigFile, OfAHundredMegabytes) {
    const auto path = write("");
    std::filesystem::resize_file(path, 100 << 20);
    expect_refused(path, "1 MiB");
}

TEST_F(ConfigFile, WhoseSizeIsNotWhatItSays) { expect_refused("/proc/kallsyms", ""); }

// The file that is installed. The build directory stands in the source tree, unless the environment says where that is.
std::string example() {
    const char* named = std::getenv("GABION_SOURCE_ROOT");
    const auto root = named != nullptr ? std::filesystem::path(named)
                                       : std::filesystem::read_symlink("/proc/self/exe").parent_path() / "../..";
    std::ifstream file(root / "config/gabion.toml");
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
}

TEST(ConfigExample, EqualsTheDefaultsAndExplainsEveryKey) {
    const std::string text = example();
    ASSERT_FALSE(text.empty());
    const auto reading = parse_config(text, "gabion.toml");
    ASSERT_TRUE(reading.config) << reading.problem_text();
    EXPECT_EQ(config_text(*reading.config), config_text(*parse_config(interface, "gabion.toml").config));
    // Every key stands in its section, at the beginning of a line.
    for (const std::string& key : config_keys()) {
        const auto dot = key.rfind('.');
        const std::string section = dot == std::string::npos ? "" : key.substr(0, dot);
        const std::string name = key.substr(dot == std::string::npos ? 0 : dot + 1);
        if (key == "interface.peer") {
            EXPECT_NE(text.find("peer = \"eth1\""), std::string::npos);
            continue;
        }
        const std::string heading = section == "interface" ? "\n[[interface]]\n" : "\n[" + section + "]\n";
        const auto begin = section.empty() ? 0 : text.find(heading);
        ASSERT_NE(begin, std::string::npos) << section;
        const auto end = text.find("\n[", begin + heading.size() - 1);
        EXPECT_NE(text.substr(begin, end - begin).find("\n" + name + " = "), std::string::npos) << key;
    }
}

}  // namespace
}  // namespace gabion::config
