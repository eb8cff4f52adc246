// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <span>

#include "dataplane/ban/state_file.h"
#include "dataplane/ban/state_format.h"
#include "dataplane/core/atomic_file.h"
#include "dataplane/core/fd.h"

namespace gabion::ban {
namespace {

using state::put;
using state::put_text;

// Watches are short and come again by themselves.
constexpr std::array saved_sets{GABION_SET_ALLOW, GABION_SET_OPERATOR, GABION_SET_DETECTOR, GABION_SET_QUARANTINE};

void put_target(std::string& bytes, const Prefix& target) {
    put(bytes, static_cast<std::uint8_t>(target.family));
    put(bytes, target.length);
    bytes.append(reinterpret_cast<const char*>(target.bytes.data()), target.family == Family::v4 ? 4 : 16);
}

void put_detail(std::string& bytes, const Detail& detail) {
    put_text(bytes, detail.reason);
    put_text(bytes, detail.by);
    put_text(bytes, detail.note);
    put(bytes, detail.rate_pps);
    put(bytes, static_cast<std::uint8_t>(detail.has_evidence));
    if (!detail.has_evidence) return;
    put_text(bytes, detail.detector);
    put(bytes, static_cast<std::uint8_t>(detail.standing));
    put(bytes, detail.window_ms);
    put(bytes, detail.samples);
    put(bytes, static_cast<std::uint8_t>(detail.figures.size()));
    for (const detect::Figure& figure : detail.figures) {
        put_text(bytes, figure.name == nullptr ? "" : figure.name);
        put(bytes, figure.value);
        put(bytes, figure.threshold);
    }
}

}  // namespace

Moment Moment::now() {
    Moment moment;
    moment.wall_ns = wall_now_ns();
    moment.boot_ns = boot_now_ns();
    const UniqueFd fd(::open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC));
    if (!fd ||
        ::read(fd.get(), moment.boot_id.data(), moment.boot_id.size()) != static_cast<ssize_t>(moment.boot_id.size()))
        moment.boot_id = {};
    return moment;
}

StateSnapshot::StateSnapshot(const BanBook& book, const Moment& moment)
    : book_(book), moment_(moment), generation_(book.generation()) {
    std::size_t records = 0;
    for (const gabion_set set : saved_sets)
        records += book.size(set);
    bytes_.reserve(records * 32 + 4096);
}

void StateSnapshot::put_record(gabion_set set, const Record& record) {
    const std::uint64_t now_ns = moment_.boot_ns;
    put(bytes_, std::uint8_t{1});
    put(bytes_, static_cast<std::uint8_t>(set));
    put(bytes_, record.extra);
    put_target(bytes_, record.target);
    put(bytes_, now_ns > record.since_ns ? now_ns - record.since_ns : std::uint64_t{0});
    put(bytes_, record.until_ns == never_ns ? never_ns : record.until_ns - std::min(now_ns, record.until_ns));
    if (set == GABION_SET_QUARANTINE) {
        const auto place = book_.set(set).find(record.target);
        const gabion_quarantine* const limits = place ? book_.set(set).state(*place) : nullptr;
        const gabion_quarantine of = limits != nullptr ? *limits : gabion_quarantine{};
        put(bytes_, of.flags);
        put(bytes_, of.protocol);
        put(bytes_, of.destination_port);
        put(bytes_, of.ttl_low);
        put(bytes_, of.ttl_high);
    }
    if (record.detail == 0) {
        put(bytes_, std::uint32_t{0});
        return;
    }
    const Detail& detail = book_.details()[record.detail];
    const auto [known, is_new] = details_.try_emplace(detail.serial, static_cast<std::uint32_t>(details_.size() + 1));
    put(bytes_, known->second);
    if (is_new) put_detail(bytes_, detail);
}

bool StateSnapshot::step(std::size_t count) {
    for (; set_ < saved_sets.size(); ++set_, next_ = 0) {
        const RecordStore& store = book_.records(saved_sets[set_]);
        for (; next_ < store.end(); ++next_, --count) {
            if (count == 0) return false;
            const bool wanted = store.in_use(next_) && (store[next_].flags & record_from_config) == 0;
            if (wanted && store[next_].until_ns > moment_.boot_ns) put_record(saved_sets[set_], store[next_]);
        }
    }
    if (!complete_) put_offenders();
    complete_ = true;
    return true;
}

void StateSnapshot::put_offenders() {
    put(bytes_, std::uint8_t{0});
    for (const Offenders::Offender& offender : book_.offenders().all()) {
        put(bytes_, std::uint8_t{1});
        put_target(bytes_, offender.source);
        put(bytes_, offender.level);
        put(bytes_, static_cast<std::int64_t>(offender.until_ns - moment_.boot_ns));
    }
    put(bytes_, std::uint8_t{0});
}

std::string StateSnapshot::finish() {
    while (!step(~std::size_t{0})) {
    }
    std::string file(state::magic);
    file.reserve(bytes_.size() + 128);
    put(file, state::version);
    put(file, moment_.wall_ns);
    put(file, moment_.boot_ns);
    file.append(moment_.boot_id.data(), moment_.boot_id.size());
    put(file, static_cast<std::uint64_t>(bytes_.size()));
    put(file, state::checksum(bytes_));
    file += bytes_;
    return file;
}

Result<void> commit_state(const std::string& path, const std::string& bytes) {
    return write_atomically(path, std::as_bytes(std::span(bytes)));
}

}  // namespace gabion::ban
