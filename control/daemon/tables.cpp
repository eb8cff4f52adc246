// SPDX-License-Identifier: Apache-2.0
#include "control/daemon/tables.h"

#include <algorithm>

#include "dataplane/ban/named_memory.h"
#include "dataplane/map/carry_over.h"
#include "dataplane/map/control_page.h"

namespace gabion::daemon {
namespace {

// A source seen in calm times is remembered between one and two of these.
constexpr std::uint64_t known_lifetime_ns = 3600ull * 1'000'000'000;

// Each interface's tables too, but not the links that hold programs on it.
void forget_interface_tables(const map::PinDirectory& pins) {
    for (const std::string& name : pins.subdirectories()) {
        const auto of_interface = pins.subdirectory(name);
        if (!of_interface || !of_interface->has("link")) continue;  // perhaps the pins of another daemon
        for (const map::MapSpec& spec : map::interface_maps(1, 1))
            of_interface->remove(spec.name);
    }
}

Result<map::MapGroup> open_shared(const map::PinDirectory& pins, const map::Capacities& capacities,
                                  bool& of_other_version) {
    const auto specs = map::shared_maps(capacities);
    const auto start_anew = [&] {
        for (const map::MapSpec& spec : specs)
            pins.remove(spec.name);
    };
    // Of another capacity. The program that enforces now goes on with its own maps until ours takes its place: with all of them,
    // since what `control` says of a table (that it is empty) must hold for the table that the program reads.
    if (!map::MapGroup::fits(pins, specs)) start_anew();
    auto shared = map::MapGroup::open(pins, specs);
    if (!shared) return shared;
    if (map::prepare_control(shared->values<gabion_control>("control")[0])) return shared;
    of_other_version = true;
    start_anew();
    forget_interface_tables(pins);
    shared = map::MapGroup::open(pins, specs);
    if (shared) map::prepare_control(shared->values<gabion_control>("control")[0]);
    return shared;
}

bool holds_bans(const std::string& name) {
    return name.starts_with("op_") || name.starts_with("det_") || name.starts_with("quar_") ||
           name.starts_with("allow_");
}

}  // namespace

Tables::Tables(map::PinDirectory pins, UniqueFd lock, map::MapGroup shared, map::KernelClock ticks)
    : pins_(std::move(pins)),
      lock_(std::move(lock)),
      shared_(std::move(shared)),
      ticks_(std::move(ticks)),
      memory_(ban::ban_memory(shared_)) {}

Result<std::unique_ptr<Tables>> Tables::open(const std::string& pin, const map::Capacities& capacities,
                                             const ban::BookOptions& options) {
    auto pins = map::PinDirectory::open(pin);
    if (!pins) return pins.error();
    auto lock = pins->lock();
    if (!lock) return lock.error();
    const bool has_predecessor = pins->has("control");
    bool of_other_version = false;
    auto shared = open_shared(*pins, capacities, of_other_version);
    if (!shared) return shared.error();
    auto ticks = map::KernelClock::open();
    if (!ticks) return ticks.error();
    const auto sample = ticks->sample();
    if (!sample) return sample.error();

    std::unique_ptr<Tables> tables(
        new Tables(std::move(*pins), std::move(*lock), std::move(*shared), std::move(*ticks)));
    const std::uint64_t now_ns = boot_now_ns();
    tables->book_.emplace(tables->memory_, TickClock(kernel_hz(), *sample), options);
    tables->known_.emplace(tables->memory_.control, tables->memory_.known_bloom, known_lifetime_ns, now_ns);
    tables->flows_ =
        std::make_unique<FlowView>(tables->shared_.values<gabion_flow_bucket>("flows"), *tables->memory_.control);
    tables->flows_->set_tick(tables->now_ticks());
    tables->are_new_ = std::any_of(tables->shared_.made().begin(), tables->shared_.made().end(), holds_bans);
    tables->of_other_version_ = of_other_version;
    tables->has_predecessor_ = has_predecessor;
    tables->book_->recover(now_ns);
    return tables;
}

Result<map::MapGroup> Tables::make_others(const map::MapGroup& shared, const map::PinDirectory& pins,
                                          const map::Capacities& capacities) {
    return shared.resized(pins, map::shared_maps(capacities));
}

Result<Tables::Others> Tables::fill_others(map::MapGroup shared, const ban::BookOptions& options) const {
    auto bans = book_->copy_to(ban::ban_memory(shared), options.limits);
    if (!bans) return bans.error();
    map::carry_over(shared_, shared);
    return Others{std::move(shared), std::move(*bans)};
}

void Tables::exchange(Others& others) {
    std::swap(shared_, others.shared);
    memory_ = ban::ban_memory(shared_);
    book_->exchange(others.bans);
    flows_->look_at(shared_.values<gabion_flow_bucket>("flows"));
}

std::uint32_t Tables::now_ticks() const noexcept { return static_cast<std::uint32_t>(clock().tick_at(boot_now_ns())); }

void Tables::resample() {
    const auto sample = ticks_.sample();
    if (sample) book_->resample(*sample, boot_now_ns());
    flows_->set_tick(now_ticks());
}

}  // namespace gabion::daemon
