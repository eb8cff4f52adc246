// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/detect/simulation.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "bpf/abi/quarantine.h"
#include "bpf/abi/reason.h"
#include "dataplane/detect/slot.h"

namespace gabion::detect::test {
namespace {

constexpr double time_step = 0.001;
constexpr double judge_every = 0.02;
constexpr double sampler_period = 0.02;  // of the sampler
constexpr double verdict_delay = 0.001;  // from the judgement to the kernel
constexpr double clock_start = 1000;     // the clock does not start at 0

gabion_address address(const std::string& text) {
    gabion_address result{};
    if (::inet_pton(AF_INET, text.c_str(), result.word) != 1) ::inet_pton(AF_INET6, text.c_str(), result.word);
    return result;
}

// Streams that the host holds as established mark their packets here, where no detector looks.
constexpr std::uint16_t established_mark = 0xeeee;

bool marked_established(const void*, const gabion_packet& packet) noexcept {
    return packet.l4_offset == established_mark;
}

}  // namespace

gabion_packet packet(const PacketSpec& spec) {
    gabion_packet result{};
    result.source = address(spec.source);
    result.destination = address(spec.destination);
    result.ip_version = spec.destination.find(':') == std::string::npos ? 4 : 6;
    result.protocol = spec.protocol;
    result.ttl = spec.ttl;
    result.tcp_flags = spec.protocol == 6 ? spec.tcp_flags : std::uint8_t{0};
    result.source_port = spec.source_port;
    result.destination_port = spec.destination_port;
    result.flags = GABION_PACKET_L4;
    result.ip_length = spec.ip_length;
    result.frame_length = spec.ip_length + 14;
    return result;
}

void set_source4(gabion_packet& packet, std::uint32_t host_order) { packet.source.word[0] = htonl(host_order); }

void set_source6(gabion_packet& packet, std::uint64_t high, std::uint64_t low) {
    packet.source.word[0] = htonl(static_cast<std::uint32_t>(high >> 32));
    packet.source.word[1] = htonl(static_cast<std::uint32_t>(high));
    packet.source.word[2] = htonl(static_cast<std::uint32_t>(low >> 32));
    packet.source.word[3] = htonl(static_cast<std::uint32_t>(low));
}

Simulation::Simulation(const Options& options) : options_(options), random_(options.seed) {
    judged_s_ = -options.phase_s;
    const HashKey hash{random_() | 1, random_() | 1};
    analyst_ = std::make_unique<Analyst>(options.settings, hash);
    for (unsigned i = 0; i < options.queues; ++i) {
        queues_.emplace_back();
        queues_.back().observer = std::make_unique<Observer>(hash);
        queues_.back().observer->set_flow_lookup(marked_established, nullptr);
    }
}

std::uint64_t Simulation::nanoseconds(double time_s) const {
    return static_cast<std::uint64_t>((clock_start + time_s) * 1e9);
}

void Simulation::run_until(double end_s) {
    while (now_s_ < end_s - time_step / 2) {
        for (const Stream& stream : streams_) {
            if (now_s_ < stream.start_s || now_s_ >= stream.end_s) continue;
            if (stream.on_s > 0 && std::fmod(now_s_ - stream.start_s, stream.period_s) >= stream.on_s) continue;
            std::poisson_distribution<unsigned> count(stream.pps * time_step);
            for (unsigned left = count(random_); left > 0; --left)
                deliver(stream, stream.make(random_), now_s_ + time_step / 2);
        }
        now_s_ += time_step;
        for (Queue& queue : queues_)
            queue.observer->housekeeping(nanoseconds(now_s_));
        if (now_s_ - judged_s_ >= judge_every - time_step / 2) judge(now_s_);
    }
}

void Simulation::deliver(const Stream& stream, const gabion_packet& made, double time_s) {
    gabion_packet packet = made;
    if (stream.established) packet.l4_offset = established_mark;
    ++(stream.attack ? attack_offered : calm_offered);
    if (options_.enforce && !(restrictions_.empty() && caps_.empty()) && dropped(stream, packet, time_s)) {
        ++(stream.attack ? attack_dropped : calm_dropped);
        return;
    }
    const std::uint64_t flow =
        (std::uint64_t{packet.source.word[0]} << 16 ^ packet.source.word[3] ^ packet.source_port) * 0x9e3779b97f4a7c15;
    Queue& queue = queues_[(flow >> 33) % queues_.size()];
    const unsigned one_in = ratio(queue, packet, time_s);
    if (one_in > 1 && random_() % one_in != 0) return;
    ++queue.taken;
    const gabion_sample sample{GABION_SAMPLE_MAGIC, GABION_REASON_SAMPLED, one_in, nanoseconds(time_s)};
    queue.observer->observe(packet, sample);
}

// The kernel's sampler as bpf/abi/cpu.h describes it: a ratio for each period from what the last one saw, doubled whenever
// the period's budget is used up, never thinner than one_in.
unsigned Simulation::ratio(Queue& queue, const gabion_packet& packet, double time_s) {
    const double budget = options_.budget_pps * sampler_period;
    if (time_s - queue.period_start_s >= sampler_period) {
        const double wanted = std::ceil(queue.seen / budget);
        queue.one_in = static_cast<unsigned>(std::clamp(wanted, 1.0, static_cast<double>(options_.one_in)));
        queue.period_start_s = time_s;
        queue.seen = queue.taken = 0;
    }
    ++queue.seen;
    if (queue.taken >= budget) {
        queue.one_in = std::min(queue.one_in * 2, options_.one_in);
        queue.taken = 0;
    }
    const auto posture = postures_.find(Prefix::from_packet(packet.ip_version, packet.destination));
    if (posture != postures_.end() && posture->second.second > time_s)
        return std::min(queue.one_in, posture->second.first);
    return queue.one_in;
}

bool Simulation::dropped(const Stream& stream, const gabion_packet& packet, double time_s) {
    const Prefix source = Prefix::from_packet(packet.ip_version, packet.source);
    for (const unsigned length : {128u, 64u, 56u, 48u, 32u, 24u}) {
        if (length > source.width()) continue;
        const auto found = restrictions_.find(source.shortened(length));
        if (found != restrictions_.end() && restricted(found->second, stream, packet, time_s)) return true;
    }
    const auto cap = caps_.find(Prefix::from_packet(packet.ip_version, packet.destination));
    if (cap == caps_.end() || known_.contains(source)) return false;
    return restricted(cap->second, stream, packet, time_s);
}

bool Simulation::restricted(Restriction& restriction, const Stream& stream, const gabion_packet& packet,
                            double time_s) {
    const Verdict& verdict = restriction.verdict;
    if (time_s < restriction.filled_s || time_s > restriction.until_s || stream.established) return false;
    if ((verdict.quarantine_flags & GABION_QUARANTINE_HOPS) != 0)
        return packet.ttl < verdict.ttl_low || packet.ttl > verdict.ttl_high;
    if ((verdict.quarantine_flags & GABION_QUARANTINE_CELL) != 0 &&
        (packet.protocol != verdict.protocol || packet.destination_port != verdict.destination_port))
        return false;
    if ((verdict.quarantine_flags & GABION_QUARANTINE_SPARE_KNOWN) != 0 &&
        known_.contains(Prefix::from_packet(packet.ip_version, packet.source)))
        return false;
    restriction.tokens =
        std::min(verdict.rate_pps / 10 + 1, restriction.tokens + (time_s - restriction.filled_s) * verdict.rate_pps);
    restriction.filled_s = time_s;
    if (restriction.tokens < 1) return true;
    restriction.tokens -= 1;
    return false;
}

void Simulation::judge(double time_s) {
    judged_s_ = time_s;
    for (Queue& queue : queues_) {
        while (SlotSummary* slot = queue.observer->take()) {
            analyst_->ingest(*slot);
            queue.observer->give_back(slot);
        }
    }
    const Judgement judgement = analyst_->judge(nanoseconds(time_s));
    for (const Notice& notice : judgement.notices)
        notices.emplace_back(time_s, notice);
    if (!judgement.verdicts.empty()) {
        known_.clear();
        for (const Prefix& source : analyst_->calm_sources())
            known_.insert(source);
    }
    for (const Verdict& verdict : judgement.verdicts) {
        decisions.push_back({time_s, verdict});
        const double from = time_s + verdict_delay;
        const double until = from + static_cast<double>(verdict.duration.count()) / 1000;
        if (verdict.kind == VerdictKind::quarantine && !verdict.dry_run)
            restrictions_[verdict.target] = {verdict, until, 1, from};
        if (verdict.kind == VerdictKind::cap && !verdict.dry_run) caps_[verdict.target] = {verdict, until, 1, from};
        if (verdict.kind == VerdictKind::raise_posture) postures_[verdict.target] = {verdict.one_in, until};
    }
}

std::vector<Decision> Simulation::cutting(double since_s) const {
    std::vector<Decision> result;
    for (const Decision& decision : decisions)
        if (decision.time_s >= since_s &&
            (decision.verdict.kind == VerdictKind::quarantine || decision.verdict.kind == VerdictKind::cap))
            result.push_back(decision);
    return result;
}

std::optional<double> Simulation::first_cut(double since_s, VerdictKind kind) const {
    for (const Decision& decision : decisions)
        if (decision.time_s >= since_s && decision.verdict.kind == kind) return decision.time_s - since_s;
    return std::nullopt;
}

bool Simulation::noticed(const std::string& kind, double since_s) const {
    return std::any_of(notices.begin(), notices.end(),
                       [&](const auto& notice) { return notice.first >= since_s && notice.second.kind == kind; });
}

}  // namespace gabion::detect::test
