// SPDX-License-Identifier: Apache-2.0
// Runs the built command line as an operator does, against the real server with a fake appliance behind it.
#pragma once

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/unit/daemon/running_server.h"

namespace gabion::cli {

using daemon::RunningServer;
using daemon::TemporaryDirectory;

inline std::string read_file(const std::string& path) {
    std::ifstream file(path);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
}

struct Done {
    int status = -1;
    std::string out;
    std::string err;
};

class Cli : public ::testing::Test {
protected:
    static std::string program() {
        if (const char* named = std::getenv("GABION_PROGRAM")) return named;
        return std::filesystem::read_symlink("/proc/self/exe").parent_path().parent_path() / "gabion";
    }
    void SetUp() override {
        if (!std::filesystem::exists(program())) GTEST_SKIP() << program() << " is not built";
    }
    Done gabion(std::vector<std::string> arguments, const std::string& input = "/dev/null") {
        const std::string out = files.file("out");
        const std::string err = files.file("err");
        arguments.insert(arguments.begin(), program());
        std::vector<char*> argv;
        for (auto& argument : arguments)
            argv.push_back(argument.data());
        argv.push_back(nullptr);
        std::string socket = "GABION_SOCKET=" + path;
        char* environment[] = {socket.data(), ssh.empty() ? nullptr : ssh.data(), nullptr};
        posix_spawn_file_actions_t actions;
        ::posix_spawn_file_actions_init(&actions);
        ::posix_spawn_file_actions_addopen(&actions, 0, input.c_str(), O_RDONLY, 0);
        ::posix_spawn_file_actions_addopen(&actions, 1, out.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
        ::posix_spawn_file_actions_addopen(&actions, 2, err.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
        pid_t child = -1;
        EXPECT_EQ(::posix_spawn(&child, program().c_str(), &actions, nullptr, argv.data(), environment), 0);
        ::posix_spawn_file_actions_destroy(&actions);
        int status = 0;
        EXPECT_EQ(::waitpid(child, &status, 0), child);
        return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, read_file(out), read_file(err)};
    }
    std::string file_with(const std::string& text) {
        std::ofstream(files.file("input")) << text;
        return files.file("input");
    }

    TemporaryDirectory files;
    RunningServer server;
    std::string path = server.path();
    std::string ssh;  // a variable that sshd sets, "NAME=VALUE"
};

}  // namespace gabion::cli
