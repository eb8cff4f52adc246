// SPDX-License-Identifier: Apache-2.0
#include "control/replay/replayer.h"

#include <algorithm>
#include <bit>

#include "bpf/abi/control.h"
#include "bpf/abi/cpu.h"
#include "bpf/abi/queue.h"
#include "bpf/abi/sample.h"
#include "bpf/lib/flood.h"
#include "control/daemon/flood_keeper.h"
#include "control/daemon/panic_keeper.h"
#include "control/daemon/settings.h"
#include "control/daemon/source_keeper.h"
#include "control/daemon/syn_keeper.h"
#include "control/replay/capture.h"
#include "dataplane/ban/bloom.h"
#include "dataplane/ban/named_memory.h"
#include "dataplane/ban/verdict_writer.h"
#include "dataplane/core/amplifiers.h"
#include "dataplane/core/host_pipeline.h"
#include "dataplane/detect/analyst.h"
#include "dataplane/detect/observer.h"

namespace gabion::replay {
namespace {

constexpr std::uint32_t hz = 250;
constexpr std::uint64_t second_ns = 1'000'000'000;
constexpr std::uint64_t judged_every_ns = 20'000'000;  // as the analyst's thread
constexpr std::uint64_t swept_every_ns = 100'000'000;  // as the control thread
constexpr std::uint64_t known_lifetime_ns = 3600 * second_ns;
constexpr std::uint64_t began_ns = 3600 * second_ns;  // the clocks' first reading: not 0, which stands for never
// What is left of a longer silence is jumped over: windows are empty and baselines rest.
constexpr std::uint64_t silence_max_ns = 60 * second_ns;
constexpr int learning_rounds_max = 100'000;

HostTableSizes table_sizes(const config::Config& config) {
    const map::Capacities capacities = daemon::capacities(config);
    const std::uint32_t most = std::max({capacities.operator_bans, capacities.detector_bans, capacities.quarantine});
    HostTableSizes sizes;
    sizes.exact4 = map::buckets4(most);
    sizes.exact6 = map::buckets6(std::min<std::uint32_t>(most, 65536));
    sizes.prefix4 = map::buckets4(capacities.prefixes);
    sizes.prefix6 = map::buckets6(capacities.prefixes);
    sizes.prefix_lines6 = std::bit_ceil(capacities.prefixes);
    sizes.bloom_words = std::bit_ceil(capacities.known_sources / 4);
    sizes.flows = std::bit_ceil(capacities.flows / 4);
    sizes.proven = map::proven_buckets(capacities.proven);
    sizes.source_sets = std::bit_ceil(capacities.sources / GABION_SOURCES_PER_SET);
    sizes.syn = capacities.syn_sources;
    return sizes;
}

}  // namespace

struct Replayer::Stage {
    config::Config config;
    HostPipeline pipeline;
    ban::BanMemory memory;
    ban::BanBook book;
    ban::DestinationTable destinations;
    ban::KnownSources known;
    ban::VerdictWriter writer;
    daemon::FloodKeeper floods{hz};
    daemon::SourceKeeper sources{hz, 0};
    daemon::SynKeeper syns{hz};
    detect::HashKey hash;
    detect::Observer observer;
    detect::Analyst analyst;

    std::uint64_t now_ns = began_ns;
    std::uint64_t judged_ns = began_ns;
    std::uint64_t swept_ns = began_ns;
    std::uint64_t fed_ns = began_ns;
    std::uint64_t zero_ns = began_ns;  // what decisions' times count from
    std::vector<Decision> decisions;
    std::vector<Occurrence> occurrences;
    std::vector<detect::Verdict> offences;  // as last collected

