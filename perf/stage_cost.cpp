// SPDX-License-Identifier: Apache-2.0
// What each stage adds to a packet's cost: the program with all of them, and without one at a time, under BPF_PROG_TEST_RUN
// (cache-hot, no driver), for packets in calm times and in a flood. Rounds are interleaved; medians in ns, and in units of one look-up in
// the kernel's own hash map; frames that are made anew each time are compared with a bare program on such frames. With --check, status
// 1 when the clean packet of an established flow costs more than 6 of them.
#include <netinet/in.h>
#include <sched.h>
#include <sys/socket.h>

#include <array>
#include <memory>
#include <string_view>

#include "bpf/abi/settings.h"
#include "dataplane/map/kernel_clock.h"
#include "perf/stage_cases.h"
#include "perf/test_run_rows.h"

namespace {

using namespace gabion;
using namespace gabion::perf;
using namespace gabion::test;

constexpr std::uint32_t held = 100'000;  // entries of the hash map to compare with
constexpr double established_bar = 6.0;  // hash look-ups above bare XDP_PASS

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

constexpr std::array every_times = {Times::calm, Times::flood, Times::crowded};

// A network namespace of its own, with a listener at port 80, for whom SYNs are answered.
class Listener {
public:
    Listener() {
        if (::unshare(CLONE_NEWNET) != 0) throw std::runtime_error("no network namespace for the listener");
        const int both = 0;
        socket_ = UniqueFd(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
        ::setsockopt(socket_.get(), IPPROTO_IPV6, IPV6_V6ONLY, &both, sizeof both);
        sockaddr_in6 any{};
        any.sin6_family = AF_INET6;
        any.sin6_port = htons(80);
        if (::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&any), sizeof any) != 0 ||
            ::listen(socket_.get(), 1) != 0)
            throw std::runtime_error("nothing can listen");
    }

private:
    UniqueFd socket_;
};

// The programs with all stages and without each, for one kind of times.
struct Programs {
    Variant all;
    std::vector<std::unique_ptr<Variant>> without;

    Programs(Times times, const std::vector<Case>& cases, std::uint32_t now) : all(0, times, cases, now) {
        for (const Stage& stage : stages)
            without.push_back(std::make_unique<Variant>(stage.feature, times, cases, now));
    }
};

class Table {
public:
    // `only`: a part of the names of the cases to be measured.
    Table(std::uint32_t now, std::string_view only) {
        std::erase_if(cases_, [&](const Case& one) { return one.name.find(only) == std::string::npos; });
        if (cases_.empty()) throw std::runtime_error("no case has that name");
        for (const Times times : every_times)
            programs_.push_back(std::make_unique<Programs>(times, cases_, now));
        for (const Case& one : cases_)
            of(one).all.expect(one, anew_);
    }

    void measure(int turns) {
        const Bytes frame = (Ethernet{} / IPv4{} / TCP{}).padded();
        rows_.add(bare, [this, frame] { return bare_cost(pass_.get(), frame, XDP_PASS); });
        rows_.add(bare_anew, [this, frame] { return anew_.cost(pass_.get(), frame, 26); });
        rows_.add(look_up, [this, frame] { return bare_cost(hash_.program.get(), frame, XDP_PASS); });
        for (const Case& one : cases_) {
            rows_.add(one.name, [this, &one] { return of(one).all.cost(one, anew_); });
            for (std::size_t i = 0; i < stages.size(); i++)
                rows_.add(without(one, stages[i]), [this, &one, i] { return of(one).without[i]->cost(one, anew_); });
        }
        rows_.run(false, turns);
    }

    // Returns whether the bar is met.
    bool print() const {
        const double pass = rows_[bare], unit = rows_[look_up] - pass;
        std::printf("bare XDP_PASS %.0f ns, one hash look-up %.0f ns more; above bare XDP_PASS:\n\n", pass, unit);
        std::printf("%-44s %6s %9s ", "", "ns", "look-ups");
        for (const Stage& stage : stages)
            std::printf(" %13s", stage.name);
        std::printf("\n");
        double most = 0;
        for (const Case& one : cases_) {
            const double all = rows_[one.name], above = all - rows_[one.anew ? bare_anew : bare];
            std::printf("%-44s %6.0f %9.2f ", one.name.c_str(), above, above / unit);
            for (const Stage& stage : stages)
                std::printf(" %13.0f", all - rows_[without(one, stage)]);
            std::printf("\n");
            if (one.reason == GABION_REASON_CLEAN) most = std::max(most, above / unit);
        }
        std::printf("\nclean, at most: %.2f hash look-ups (bar %.1f)%s\n", most, established_bar,
                    most <= established_bar ? "" : "  MISSED");
        return most <= established_bar;
    }

private:
    static constexpr const char* bare = "bare XDP_PASS";
    static constexpr const char* bare_anew = "bare XDP_PASS, the frame made anew";
    static constexpr const char* look_up = "one hash look-up";

    static std::string without(const Case& one, const Stage& stage) { return one.name + " without " + stage.name; }
    [[nodiscard]] const Programs& of(const Case& one) const { return *programs_[static_cast<std::size_t>(one.times)]; }

    std::vector<Case> cases_ = stage_cases();
    std::vector<std::unique_ptr<Programs>> programs_;
    Anew anew_;
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
    const bool check = argc > 1 && std::string_view(argv[1]) == "--check";
    const int turns = argc > 1 + check ? std::atoi(argv[1 + check]) : rounds;
    if (argc > 3 + check || turns < 1) {
        std::fputs("usage: stage_cost [--check] [ROUNDS [PART-OF-A-CASE]]\n", stderr);
        return 2;
    }
    stay_on_first_cpu();
    const Listener listener;
    const auto clock = map::KernelClock::open();
    const auto sample = clock ? clock->sample() : Result<TickSample>(clock.error());
    if (!sample) throw std::runtime_error(sample.error().text);
    Table table(static_cast<std::uint32_t>(sample->jiffies), argc > 2 + check ? argv[2 + check] : "");
    table.measure(turns);
    return table.print() || !check ? 0 : 1;
}
