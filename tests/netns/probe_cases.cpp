// SPDX-License-Identifier: Apache-2.0
#include "tests/netns/probe_cases.h"

#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace gabion::probe {
namespace {

constexpr int skipped = 77;

int run_case(const Case& one) {
    std::fflush(nullptr);
    const pid_t pid = ::fork();
    if (pid == 0) {
        one.run();
        std::fflush(nullptr);
        std::_Exit(0);
    }
    int status = 0;
    ::waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

}  // namespace

void skip(const std::string& why) {
    std::printf("# %s\n", why.c_str());
    std::fflush(stdout);
    std::_Exit(skipped);
}

int run_cases(const std::vector<Case>& cases) {
    std::printf("1..%zu\n", cases.size());
    bool good = true;
    int number = 0;
    for (const auto& one : cases) {
        const int status = run_case(one);
        const bool passed = status == 0 || status == skipped;
        std::printf("%s %d - %s%s\n", passed ? "ok" : "not ok", ++number, one.name.c_str(),
                    status == skipped ? " # SKIP" : "");
        good = good && passed;
    }
    return good ? 0 : 1;
}

}  // namespace gabion::probe