    explicit Stage(const config::Config& from)
        : config(from),
          pipeline(table_sizes(from)),
          memory(ban::ban_memory(pipeline)),
          book(memory, TickClock(hz, {.jiffies = tick_of(began_ns), .boot_ns = began_ns}), daemon::book_options(from)),
          destinations(memory),
          known(memory.control, memory.known_bloom, known_lifetime_ns, began_ns),
          writer(book, destinations,
                 [this](const detect::Verdict& verdict, ban::Outcome outcome) { note(verdict, outcome); }),
          observer(hash),
          analyst(daemon::detector_settings(from), hash) {
        gabion_control& control = pipeline.control();
        pipeline.settings().features = daemon::features(config);
        pipeline.settings().checks = daemon::checks(config);
        daemon::apply_sampling(config, hz, control);
        daemon::apply_switches(config, hz, control);
        daemon::PanicKeeper panic(hz);
        panic.configure(daemon::panic_settings(config));
        panic.apply(control.panic);
        floods.configure(daemon::flood_settings(config));
        floods.apply(flood_tables());
        sources.configure(daemon::source_settings(config));
        sources.apply(source_tables());
        tend_syns();
        write_amplifiers(with_own_amplifiers(config.amplification.rule),
                         {.ports = pipeline.values<std::uint64_t>("amp_ports"),
                          .index = pipeline.values<std::uint64_t>("amp_index"),
                          .rules = pipeline.values<gabion_amp_rule>("amp_rules")});
        pipeline.cpu().sampler.random = 1;
        gabion_queue& queue = pipeline.values<gabion_queue>("queues")[0];
        queue.limit = config.workers.credit;
        queue.frame_bytes_max = UINT32_MAX;
        queue.epoch = 1;
        (void)book.replace_config_allow(config.allow.targets, began_ns);
    }

    static std::uint64_t tick_of(std::uint64_t time_ns) noexcept { return time_ns / (second_ns / hz); }
    [[nodiscard]] double seconds() const noexcept { return static_cast<double>(now_ns - zero_ns) / 1e9; }

    daemon::FloodTables flood_tables() {
        return {pipeline.control(), pipeline.values<gabion_cell>("cells"),
                pipeline.values<std::uint64_t>("port_rules")};
    }

    daemon::SourceTables source_tables() {
        return {pipeline.control(), pipeline.values<gabion_source_limits>("source_limits"),
                pipeline.values<std::uint64_t>("port_rules"), pipeline.values<gabion_offence>("offences")};
    }

    // Nobody listens in a capture, whose cookies could be told from: a flood of SYNs meets the cap.
    void tend_syns() {
        syns.configure(config.syn, floods.trigger_pps(GABION_FLOOD_SYN), floods.cap_pps(GABION_FLOOD_SYN),
                       pipeline.control().syn);
    }

    void note(const detect::Verdict& verdict, ban::Outcome outcome) {
        if (outcome != ban::Outcome::extended) decisions.push_back({seconds(), verdict, outcome});
    }

    void judge() {
        observer.housekeeping(now_ns);
        while (detect::SlotSummary* slot = observer.take()) {
            analyst.ingest(*slot);
            observer.give_back(slot);
        }
        const detect::Judgement judgement = analyst.judge(now_ns);
        for (const detect::Verdict& verdict : judgement.verdicts)
            if (!verdict.dry_run) writer.apply({&verdict, 1}, now_ns);
        for (const detect::Notice& notice : judgement.notices)
            occurrences.push_back({seconds(), notice.kind, notice.target, notice.text});
    }

    void sweep() {
        book.sweep(now_ns);
        destinations.sweep(book.clock(), now_ns);
        const auto tick = static_cast<std::uint32_t>(tick_of(now_ns));
        daemon::tend_flood(pipeline.control(), analyst, tick, hz);
        const std::span<const gabion_cpu> cpus(&pipeline.cpu(), 1);
        for (daemon::FloodEvent& event : floods.tick({&cpus, 1}, tick, now_ns, !analyst.under_attack(), flood_tables()))
            occurrences.push_back({seconds(), event.kind, Prefix{.length = 0}, std::move(event.text)});
        for (daemon::SynEvent& event : syns.look(pipeline.values<gabion_syn_cell>("syn_cells"), tick))
            occurrences.push_back({seconds(), event.kind, Prefix{.length = 0}, std::move(event.text)});
        offences.clear();
        sources.collect(source_tables(), offences);
        writer.apply(offences, now_ns);
        if (now_ns - fed_ns < second_ns) return;
        tend_syns();
        fed_ns = now_ns;
        if (!analyst.under_attack())
            for (const Prefix& source : analyst.calm_sources())
                known.add(source);
        known.sweep(now_ns);
    }

    // Everything that happens between two packets, in the steps in which the daemon does it.
    void advance(std::uint64_t to_ns) {
        if (to_ns - now_ns > silence_max_ns) judged_ns = swept_ns = to_ns - silence_max_ns;
        while (judged_ns + judged_every_ns <= to_ns) {
            now_ns = judged_ns += judged_every_ns;
            judge();
            if (now_ns - swept_ns < swept_every_ns) continue;
            swept_ns = now_ns;
            sweep();
        }
        now_ns = to_ns;
    }

