// SPDX-License-Identifier: Apache-2.0
// What can be told of an entry beyond its times: reason, who, note, evidence. Entries that were made together share one; a record
// holds its number and counts as a user of it. Number 0 is the plain one and needs no counting. For one thread.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "dataplane/detect/verdict.h"

namespace gabion::ban {

using DetailId = std::uint32_t;

struct Detail {
    const char* reason = "operator";  // interned or a literal, as is `by`
    const char* by = "";
    std::string note;
    double rate_pps = 0;
    std::uint64_t serial = 0;  // never reused, other than the number
    std::uint32_t users = 0;
    bool has_evidence = false;
    const char* detector = "";
    detect::Standing standing = detect::Standing::unproven;
    std::uint32_t window_ms = 0;
    std::uint32_t samples = 0;
    std::vector<detect::Figure> figures;

    void set_evidence(const detect::Evidence& evidence);
    [[nodiscard]] detect::Evidence evidence() const noexcept;
};

class DetailPool {
public:
    DetailPool() : details_(1) {}

    // A detail without users yet.
    DetailId create();
    void use(DetailId id) noexcept { details_[id].users += id != 0; }
    void release(DetailId id) noexcept;

    [[nodiscard]] Detail& operator[](DetailId id) noexcept { return details_[id]; }
    [[nodiscard]] const Detail& operator[](DetailId id) const noexcept { return details_[id]; }

    // The same text always has the same address, which stays valid as long as the pool.
    const char* intern(std::string_view text);

private:
    std::deque<Detail> details_;
    std::vector<DetailId> free_;
    std::unordered_set<std::string> names_;
    std::uint64_t serial_ = 0;
};

}  // namespace gabion::ban
