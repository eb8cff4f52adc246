// SPDX-License-Identifier: Apache-2.0
// What each stage adds to a packet's cost: the program with all of them, and without one at a time, under BPF_PROG_TEST_RUN
// (cache-hot, no driver), for packets in calm times and in a flood. Rounds are interleaved; medians in ns, and in units of one look-up in
// the kernel's own hash map. With --check, status 1 when the clean packet of an established flow costs more than 6 of them.
#include <array>
#include <memory>
#include <optional>
#include <string_view>

#include "bpf/abi/caps.h"
#include "bpf/abi/control.h"
#include "bpf/abi/cpu.h"
#include "bpf/lib/flow.h"
#include "dataplane/ban/address_set.h"
#include "dataplane/ban/named_memory.h"
#include "dataplane/core/host_pipeline.h"
#include "dataplane/map/kernel_clock.h"
#include "perf/test_run_rows.h"
#include "tests/kernel/kernel_pipeline.h"

namespace {

using namespace gabion;
using namespace gabion::perf;
using namespace gabion::test;

constexpr std::uint32_t held = 100'000;         // entries of the hash map to compare with
constexpr double established_bar = 6.0;         // hash look-ups above bare XDP_PASS
constexpr std::uint32_t flood_ticks = 1 << 24;  // longer than any run

struct Stage {
    const char* name;
    std::uint32_t feature;
};
constexpr std::array stages = {Stage{"MAC filter", GABION_FEATURE_MAC},
                               Stage{"breaker", GABION_FEATURE_BREAKER},
                               Stage{"allow list", GABION_FEATURE_ALLOW},
                               Stage{"bans", GABION_FEATURE_BANS},
                               Stage{"validation", GABION_FEATURE_VALIDATION},
                               Stage{"amplification", GABION_FEATURE_AMPLIFICATION},
                               Stage{"quarantine", GABION_FEATURE_QUARANTINE},
                               Stage{"connections", GABION_FEATURE_CONNECTIONS},
                               Stage{"source rates", GABION_FEATURE_SOURCE_RATES},
                               Stage{"SYN floods", GABION_FEATURE_SYN},
                               Stage{"caps", GABION_FEATURE_CAPS},
                               Stage{"destinations", GABION_FEATURE_DESTINATIONS},
                               Stage{"sampler", GABION_FEATURE_SAMPLER}};

struct Case {
    const char* name;
    Bytes frame;
    bool flood;
    gabion_reason reason;  // under which it leaves the whole program
};

std::vector<Case> cases() {
    const Ethernet eth{};
    return {{"not IP", (Ethernet{.type = 0x0806} / Payload{28}).padded(), false, GABION_REASON_NOT_IP},
            {"ban hit", (eth / IPv4{.source = "203.0.113.7"} / UDP{}).padded(), false, GABION_REASON_BAN_OPERATOR},
            {"clean TCP, IPv4", (eth / IPv4{} / TCP{}).padded(), false, GABION_REASON_CLEAN},
            {"clean UDP, IPv4", (eth / IPv4{} / UDP{}).padded(), false, GABION_REASON_CLEAN},
            {"clean TCP, IPv6", (eth / IPv6{} / TCP{}).bytes(), false, GABION_REASON_CLEAN},
            {"flood: established TCP, IPv4", (eth / IPv4{} / TCP{}).padded(), true, GABION_REASON_CLEAN},
            {"flood: established TCP, IPv6", (eth / IPv6{} / TCP{}).bytes(), true, GABION_REASON_CLEAN},
            {"flood: unknown segment, IPv4", (eth / IPv4{.source = "198.51.100.9"} / TCP{}).padded(), true,
             GABION_REASON_ACK_UNKNOWN},
            {"flood: UDP above the cap, IPv4", (eth / IPv4{.source = "198.51.100.9"} / UDP{}).padded(), true,
             GABION_REASON_CAP_UDP},
            {"flood: SYN above the cap, IPv4", (eth / IPv4{.source = "198.51.100.9"} / TCP{.flags = 0x02}).padded(),
             true, GABION_REASON_CAP_SYN}};
}

void establish(HostPipeline& host, const Bytes& frame, std::uint32_t now) {
    gabion_packet packet{};
    if (parse(frame, packet) != GABION_REASON_NONE) throw std::runtime_error("a frame of an established flow is odd");
    const auto flows = host.values<gabion_flow_bucket>("flows");
    const gabion_flow_key key = gabion_flow_in(&packet, &host.control().hash);
    flows[key.bucket & (flows.size() - 1)].flow[0] = {
        .tag = key.tag, .stamp = now, .number = 0, .kind = GABION_FLOW_ESTABLISHED, .answered = 0};
}

void cap(HostPipeline& host, gabion_flood_class kind) {
    gabion_cell& cell = host.values<gabion_cell>("cells")[GABION_CELL_CAP + kind];
    cell.interval = 1u << 31;
    cell.flood_only = 1;
}

// The program without the stage of `without`, and its tables.
struct Variant {
    HostPipeline host;
    std::unique_ptr<KernelPipeline> kernel;

