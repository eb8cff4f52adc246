// SPDX-License-Identifier: Apache-2.0
#include "tests/kernel/backends.h"

#include <cstring>
#include <map>
#include <string>

#include <gtest/gtest.h>

#include "bpf/lib/count.h"
#include "tests/kernel/homes.h"
#include "tests/kernel/kernel_pair.h"
#include "tests/support/lcore_bed.h"

namespace gabion::test {
namespace {

// The first thing that one CPU of each backend counts otherwise; empty when all is the same.
std::string difference(const gabion_cpu& programs, const gabion_cpu& lcore) {
    if (std::memcmp(&programs, &lcore, sizeof programs) == 0) return {};
    for (int i = 0; i < GABION_REASON_COUNT; i++)
        if (programs.reason[i].packets != lcore.reason[i].packets)
            return std::string(reason_name(static_cast<gabion_reason>(i))) + ": " +
                   std::to_string(programs.reason[i].packets) + " and " + std::to_string(lcore.reason[i].packets);
    return "what they count beside reasons";
}

// Loaded once for all tests of the same settings: the verifier takes its time.
std::shared_ptr<KernelPair> programs_like(LcoreBed& bed) {
    static std::map<std::string, std::shared_ptr<KernelPair>> loaded;
    const auto* settings = reinterpret_cast<const char*>(&bed.settings());
    std::shared_ptr<KernelPair>& one = loaded[std::string(settings, sizeof(gabion_settings))];
    if (!one) one = std::make_shared<KernelPair>(bed.tables, bed.inside_settings());
    return one;
}

class Both final : public Backends {
public:
    explicit Both(HostPipeline& like) {
        bed_.settings() = like.settings();
        bed_.settings().features |= GABION_FEATURE_INLINE;
        bed_.tables.settings() = bed_.settings();
        bed_.inside_settings().features = bed_.settings().features;
        bed_.credit_of_tables = true;
        bed_.inside_bytes_max = bed_.outside_bytes_max = buffer_bytes;
        programs_ = programs_like(bed_);
        programs_->inside_cpu() = {};
    }

    void copy_from(HostPipeline& host) override {
        programs_->outside.copy_from(host);
        programs_->outside.copy_to(bed_.tables);
    }

    void change_control(const std::function<void(gabion_control&)>& change) override {
        change(programs_->outside.values<gabion_control>("control")[0]);
        change(bed_.tables.control());
    }

    bool run(gabion_side from, const Bytes& frame, std::uint32_t now) override {
        const bool outside = from == GABION_SIDE_OUTSIDE;
        const bool sent = outside ? run_outside(frame, now) : programs_->from_inside(frame, now);
        const Cable& in = outside ? bed_.cables.outside : bed_.cables.inside;
        bed_.cables.put(in, frame);
        bed_.round(now);
        const auto out = Cables::take(outside ? bed_.cables.inside : bed_.cables.outside);
        EXPECT_EQ(out.has_value(), sent);
        EXPECT_EQ(out.value_or(frame), frame) << "it came out otherwise";
        EXPECT_FALSE(Cables::take(in)) << "it came back";
        EXPECT_EQ(difference(of_programs(from), counted(from)), "") << "the programs and the lcore count otherwise";
        EXPECT_EQ(std::memcmp(&seen_, &bed_.counters, sizeof seen_), 0) << "the lcore counts otherwise what it saw";
        return sent;
    }

    void expect_agreement() override {
        EXPECT_EQ(programs_->outside.difference(bed_.tables), "") << "the backends' tables differ";
        EXPECT_EQ(bed_.ports[GABION_SIDE_OUTSIDE].full + bed_.ports[GABION_SIDE_INSIDE].full, 0u);
    }

    [[nodiscard]] const gabion_cpu& counted(gabion_side side) const override {
        return side == GABION_SIDE_OUTSIDE ? *lcore_cpu_ : bed_.inside_cpu;
    }

private:
    // Whether it leaves, at once or after the detectors saw it, which an lcore shows it to and gives the credit back.
    bool run_outside(const Bytes& frame, std::uint32_t now) {
        const HostPipeline::Verdict verdict = programs_->from_outside(frame, now);
        EXPECT_EQ(programs_->outside.output(), frame) << "the programs changed it";
        if (verdict.action != GABION_ACTION_HAND_OVER) return verdict.action == GABION_ACTION_FORWARD;
        programs_->outside.values<gabion_queue>("queues")[0].released++;
        seen_.received++;
        if (gabion_drops(verdict.instead)) {
            seen_.dropped++;
            seen_.drops[verdict.instead]++;
            return false;
        }
        seen_.sent++;
        seen_.completed++;
        return true;
    }

    const gabion_cpu& of_programs(gabion_side side) {
        return side == GABION_SIDE_OUTSIDE ? programs_->outside.values<gabion_cpu>("cpus")[0] : programs_->inside_cpu();
    }

    LcoreBed bed_;
    const gabion_cpu* lcore_cpu_ = &bed_.tables.cpu();
    std::shared_ptr<KernelPair> programs_;
    gabion_worker_counters seen_{};
};

}  // namespace

std::unique_ptr<Backends> Backends::make(HostPipeline& like) { return std::make_unique<Both>(like); }

}  // namespace gabion::test
