// SPDX-License-Identifier: Apache-2.0
#include <sys/stat.h>

#include <algorithm>
#include <vector>

#include "dataplane/ban/state_file.h"
#include "dataplane/ban/state_format.h"
#include "dataplane/ban/target_file.h"

namespace gabion::ban {
namespace {

// 2024-01-01: a wall clock that shows less was never set.
constexpr std::int64_t plausible_wall_ns = 1'704'067'200'000'000'000;

// One pass over a file's records. The first pass only looks whether all of them can be read.
class StateReader {
public:
    StateReader(BanBook& book, std::string_view bytes, bool apply, bool tables_are_new, std::uint64_t elapsed_ns,
                std::uint64_t now_ns)
        : book_(book),
          in_(bytes),
          apply_(apply),
          tables_are_new_(tables_are_new),
          elapsed_ns_(elapsed_ns),
          now_ns_(now_ns) {}

    bool run() {
        while (in_.ok() && in_.get<std::uint8_t>() == 1) {
            if (!record()) return false;
        }
        while (in_.ok() && in_.get<std::uint8_t>() == 1)
            offender();
        for (const DetailId detail : details_)
            book_.unshare_detail(detail);
        return in_.ok() && in_.rest().empty();
    }
    [[nodiscard]] const RestoreReport& report() const noexcept { return report_; }

private:
    bool target(Prefix& to) {
        const auto family = in_.get<std::uint8_t>();
        to.length = in_.get<std::uint8_t>();
        if (family != 4 && family != 6) return false;
        to.family = static_cast<Family>(family);
        const auto bytes = in_.get_bytes(family == 4 ? 4 : 16);
        std::copy(bytes.begin(), bytes.end(), reinterpret_cast<char*>(to.bytes.data()));
        return in_.ok() && to.length <= to.width();
    }

    bool record() {
        BanBook::Restored entry;
        const auto set = in_.get<std::uint8_t>();
        entry.extra = in_.get<std::uint8_t>();
        if (set >= GABION_SET_COUNT || !target(entry.target)) return false;
        entry.set = static_cast<gabion_set>(set);
        const auto age_ns = in_.get<std::uint64_t>();
        const auto left_ns = in_.get<std::uint64_t>();
        entry.since_ns = now_ns_ - std::min(now_ns_, age_ns + elapsed_ns_);
        if (left_ns != never_ns) entry.until_ns = now_ns_ + left_ns - std::min(left_ns, elapsed_ns_);
        if (entry.set == GABION_SET_QUARANTINE) {
            entry.scope.flags = in_.get<std::uint8_t>();
            entry.scope.protocol = in_.get<std::uint8_t>();
            entry.scope.destination_port = in_.get<std::uint16_t>();
            entry.scope.ttl_low = in_.get<std::uint8_t>();
            entry.scope.ttl_high = in_.get<std::uint8_t>();
        }
        if (!detail(entry.detail) || !in_.ok()) return false;
        if (apply_) put(entry);
        return true;
    }

    bool detail(DetailId& id) {
        const auto number = in_.get<std::uint32_t>();
        if (number > seen_ + 1) return false;
        if (number == seen_ + 1) {
            ++seen_;
            read_detail();
        }
        if (apply_) id = number == 0 ? 0 : details_[number - 1];
        return true;
    }

    void read_detail() {
        Detail read;
        const auto name = [this](std::string_view text) { return apply_ ? book_.intern(text) : ""; };
        read.reason = name(in_.get_text());
        read.by = name(in_.get_text());
        read.note = in_.get_text();
        read.rate_pps = in_.get<double>();
        read.has_evidence = in_.get<std::uint8_t>() != 0;
        if (read.has_evidence) {
            read.detector = name(in_.get_text());
            read.standing = static_cast<detect::Standing>(std::min<std::uint8_t>(in_.get<std::uint8_t>(), 2));
            read.window_ms = in_.get<std::uint32_t>();
            read.samples = in_.get<std::uint32_t>();
            const auto figures = in_.get<std::uint8_t>();
            for (unsigned i = 0; i < figures && in_.ok(); ++i) {
                detect::Figure figure;
                figure.name = name(in_.get_text());
                figure.value = in_.get<double>();
                figure.threshold = in_.get<double>();
                read.figures.push_back(figure);
            }
        }
        if (!apply_) return;
        const DetailId id = book_.details().create();
        read.serial = book_.details()[id].serial;
        book_.details()[id] = std::move(read);
        book_.details().use(id);  // until the end of this pass
        details_.push_back(id);
    }