    Variant(std::uint32_t without, bool flood, const std::vector<Case>& all, std::uint32_t now)
        : host({.exact4 = 1u << 14, .exact6 = 1u << 14, .flows = 1u << 12}) {
        host.settings().features &= ~without;
        host.settings().mac_filter = {.mode = GABION_MAC_DENY, .count = 1, .mac = {{0x01020304u, 0x0506u}}};
        ban::AddressSet bans(ban::set_memory(host, GABION_SET_OPERATOR), host.control().hash, {}, [] {});
        bans.add(*Prefix::parse("203.0.113.7"), GABION_FOREVER);
        host.cpu().sampler.random = 1;
        host.control().sampling = {.one_in = 256, .budget = 50, .period_ticks = 25, .reserved = 0};
        host.control().flow_idle_ticks = flood_ticks;
        if (flood) begin_flood(all, now);
        kernel = std::make_unique<KernelPipeline>(host, "gabion");
        kernel->copy_from(host);
    }

    void begin_flood(const std::vector<Case>& all, std::uint32_t now) {
        host.control().caps.flood_ticks = flood_ticks;
        host.control().flood.any = now + flood_ticks;
        for (int kind = 0; kind < GABION_FLOOD_CLASSES; kind++)
            host.control().flood.until[kind] = now + flood_ticks;
        cap(host, GABION_FLOOD_UDP);
        cap(host, GABION_FLOOD_SYN);
        for (const Case& one : all)
            if (one.flood && one.reason == GABION_REASON_CLEAN) establish(host, one.frame, now);
    }

    [[nodiscard]] double cost(const Case& one) const {
        return static_cast<double>(kernel->cost_ns(one.frame, repeat, 0));
    }

    // Of many packets, so that neither the first lots nor samples count.
    void expect(const Case& one) const {
        const auto count = [&] { return kernel->values<gabion_cpu>("cpus")[0].reason[one.reason].packets; };
        const std::uint64_t before = count();
        (void)cost(one);
        if (count() - before < repeat * 9 / 10)
            throw std::runtime_error(std::string(one.name) + ": leaves for another reason than it should");
    }
};

class Table {
public:
    explicit Table(std::uint32_t now) : cases_(cases()), calm_(0, false, cases_, now), flood_(0, true, cases_, now) {
        for (const Stage& stage : stages) {
            calm_without_.push_back(std::make_unique<Variant>(stage.feature, false, cases_, now));
            flood_without_.push_back(std::make_unique<Variant>(stage.feature, true, cases_, now));
        }
        for (const Case& one : cases_)
            (one.flood ? flood_ : calm_).expect(one);
    }

    void measure() {
        const Bytes frame = cases_[2].frame;
        rows_.add("bare XDP_PASS", [this, frame] { return bare_cost(pass_.get(), frame, XDP_PASS); });
        rows_.add("one hash look-up", [this, frame] { return bare_cost(hash_.program.get(), frame, XDP_PASS); });
        for (const Case& one : cases_) {
            rows_.add(one.name, [this, &one] { return (one.flood ? flood_ : calm_).cost(one); });
            for (std::size_t i = 0; i < stages.size(); i++)
                rows_.add(without(one, stages[i]),
                          [this, &one, i] { return (one.flood ? flood_without_ : calm_without_)[i]->cost(one); });
        }
        rows_.run(false);
    }

    // Returns whether the bar is met.
    bool print() const {
        const double pass = rows_["bare XDP_PASS"], unit = rows_["one hash look-up"] - pass;
        std::printf("bare XDP_PASS %.0f ns, one hash look-up %.0f ns more; above bare XDP_PASS:\n\n", pass, unit);
        std::printf("%-32s %6s %9s ", "", "ns", "look-ups");
        for (const Stage& stage : stages)
            std::printf(" %13s", stage.name);
        std::printf("\n");
        double most = 0;
        for (const Case& one : cases_) {
            const double all = rows_[one.name];
            std::printf("%-32s %6.0f %9.2f ", one.name, all - pass, (all - pass) / unit);
            for (const Stage& stage : stages)
                std::printf(" %13.0f", all - rows_[without(one, stage)]);
            std::printf("\n");
            if (one.reason == GABION_REASON_CLEAN) most = std::max(most, (all - pass) / unit);
        }
        std::printf("\nclean, at most: %.2f hash look-ups (bar %.1f)%s\n", most, established_bar,
                    most <= established_bar ? "" : "  MISSED");
        return most <= established_bar;
    }

private:
    static std::string without(const Case& one, const Stage& stage) {
        return std::string(one.name) + " without " + stage.name;
    }

    std::vector<Case> cases_;
    Variant calm_, flood_;
    std::vector<std::unique_ptr<Variant>> calm_without_, flood_without_;
    UniqueFd pass_ = bare_program(XDP_PASS);
    HashProgram hash_{1, held};
    Rows rows_;
};

}  // namespace

int main(int argc, char** argv) {
    if (!KernelPipeline::available()) {
        std::puts("needs root: loads BPF programs");
        return 77;
    }
    const bool check = argc == 2 && std::string_view(argv[1]) == "--check";
    if (argc > 1 && !check) {
        std::fputs("usage: stage_cost [--check]\n", stderr);
        return 2;
    }
    stay_on_first_cpu();
    const auto clock = map::KernelClock::open();
    const auto sample = clock ? clock->sample() : Result<TickSample>(clock.error());
    if (!sample) throw std::runtime_error(sample.error().text);
    Table table(static_cast<std::uint32_t>(sample->jiffies));
    table.measure();
    return table.print() || !check ? 0 : 1;
}
