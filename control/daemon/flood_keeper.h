// SPDX-License-Identifier: Apache-2.0
// Keeps the rates of the whole host right (bpf/abi/caps.h): learns what is normal for each class of packets from calm traffic, writes
// from it the rate above which the kernel raises a flood by itself and the cap that holds meanwhile, writes the operator's caps, and
// tells when a flood begins and ends. Works on values that the caller reads and writes, ten times a second; owns no clock and no map.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "bpf/abi/control.h"
#include "bpf/abi/cpu.h"

namespace gabion::daemon {

struct FloodClass {
    std::uint64_t trigger_pps = 0;  // 0 = learned
    std::uint64_t floor_pps = 0;    // a learned trigger, and the cap during a flood, are never below
    std::uint64_t cap_pps = 0;      // 0 = only while a flood is on, at a multiple of normal
    bool capped = false;            // whether there is a cap for this class at all
};

struct PortCap {
    bool udp = false;
    std::uint16_t port = 0;
    std::uint64_t pps = 0;
};

struct FloodSettings {
    std::array<FloodClass, GABION_FLOOD_CLASSES> kind{};
    double trigger_factor = 8;
    double cap_factor = 2;
    double hold_s = 5;
    std::uint64_t control_pps = 0;        // 0: no limit
    std::uint64_t new_sources_per_s = 0;  // let in while a flood is on; 0 = learned
    std::vector<PortCap> ports;
};

struct FloodEvent {
    std::string kind;  // "flood-began", "flood-ended", "floods-learned"
    std::string text;
};

// What the keeper writes.
struct FloodTables {
    gabion_control& control;
    std::span<gabion_cell> cells;
    std::span<std::uint64_t> port_rules;
};

class FloodKeeper {
public:
    explicit FloodKeeper(std::uint32_t hz) noexcept : hz_(hz) {}

    void configure(FloodSettings settings) { settings_ = std::move(settings); }
    // Writes everything; `tick` then follows what is learned.
    void apply(const FloodTables& tables) const noexcept;

    // `interfaces`: every CPU of every interface. `calm`: no detector sees an attack; what the kernel sees is looked up here. `now_ticks`
    // is the kernel's clock, `now_ns` the one that rates are measured by.
    std::vector<FloodEvent> tick(std::span<const std::span<const gabion_cpu>> interfaces, std::uint32_t now_ticks,
                                 std::uint64_t now_ns, bool calm, const FloodTables& tables);

    // While single sources are looked at (bpf/abi/source.h), a second: sources that had no place, and handshakes completed.
    struct Arrivals {
        double new_sources = 0;
        double connections = 0;
    };
    // The most of the flood that is on, or of the last one.
    [[nodiscard]] const Arrivals& height() const noexcept { return height_; }

    // Packets a second at which a flood of this class is raised, and the cap; 0 = none.
    [[nodiscard]] double trigger_pps(gabion_flood_class kind) const noexcept;
    [[nodiscard]] double cap_pps(gabion_flood_class kind) const noexcept;
    // Sources a second that are let in while a flood is on; 0 = all.
    [[nodiscard]] double new_sources_per_s() const noexcept;
    [[nodiscard]] bool learned() const noexcept { return calm_s_ >= learning_s; }
    [[nodiscard]] double normal_pps(gabion_flood_class kind) const noexcept { return normal_[kind]; }

    // What was learned, kept over a restart: one number a class. Empty when there is nothing.
    [[nodiscard]] std::string save() const;
    void restore(const std::string& text) noexcept;

private:
    void learn(const std::array<double, GABION_FLOOD_CLASSES>& pps, double seconds) noexcept;
    void follow(const FloodTables& tables, std::uint32_t now_ticks, std::vector<FloodEvent>& events);
    void write_classes(const FloodTables& tables) const noexcept;
    void follow_arrivals(std::span<const std::span<const gabion_cpu>> interfaces, double seconds, bool flood) noexcept;

    static constexpr double learning_s = 10;

    std::uint32_t hz_;
    FloodSettings settings_;
    std::array<double, GABION_FLOOD_CLASSES> normal_{};  // the calm peak
    std::array<std::uint64_t, GABION_FLOOD_CLASSES> counted_{};
    std::array<std::uint64_t, GABION_FLOOD_CLASSES> raised_{};  // as last seen
    std::array<bool, GABION_FLOOD_CLASSES> on_{};
    std::uint64_t new_sources_ = 0;
    std::uint64_t connections_ = 0;
    double arrivals_s_ = 0;  // since both were last looked at
    bool flood_was_on_ = false;
    Arrivals height_;
    std::size_t cpus_ = 0;
    std::uint64_t last_ns_ = 0;
    double calm_s_ = 0;
};

}  // namespace gabion::daemon
