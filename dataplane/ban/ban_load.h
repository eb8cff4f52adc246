// SPDX-License-Identifier: Apache-2.0
// Puts a list of targets in force, all or nothing, in steps: the control loop goes on with verdicts between two of them. A target
// that does not fit undoes what was loaded before it. One load at a time; the book outlives it.
#pragma once

#include <cstdint>
#include <vector>

#include "dataplane/ban/ban_book.h"
#include "dataplane/ban/target_file.h"

namespace gabion::ban {

struct LoadReport {
    std::size_t added = 0;
    std::size_t extended = 0;  // were in force already: their time is the new one
};

class BanLoad {
public:
    // `order` is for all of them: set, note, by, and until_ns for those without a duration of their own. Durations count from
    // now_ns.
    BanLoad(BanBook& book, std::vector<LoadTarget> targets, const Order& order, std::uint64_t now_ns);
    ~BanLoad();
    BanLoad(const BanLoad&) = delete;
    BanLoad& operator=(const BanLoad&) = delete;

    // Up to `count` targets more; about 0.2 us each. Returns whether the load is done, well or not: `result` tells.
    bool step(std::size_t count);
    [[nodiscard]] Result<LoadReport> result() const;

private:
    void undo();

    BanBook& book_;
    std::vector<LoadTarget> targets_;
    std::vector<bool> added_;
    std::vector<BanBook::Former> extended_;
    Order order_;
    std::uint64_t until_ns_;
    std::uint64_t now_ns_;
    std::size_t next_ = 0;
    LoadReport report_;
    Error error_;
    bool failed_ = false;
};

}  // namespace gabion::ban
