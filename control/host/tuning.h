// SPDX-License-Identifier: Apache-2.0
// Puts settings in force and takes them back. What was there before is on the disk before anything is changed, so that whatever
// happens in the middle can be undone.
#pragma once

#include <string>
#include <vector>

#include "control/host/setting.h"
#include "control/host/tune_record.h"

namespace gabion::host {

enum class Done : std::uint8_t {
    changed,
    already,  // it had the value
    left,     // undo: somebody else changed it since, so it is left alone
    failed,
};

struct Outcome {
    Setting setting;  // with the value in force now, or the one that was asked for when it failed
    std::string before;
    Done done = Done::changed;
    std::string error;
};

// One after the other; a failure does not keep the others back. An error: nothing was changed, because it could not have been undone.
Result<std::vector<Outcome>> apply(TuneRecord& record, const std::vector<Setting>& wanted);

// The last one first. What fails stays in the record.
Result<std::vector<Outcome>> undo(TuneRecord& record);

// The file for the boot loader. Another file of its name that is not ours is left alone, with an error.
Result<void> write_boot_file(TuneRecord& record, const std::string& path, const std::string& text);
// True when there was one and it is gone.
Result<bool> remove_boot_file(TuneRecord& record, const std::string& path);

}  // namespace gabion::host
