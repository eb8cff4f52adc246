// SPDX-License-Identifier: Apache-2.0
#include "dataplane/ban/ban_load.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <utility>

namespace gabion::ban {
namespace {

// So far ahead of its turn a target's lines are fetched.
constexpr std::size_t ahead = 12;

// A long list is loaded part of the tables by part: taken as it comes, each of its addresses would miss cache and TLB in the table, in
// what runs beside it and in the book's index. Each part of the usual tables is some ten kilobytes.
constexpr std::size_t parts = 512;
constexpr std::size_t sorted_from = 65536;

// Equal targets keep their order: the last one counts.
std::vector<LoadTarget> by_part(std::vector<LoadTarget> targets, const BanBook& book, gabion_set set) {
    if (targets.size() < sorted_from) return targets;
    std::vector<std::uint16_t> part(targets.size());
    std::array<std::size_t, parts + 1> begin{};
    for (std::size_t i = 0; i < targets.size(); ++i) {
        part[i] = static_cast<std::uint16_t>(book.place_in_table(set, targets[i].target) * parts >> 32);
        ++begin[part[i] + 1u];
    }
    std::partial_sum(begin.begin(), begin.end(), begin.begin());
    std::vector<LoadTarget> sorted(targets.size());
    for (std::size_t i = 0; i < targets.size(); ++i)
        sorted[begin[part[i]]++] = targets[i];
    return sorted;
}

}  // namespace

BanLoad::BanLoad(BanBook& book, std::vector<LoadTarget> targets, const Order& order, std::uint64_t now_ns)
    : book_(book),
      targets_(by_part(std::move(targets), book, order.set)),
      added_(targets_.size()),
      order_(order),
      until_ns_(order.until_ns),
      now_ns_(now_ns) {
    book_.reserve(order_.set, targets_.size());
    order_.shared_detail = book_.share_detail(order_);
}

BanLoad::~BanLoad() {
    for (const BanBook::Former& former : extended_)
        book_.forget(former);
    book_.unshare_detail(order_.shared_detail);
}

bool BanLoad::step(std::size_t count) {
    if (failed_) return true;
    for (; count > 0 && next_ < targets_.size(); --count, ++next_) {
        const LoadTarget& wanted = targets_[next_];
        if (next_ + ahead < targets_.size()) book_.prefetch(order_.set, targets_[next_ + ahead].target);
        order_.target = wanted.target;
        order_.until_ns =
            wanted.duration_s == 0 ? until_ns_ : now_ns_ + wanted.duration_s * std::uint64_t{1'000'000'000};
        BanBook::Former former;
        const auto outcome = book_.add(order_, now_ns_, &former);
        if (!outcome) {
            error_ = outcome.error();
            error_.text += "; nothing was loaded";
            failed_ = true;
            undo();
            return true;
        }
        if (*outcome == Outcome::added) {
            added_[next_] = true;
            ++report_.added;
        } else {
            extended_.push_back(former);
            ++report_.extended;
        }
    }
    return next_ == targets_.size();
}

// Backwards, so that a target that stood twice in the list ends as it began.
void BanLoad::undo() {
    std::size_t former = extended_.size();
    for (std::size_t i = next_; i-- > 0;) {
        if (added_[i]) {
            book_.withdraw(order_.set, targets_[i].target);
        } else {
            book_.put_back(extended_[--former], now_ns_);
        }
    }
    extended_.clear();
}

Result<LoadReport> BanLoad::result() const {
    if (failed_) return error_;
    return report_;
}

}  // namespace gabion::ban
