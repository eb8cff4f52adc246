// SPDX-License-Identifier: Apache-2.0
// What outlives a restart and a reboot: bans of all tiers, allow entries made by people, and who offended how often. One file,
// replaced as a whole (written beside it, synced, renamed, folder synced), with a version and a checksum; a file that cannot be read
// is an error to be told and changes nothing.
//
// Times are kept as what remained when the file was written, with the wall time and the boot of that moment. In the same boot
// the boot clock tells how long ago that was; after a reboot the wall clock does, unless it was unset or runs behind the one
// in the file: then no time has passed, which keeps a ban too long rather than not at all.
//
// The snapshot is taken in steps on the book's thread (about 0.1 us a record), so that verdicts do not wait; `commit` then writes
// it, and may run in any thread. An entry that comes or goes between the steps is in the file or not; the book's
// generation tells that another one is due.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <unordered_map>

#include "dataplane/ban/ban_book.h"
#include "dataplane/core/result.h"

namespace gabion::ban {

// The three clocks at one moment, and which boot the second belongs to.
struct Moment {
    std::int64_t wall_ns = 0;
    std::uint64_t boot_ns = 0;
    std::array<char, 36> boot_id{};  // /proc/sys/kernel/random/boot_id

    static Moment now();
};

class StateSnapshot {
public:
    StateSnapshot(const BanBook& book, const Moment& moment);

    // Up to `count` records more. Returns whether the snapshot is complete.
    bool step(std::size_t count);
    // Everything at once.
    std::string finish();

    // The book's generation when the snapshot began: it holds every change up to this.
    [[nodiscard]] std::uint64_t generation() const noexcept { return generation_; }

private:
    void put_record(gabion_set set, const Record& record);
    void put_offenders();

    const BanBook& book_;
    Moment moment_;
    std::uint64_t generation_;
    std::string bytes_;
    unsigned set_ = 0;
    RecordId next_ = 0;
    bool complete_ = false;
    std::unordered_map<std::uint64_t, std::uint32_t> details_;  // serial -> place in the file
};

// Replaces the file at `path` (mode 0600).
Result<void> commit_state(const std::string& path, const std::string& bytes);

struct RestoreReport {
    std::size_t kept = 0;      // in the tables and in the file
    std::size_t restored = 0;  // in the file only, put in force again
    std::size_t gone = 0;      // in the file only, but taken out after it was written; or ended meanwhile
    std::size_t no_room = 0;
};

// After BanBook::recover. `tables_are_new` says that the kernel's tables were made just now: then what the file holds is put in
// force again. Otherwise they know better what is in force, and the file adds what is known of it. No file is no error.
Result<RestoreReport> restore_state(BanBook& book, const std::string& path, bool tables_are_new, const Moment& moment);
Result<RestoreReport> restore_state_bytes(BanBook& book, std::string_view bytes, std::string_view name,
                                          bool tables_are_new, const Moment& moment);

}  // namespace gabion::ban
