// SPDX-License-Identifier: Apache-2.0
// The cases of a probe, each in a process of its own, so that its namespaces end with it; prints TAP. A case fails by fail().
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace gabion::probe {

struct Case {
    std::string name;
    std::function<void()> run;
};

// Ends the case: what it is for could not be tried.
[[noreturn]] void skip(const std::string& why);

// 0 when none failed, else 1.
int run_cases(const std::vector<Case>& cases);

}  // namespace gabion::probe
