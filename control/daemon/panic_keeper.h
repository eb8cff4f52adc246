// SPDX-License-Identifier: Apache-2.0
// Keeps the panic breaker's settings in the kernel right: the operator's mode and rate, or the rate learned from calm traffic; lowers
// every CPU's rate while several trip at once; and tells when the breaker trips and recovers. Works on values that the caller reads and
// writes, once a second; owns no clock and no map.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "bpf/abi/control.h"
#include "bpf/abi/cpu.h"

namespace gabion::daemon {

struct PanicSettings {
    gabion_panic_mode mode = GABION_PANIC_AUTO;
    std::uint64_t rate_pps = 0;  // per CPU; 0 = learned
    double drop_ratio = 0.8;
    std::uint64_t global_rate_pps =
        0;  // all CPUs together while several trip at once; 0 = half of what they have alone
};

struct PanicEvent {
    std::string
        kind;  // "breaker-tripped", "breaker-recovered", "breaker-learned", "breaker-coordinated", "breaker-uncoordinated"
    std::string text;
};

class PanicKeeper {
public:
    explicit PanicKeeper(std::uint32_t hz) noexcept : hz_(hz) {}

    // Takes effect with the next tick; `apply` writes it at once.
    void configure(const PanicSettings& settings) noexcept { settings_ = settings; }
    void apply(gabion_panic_control& control) const noexcept;

    // Called about once a second. `cpus` holds every CPU of every interface; `calm` is false while a detector sees an attack.
    std::vector<PanicEvent> tick(std::span<const std::span<const gabion_cpu>> interfaces, std::uint32_t now_ticks,
                                 std::uint64_t now_ns, bool calm, gabion_panic_control& control);

    [[nodiscard]] const PanicSettings& settings() const noexcept { return settings_; }
    [[nodiscard]] bool tripped() const noexcept { return tripped_; }
    // Packets a second and CPU at which the breaker trips now; 0 while nothing is learned.
    [[nodiscard]] std::uint64_t rate_pps() const noexcept;

    // The calm peak, kept over a restart. 0 = nothing learned.
    [[nodiscard]] double learned_peak_pps() const noexcept { return learned() ? peak_pps_ : 0; }
    void restore(double peak_pps) noexcept;

private:
    struct CpuSeen {
        std::uint64_t gone_on = 0;
        std::uint32_t trips = 0;
    };

    [[nodiscard]] bool learned() const noexcept { return calm_seconds_ >= calm_seconds_needed; }
    void learn(double busiest_pps, double seconds) noexcept;
    void coordinate(unsigned tripped_cpus, unsigned cpus, std::vector<PanicEvent>& events);

    static constexpr double calm_seconds_needed = 10;

    std::uint32_t hz_;
    PanicSettings settings_;
    std::vector<CpuSeen> seen_;
    std::uint64_t last_ns_ = 0;
    double peak_pps_ = 0;
    double calm_seconds_ = 0;
    std::uint64_t lowered_to_pps_ = 0;
    unsigned calm_ticks_ = 0;
    bool tripped_ = false;
};

}  // namespace gabion::daemon
