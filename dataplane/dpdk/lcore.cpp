// SPDX-License-Identifier: Apache-2.0
#include "dataplane/dpdk/lcore.h"

#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_pause.h>

#include <array>
#include <ctime>
#include <utility>

#include "bpf/abi/sample.h"
#include "bpf/lib/count.h"
#include "dataplane/core/clock.h"
#include "dataplane/core/fetch.h"

namespace gabion::dpdk {
namespace {

const std::byte* begin_of(const rte_mbuf* frame) noexcept {
    return static_cast<const std::byte*>(frame->buf_addr) + frame->data_off;
}

std::span<const std::byte> bytes_of(const rte_mbuf* frame) noexcept { return {begin_of(frame), frame->data_len}; }

void fetch_headers(std::span<rte_mbuf* const> frames) noexcept {
    for (const rte_mbuf* frame : frames)
        fetch(begin_of(frame));
}

}  // namespace

Lcore::Lcore(const LcoreConfig& config, detect::Observer& observer) noexcept
    : config_(config),
      observer_(observer),
      credit_(*config.credit),
      counters_(*config.counters),
      to_inside_(config.inside, config.queue, config.inside_bytes_max, config.ports[GABION_SIDE_INSIDE]),
      to_outside_(config.outside, config.queue, config.outside_bytes_max, config.ports[GABION_SIDE_OUTSIDE]),
      now_ticks_(config.ticks->at(monotonic_now_ns())) {
    credit_.close();
    credit_.begin(UINT32_MAX);
    credit_.open(config.credit_packets);
}

void Lcore::run() noexcept {
    alive_.store(true, std::memory_order_relaxed);
    while (!stop_.load(std::memory_order_relaxed)) {
        if (round(monotonic_now_ns()))
            idle_ = 0;
        else
            rest();
    }
    credit_.close();
    alive_.store(false, std::memory_order_relaxed);
}

bool Lcore::round(std::uint64_t now_ns) noexcept {
    // Time never goes back for the stages, even where the relation of the clocks was put right meanwhile.
    const std::uint32_t now = config_.ticks->at(now_ns);
    if (static_cast<std::int32_t>(now - now_ticks_) > 0) now_ticks_ = now;
    const bool judged = judge_burst(now_ns);
    const bool noted = note_burst();
    observer_.housekeeping(now_ns);
    return judged || noted;
}

bool Lcore::judge_burst(std::uint64_t now_ns) noexcept {
    std::array<rte_mbuf*, burst_packets> frames;
    const std::uint16_t count = rte_eth_rx_burst(config_.outside, config_.queue, frames.data(), burst_packets);
    if (count == 0) return false;
    look_ahead({frames.data(), count});
    for (std::uint16_t i = 0; i < count; ++i)
        judge(frames[i], now_ns);
    rte_pktmbuf_free_bulk(dropped_.data(), std::exchange(dropped_count_, 0));
    const std::uint32_t failed = to_inside_.send();
    counters_.now.completed += seen_;
    counters_.now.tx_failed += failed;
    counters_.now.lost += failed;
    seen_ = 0;
    counters_.publish();
    return true;
}

// Headers first, and with them, a burst at once, what the tables will be asked for.
void Lcore::look_ahead(std::span<rte_mbuf* const> frames) const noexcept {
    if (!config_.stages->hold_sources()) return fetch_headers(frames);
    for (const rte_mbuf* frame : frames)
        config_.stages->look_ahead(bytes_of(frame));
}

void Lcore::judge(rte_mbuf* frame, std::uint64_t now_ns) noexcept {
    const HostVerdict verdict = config_.stages->run(bytes_of(frame), *config_.cpu, config_.queue, now_ticks_);
    if (verdict.action == GABION_ACTION_FORWARD)
        to_inside_.add(frame, false);
    else if (verdict.action == GABION_ACTION_HAND_OVER)
        see(frame, verdict, now_ns);
    else
        dropped_[dropped_count_++] = frame;  // in inline mode nothing is passed to this host, nor answered
}

// What a worker does with a packet that is handed over to it, at once and in place.
void Lcore::see(rte_mbuf* frame, const HostVerdict& verdict, std::uint64_t now_ns) noexcept {
    const auto why = static_cast<__u16>(verdict.instead != GABION_REASON_NONE ? verdict.instead : verdict.reason);
    gabion_packet packet;
    if (parse(bytes_of(frame), packet) == GABION_REASON_NONE)
        observer_.observe(packet,
                          {.magic = GABION_SAMPLE_MAGIC, .reason = why, .one_in = verdict.one_in, .time_ns = now_ns});
    ++counters_.now.received;
    credit_.release(1);
    if (gabion_drops(why)) {
        counters_.count_drop(why);
        dropped_[dropped_count_++] = frame;
        return;
    }
    ++counters_.now.sent;
    ++seen_;
    to_inside_.add(frame, true);
}

bool Lcore::note_burst() noexcept {
    std::array<rte_mbuf*, burst_packets> frames;
    const std::uint16_t count = rte_eth_rx_burst(config_.inside, config_.queue, frames.data(), burst_packets);
    if (count == 0) return false;
    fetch_headers({frames.data(), count});
    for (std::uint16_t i = 0; i < count; ++i) {
        const HostVerdict verdict = config_.stages->run_inside(bytes_of(frames[i]), *config_.inside_cpu, now_ticks_);
        if (verdict.action == GABION_ACTION_FORWARD)
            to_outside_.add(frames[i], false);
        else
            rte_pktmbuf_free(frames[i]);
    }
    (void)to_outside_.send();  // none of them was seen, so that all that failed are counted there
    return true;
}

void Lcore::rest() noexcept {
    if (config_.idle_us == 0 || ++idle_ < idle_rounds) return rte_pause();
    const timespec sleep{0, static_cast<long>(config_.idle_us) * 1000};
    ::nanosleep(&sleep, nullptr);
}

}  // namespace gabion::dpdk
