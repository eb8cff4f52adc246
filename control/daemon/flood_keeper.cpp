// SPDX-License-Identifier: Apache-2.0
#include "control/daemon/flood_keeper.h"

#include <algorithm>
#include <cmath>
#include <sstream>

#include "bpf/lib/flood.h"
#include "control/daemon/map_word.h"

namespace gabion::daemon {
namespace {

constexpr double tick = 65536.0;
// What a trigger lets go at once: a flood of ten times its rate is seen after two milliseconds, and an ordinary burst is not one.
constexpr double trigger_burst_s = 0.02;
// What a cap lets go at once.
constexpr double cap_burst_s = 0.1;
// How fast the learned peak may follow the traffic, a second: doubling takes an hour, so a slow climb is not learned.
constexpr double climb_per_second = 0.00019;
constexpr double decay_per_second = 0.00003;
// Seconds without any traffic to speak of teach nothing.
constexpr double teaching_pps_min = 10;

// Rates of new sources and connections are of so long a time: of a tenth of a second they would say little.
constexpr double arrivals_every_s = 1;
// What is learned of new sources is never below this.
constexpr double new_sources_floor = 5000;

constexpr std::array<const char*, GABION_FLOOD_CLASSES> names = {"TCP", "SYN", "UDP", "ICMP", "other protocols"};

std::uint32_t clamp32(double value) noexcept {
    return value >= 4294967295.0 ? 0xffffffffu : static_cast<std::uint32_t>(std::max(value, 1.0));
}

void write_rate(gabion_cell& cell, double pps, double burst_s, std::uint32_t hz) noexcept {
    const double interval = pps > 0 ? hz * tick * GABION_CAP_LOT / pps : 0;
    store(cell.burst, clamp32(std::max(2 * interval, burst_s * hz * tick)));
    store(cell.interval, pps > 0 ? clamp32(interval) : 0u);
}

using Counted = std::array<std::uint64_t, GABION_FLOOD_CLASSES>;

std::size_t cpus_of(std::span<const std::span<const gabion_cpu>> interfaces) {
    std::size_t cpus = 0;
    for (const auto& interface : interfaces)
        cpus += interface.size();
    return cpus;
}

Counted count(std::span<const std::span<const gabion_cpu>> interfaces) {
    Counted all{};
    for (const auto& interface : interfaces)
        for (const gabion_cpu& cpu : interface)
            for (std::size_t kind = 0; kind < all.size(); ++kind)
                all[kind] += cpu.lots.counted[kind] * GABION_CAP_LOT - cpu.lot[kind];
    return all;
}

void write_ports(const std::vector<PortCap>& ports, const FloodTables& tables, std::uint32_t hz) noexcept {
    clear_port_rules(tables.port_rules, PortRule::cap);
    for (std::size_t i = 0; i < std::min<std::size_t>(ports.size(), GABION_CAP_PORTS_MAX); ++i) {
        gabion_cell& cell = tables.cells[GABION_CELL_PORT + i];
        write_rate(cell, static_cast<double>(ports[i].pps), cap_burst_s, hz);
        number_port(tables.port_rules, ports[i].udp, ports[i].port, PortRule::cap, i + 1);
    }
}

std::string height_text(const FloodKeeper::Arrivals& height) {
    if (height.new_sources < 1 && height.connections < 1) return {};
    const auto whole = [](double rate) { return std::to_string(std::lround(rate)); };
    return "; at its height " + whole(height.new_sources) + " new sources and " + whole(height.connections) +
           " connections a second";
}

}  // namespace

double FloodKeeper::trigger_pps(gabion_flood_class kind) const noexcept {
    const FloodClass& of = settings_.kind[kind];
    if (of.trigger_pps != 0) return static_cast<double>(of.trigger_pps);
    return learned() ? std::max(settings_.trigger_factor * normal_[kind], static_cast<double>(of.floor_pps)) : 0;
}

double FloodKeeper::cap_pps(gabion_flood_class kind) const noexcept {
    const FloodClass& of = settings_.kind[kind];
    if (!of.capped) return 0;
    if (of.cap_pps != 0) return static_cast<double>(of.cap_pps);
    return learned() ? std::max(settings_.cap_factor * normal_[kind], static_cast<double>(of.floor_pps)) : 0;
}

// In calm times there is at most one new source for each packet of what has no connections.
double FloodKeeper::new_sources_per_s() const noexcept {
    if (settings_.new_sources_per_s != 0) return static_cast<double>(settings_.new_sources_per_s);
    const double usual = normal_[GABION_FLOOD_UDP] + normal_[GABION_FLOOD_ICMP] + normal_[GABION_FLOOD_OTHER];
    return learned() ? std::max(usual, new_sources_floor) : 0;
}

void FloodKeeper::write_classes(const FloodTables& tables) const noexcept {
    for (std::size_t i = 0; i < GABION_FLOOD_CLASSES; ++i) {
        const auto kind = static_cast<gabion_flood_class>(i);
        gabion_cell& cap = tables.cells[GABION_CELL_CAP + i];
        store(cap.flood_only, settings_.kind[i].cap_pps == 0 ? 1u : 0u);
        write_rate(cap, cap_pps(kind), cap_burst_s, hz_);
        write_rate(tables.cells[GABION_CELL_TRIGGER + i], trigger_pps(kind), trigger_burst_s, hz_);
    }
    write_rate(tables.cells[GABION_CELL_NEW_SOURCES], new_sources_per_s(), cap_burst_s, hz_);
}

void FloodKeeper::apply(const FloodTables& tables) const noexcept {
    std::uint32_t whole_way = 0;
    write_classes(tables);
    for (std::size_t i = 0; i < GABION_FLOOD_CLASSES; ++i)
        if (settings_.kind[i].cap_pps != 0) whole_way |= 1u << i;
    for (const PortCap& port : settings_.ports)
        whole_way |= port.udp ? 1u << GABION_FLOOD_UDP : 1u << GABION_FLOOD_TCP | 1u << GABION_FLOOD_SYN;
    gabion_caps_control& control = tables.control.caps;
    write_rate(tables.cells[GABION_CELL_CONTROL], static_cast<double>(settings_.control_pps), cap_burst_s, hz_);
    store(control.flood_ticks, std::max(1.0, settings_.hold_s * hz_));
    write_ports(settings_.ports, tables, hz_);
    store(control.ports, settings_.ports.size());
    store(control.whole_way, whole_way);
}

void FloodKeeper::learn(const std::array<double, GABION_FLOOD_CLASSES>& pps, double seconds) noexcept {
    double all = 0;
    for (const double one : pps)
        all += one;
    if (all < teaching_pps_min) return;
    for (std::size_t i = 0; i < pps.size(); ++i) {
        double& normal = normal_[i];
        if (!learned())
            normal = std::max(normal, pps[i]);
        else if (pps[i] > normal)
            normal = std::min(pps[i], std::max(normal, teaching_pps_min) * (1 + climb_per_second * seconds));
        else
            normal = std::max(pps[i], normal * (1 - decay_per_second * seconds));
    }
    calm_s_ += seconds;
}

// New sources and connections: how many come in a second while a flood is on. In calm times nobody asks.
void FloodKeeper::follow_arrivals(std::span<const std::span<const gabion_cpu>> interfaces, double seconds,
                                  bool flood) noexcept {
    std::uint64_t new_sources = 0;
    std::uint64_t connections = 0;
    for (const auto& interface : interfaces)
        for (const gabion_cpu& cpu : interface) {
            new_sources += cpu.lots.new_sources;
            connections += cpu.lots.connections;
        }
    if (flood && !flood_was_on_) height_ = {};
    const bool restarts =
        seconds <= 0 || flood != flood_was_on_ || new_sources < new_sources_ || connections < connections_;
    flood_was_on_ = flood;
    arrivals_s_ = restarts ? 0 : arrivals_s_ + seconds;
    if (!restarts && arrivals_s_ < arrivals_every_s) return;
    if (!restarts && flood) {
        height_.new_sources =
            std::max(height_.new_sources, static_cast<double>(new_sources - new_sources_) / arrivals_s_);
        height_.connections =
            std::max(height_.connections, static_cast<double>(connections - connections_) / arrivals_s_);
    }
    new_sources_ = new_sources;
    connections_ = connections;
    arrivals_s_ = 0;
}

// Floods that the kernel raised by itself begin with a hit of their cell and end when their time is over.
void FloodKeeper::follow(const FloodTables& tables, std::uint32_t now_ticks, std::vector<FloodEvent>& events) {
    for (std::size_t i = 0; i < on_.size(); ++i) {
        const auto kind = static_cast<gabion_flood_class>(i);
        const std::uint64_t raised = tables.cells[GABION_CELL_TRIGGER + i].hits;
        const bool lasts = gabion_flood_of(&tables.control, kind, now_ticks) != 0;
        if (!on_[i] && raised != raised_[i]) {
            on_[i] = true;
            events.push_back(
                {"flood-began",
                 std::string(names[i]) + ": more than " +
                     std::to_string(static_cast<std::uint64_t>(trigger_pps(kind))) + " packets a second" +
                     (cap_pps(kind) > 0 ? ", capped at " + std::to_string(static_cast<std::uint64_t>(cap_pps(kind)))
                                        : "")});
        }
        if (on_[i] && !lasts) {
            on_[i] = false;
            events.push_back({"flood-ended", std::string(names[i]) + ": back to normal" + height_text(height_)});
        }
        raised_[i] = raised;
    }
}

std::vector<FloodEvent> FloodKeeper::tick(std::span<const std::span<const gabion_cpu>> interfaces,
                                          std::uint32_t now_ticks, std::uint64_t now_ns, bool calm,
                                          const FloodTables& tables) {
    std::vector<FloodEvent> events;
    const Counted counted = count(interfaces);
    const double seconds = last_ns_ == 0 ? 0 : static_cast<double>(now_ns - last_ns_) / 1e9;
    std::array<double, GABION_FLOOD_CLASSES> pps{};
    const std::size_t cpus = cpus_of(interfaces);
    bool sound = seconds > 0 && cpus == cpus_;  // else an interface came or went
    for (std::size_t i = 0; i < pps.size(); ++i) {
        sound = sound && counted[i] >= counted_[i];
        pps[i] = sound ? static_cast<double>(counted[i] - counted_[i]) / seconds : 0;
    }
    counted_ = counted;
    cpus_ = cpus;
    last_ns_ = now_ns;
    const bool was_learned = learned();
    const bool flood = gabion_flood_any(&tables.control, now_ticks) != 0;
    follow_arrivals(interfaces, sound ? seconds : 0, flood);
    follow(tables, now_ticks, events);
    if (calm && !flood && sound) learn(pps, seconds);
    if (!was_learned && learned()) events.push_back({"floods-learned", "what is normal for each class of packets"});
    if (learned()) write_classes(tables);
    return events;
}

std::string FloodKeeper::save() const {
    if (!learned()) return {};
    std::ostringstream text;
    for (const double normal : normal_)
        text << normal << ' ';
    return text.str();
}

void FloodKeeper::restore(const std::string& text) noexcept {
    std::istringstream numbers(text);
    std::array<double, GABION_FLOOD_CLASSES> normal{};
    for (double& one : normal)
        if (!(numbers >> one) || !(one >= 0) || !std::isfinite(one)) return;
    normal_ = normal;
    calm_s_ = learning_s;
}

}  // namespace gabion::daemon