    // What a worker looks at and drops: dropped, for the reason for which it came.
    void drop_inspected(gabion_reason reason, std::size_t bytes) {
        gabion_count &inspected = pipeline.cpu().reason[GABION_REASON_INSPECTED],
                     &dropped = pipeline.cpu().reason[reason];
        inspected.packets--;
        inspected.bytes -= bytes;
        dropped.packets++;
        dropped.bytes += bytes;
    }

    void arrive(std::span<const std::byte> frame) {
        const HostPipeline::Verdict verdict = pipeline.run(frame, 0, static_cast<std::uint32_t>(tick_of(now_ns)));
        if (verdict.action != GABION_ACTION_HAND_OVER) return;
        gabion_packet packet{};
        parse(frame, packet);
        observer.observe(packet, {.magic = GABION_SAMPLE_MAGIC,
                                  .reason = static_cast<__u16>(verdict.reason),
                                  .one_in = verdict.one_in,
                                  .time_ns = now_ns});
        pipeline.values<gabion_queue>("queues")[0].released++;
        if (verdict.reason == GABION_REASON_INSPECTED) return drop_inspected(verdict.instead, frame.size());
        gabion_count& back = pipeline.cpu().handed_back;
        back.packets++;
        back.bytes += frame.size();
    }

    Result<FileReport> play(const std::string& file, const std::string& filter) {
        auto capture = Capture::open(file, filter);
        if (!capture) return capture.error();
        FileReport report{.file = file};
        std::uint64_t first_ns = 0;
        const std::uint64_t start_ns = now_ns;
        for (;;) {
            const auto frame = capture->next();
            if (!frame) return frame.error();
            if (!*frame) break;
            const Frame& one = **frame;
            if (report.packets == 0) first_ns = one.time_ns;
            // captures of several CPUs are not always in order
            const std::uint64_t at_ns = start_ns + (one.time_ns > first_ns ? one.time_ns - first_ns : 0);
            advance(std::max(at_ns, now_ns));
            arrive(one.bytes);
            report.packets++;
            report.bytes += one.bytes.size();
        }
        report.seconds = static_cast<double>(now_ns - start_ns) / 1e9;
        return report;
    }

    void forget_counts() {
        gabion_cpu& cpu = pipeline.cpu();
        cpu.received = cpu.handed_back = {};
        std::fill(std::begin(cpu.reason), std::end(cpu.reason), gabion_count{});
        std::fill(std::begin(cpu.would_drop), std::end(cpu.would_drop), gabion_count{});
        decisions.clear();
        occurrences.clear();
        zero_ns = now_ns;
    }
};

Replayer::Replayer(const config::Config& config) : stage_(std::make_unique<Stage>(config)) {}
Replayer::~Replayer() = default;

Result<FileReport> Replayer::learn(const std::string& file, const std::string& filter) {
    FileReport all{.file = file};
    for (int round = 0; round < learning_rounds_max; round++) {
        auto once = stage_->play(file, filter);
        if (!once) return once;
        if (once->packets < 2 || once->seconds <= 0)
            return Error{file + ": nothing can be learned from packets that take no time", EINVAL};
        all.packets += once->packets;
        all.bytes += once->bytes;
        all.seconds += once->seconds;
        if (learned()) {
            stage_->forget_counts();
            return all;
        }
    }
    return Error{file + ": " + std::to_string(static_cast<int>(all.seconds)) + " s of it are not enough to learn from",
                 EINVAL};
}

Result<FileReport> Replayer::play(const std::string& file, const std::string& filter) {
    auto report = stage_->play(file, filter);
    if (report) stage_->advance(stage_->now_ns + second_ns);
    return report;
}

bool Replayer::learned() const noexcept { return stage_->analyst.learned(); }
counter::Totals Replayer::totals() const { return counter::of_cpu(stage_->pipeline.cpu()); }
const std::vector<Decision>& Replayer::decisions() const noexcept { return stage_->decisions; }
const std::vector<Occurrence>& Replayer::occurrences() const noexcept { return stage_->occurrences; }

}  // namespace gabion::replay
