// SPDX-License-Identifier: Apache-2.0
// What tuning changed and what was there before, in a file of the state directory that a power cut leaves old or new. Settings last until
// the host is booted: those of an earlier boot are void, for numbers (interrupts) may mean other things then.
#pragma once

#include <string>
#include <vector>

#include "control/host/setting.h"
#include "dataplane/core/fd.h"
#include "dataplane/core/result.h"

namespace gabion::host {

struct Tuned {
    Setting setting;  // its value: what tuning put in force
    std::string before;
};

struct TuneContent {
    std::vector<Tuned> settings;
    std::string boot_text;  // of the file for the boot loader; empty: none was written
    [[nodiscard]] bool empty() const noexcept { return settings.empty() && boot_text.empty(); }
};

class TuneRecord {
public:
    // Makes the directory if need be, and holds it against another `gabion tune`. `boot` tells this boot from others.
    static Result<TuneRecord> open(const std::string& directory, std::string boot);

    TuneContent content;
    // Writes the content, or takes the file away when there is none.
    [[nodiscard]] Result<void> save() const;

private:
    TuneRecord(std::string path, std::string boot, UniqueFd lock)
        : path_(std::move(path)), boot_(std::move(boot)), lock_(std::move(lock)) {}
    Result<void> load();

    std::string path_;
    std::string boot_;
    UniqueFd lock_;
};

// /proc/sys/kernel/random/boot_id
std::string boot_id();

}  // namespace gabion::host