    void put(const BanBook::Restored& entry) {
        const bool present = book_.records(entry.set).find(entry.target).has_value();
        if (!present && (!tables_are_new_ || entry.until_ns <= now_ns_)) {
            ++report_.gone;
            return;
        }
        const Outcome outcome = book_.restore(entry, now_ns_);
        if (outcome == Outcome::extended) ++report_.kept;
        if (outcome == Outcome::added) ++report_.restored;
        if (!in_force(outcome)) ++report_.no_room;
    }

    void offender() {
        Offenders::Offender read;
        if (!target(read.source)) return;
        read.level = std::min(in_.get<std::uint8_t>(), Offenders::level_max);
        const std::int64_t until =
            static_cast<std::int64_t>(now_ns_) + in_.get<std::int64_t>() - static_cast<std::int64_t>(elapsed_ns_);
        read.until_ns = until > 0 ? static_cast<std::uint64_t>(until) : 0;
        if (apply_ && in_.ok()) book_.offenders().restore(read);
    }

    BanBook& book_;
    state::Reader in_;
    bool apply_;
    bool tables_are_new_;
    std::uint64_t elapsed_ns_;
    std::uint64_t now_ns_;
    std::uint32_t seen_ = 0;
    std::vector<DetailId> details_;
    RestoreReport report_;
};

// How long ago the file was written.
std::uint64_t elapsed_since(const Moment& saved, const Moment& now) noexcept {
    if (saved.boot_id == now.boot_id && saved.boot_id[0] != '\0' && now.boot_ns >= saved.boot_ns)
        return now.boot_ns - saved.boot_ns;
    if (saved.wall_ns < plausible_wall_ns || now.wall_ns <= saved.wall_ns) return 0;
    return static_cast<std::uint64_t>(now.wall_ns - saved.wall_ns);
}

Error unreadable(std::string_view name, std::string_view why) {
    return {"the state file " + std::string(name) + " cannot be used: " + std::string(why) +
                "; bans in the kernel stay in force, their reasons are lost",
            EINVAL};
}

}  // namespace

Result<RestoreReport> restore_state_bytes(BanBook& book, std::string_view bytes, std::string_view name,
                                          bool tables_are_new, const Moment& moment) {
    state::Reader header(bytes);
    if (header.get_bytes(state::magic.size()) != state::magic)
        return unreadable(name, "it is not a state file of Gabion");
    const auto version = header.get<std::uint32_t>();
    if (version != state::version) return unreadable(name, "it is of version " + std::to_string(version));
    Moment saved;
    saved.wall_ns = header.get<std::int64_t>();
    saved.boot_ns = header.get<std::uint64_t>();
    const auto boot_id = header.get_bytes(saved.boot_id.size());
    std::copy(boot_id.begin(), boot_id.end(), saved.boot_id.begin());
    const auto size = header.get<std::uint64_t>();
    const auto sum = header.get<std::uint64_t>();
    const std::string_view body = header.rest();
    if (!header.ok() || body.size() != size) return unreadable(name, "it is cut short");
    if (state::checksum(body) != sum) return unreadable(name, "its checksum is wrong");
    const std::uint64_t elapsed_ns = elapsed_since(saved, moment);
    if (!StateReader(book, body, false, false, elapsed_ns, moment.boot_ns).run())
        return unreadable(name, "its content contradicts itself");
    StateReader reader(book, body, true, tables_are_new, elapsed_ns, moment.boot_ns);
    reader.run();
    return reader.report();
}

Result<RestoreReport> restore_state(BanBook& book, const std::string& path, bool tables_are_new, const Moment& moment) {
    struct stat info {};
    if (::stat(path.c_str(), &info) != 0 && errno == ENOENT) return RestoreReport{};
    const auto bytes = read_target_file(path);
    if (!bytes) return unreadable(path, bytes.error().text);
    return restore_state_bytes(book, *bytes, path, tables_are_new, moment);
}

}  // namespace gabion::ban
