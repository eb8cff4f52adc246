// SPDX-License-Identifier: Apache-2.0
// A directory that goes with all that is in it.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>

namespace gabion::daemon {

class TemporaryDirectory {
public:
    TemporaryDirectory() {
        char name[] = "/tmp/gabion-test-XXXXXX";
        path_ = ::mkdtemp(name);
    }
    ~TemporaryDirectory() { std::filesystem::remove_all(path_); }
    TemporaryDirectory(const TemporaryDirectory&) = delete;
    TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
    [[nodiscard]] std::string file(const std::string& name) const { return path_ + "/" + name; }

private:
    std::string path_;
};

}  // namespace gabion::daemon
