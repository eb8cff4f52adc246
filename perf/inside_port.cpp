// SPDX-License-Identifier: Apache-2.0
#include "perf/inside_port.h"

#include <stdexcept>
#include <string>

#include <bpf/bpf.h>

#include "bpf/abi/control.h"
#include "bpf/abi/port.h"
#include "bpf/abi/settings.h"
#include "perf/test_run_rows.h"

namespace gabion::perf {
namespace {

constexpr __u32 buckets = 1u << 16;

void must(int status, const char* what) {
    if (status != 0) throw std::runtime_error(std::string("the inside port's program: ") + what);
}

}  // namespace

InsidePort::InsidePort() {
    if (!object_) throw std::runtime_error("inside.bpf.o does not open");
    size_tables();
    must(bpf_object__load(object_.get()), "is not loaded");
    fill_tables();
}

bpf_map* InsidePort::map(const char* name) const { return bpf_object__find_map_by_name(object_.get(), name); }

void InsidePort::size_tables() {
    const auto cpus = static_cast<__u32>(libbpf_num_possible_cpus());
    for (const auto& [name, entries] : {std::pair{"flows", buckets}, {"proven", buckets}, {"inside_cpus", cpus}})
        must(bpf_map__set_max_entries(map(name), entries), name);
    const gabion_egress_settings settings{.flow_mask = buckets - 1,
                                          .proven_mask = buckets - 1,
                                          .ephemeral_low = 32768,
                                          .ephemeral_high = 60999,
                                          .features = GABION_FEATURE_INLINE};
    must(bpf_map__set_initial_value(map(".rodata"), &settings, sizeof settings), "settings");
}

void InsidePort::fill_tables() {
    gabion_control control{};
    control.hash = {.add = 0x9e3779b97f4a7c15u,
                    .multiply = {0xc2b2ae3d27d4eb4fu, 0x165667b19e3779f9u, 0x27d4eb2f165667c5u, 0x85ebca77c2b2ae63u},
                    .finish = 0xff51afd7ed558ccdu};
    control.flow_idle_ticks = control.connections.proven_ticks = 100'000;
    const __u32 first = 0, outside = GABION_SIDE_OUTSIDE, loopback = 1;  // is there; nothing is sent under TEST_RUN
    must(bpf_map_update_elem(bpf_map__fd(map("control")), &first, &control, BPF_ANY), "control");
    must(bpf_map_update_elem(bpf_map__fd(map("ports")), &outside, &loopback, BPF_ANY), "ports");
}

double InsidePort::cost_ns(const test::Bytes& frame) {
    const bpf_program* program = bpf_object__find_program_by_name(object_.get(), "gabion_inside");
    const Run run = test_run(bpf_program__fd(program), frame);
    must(run.verdict != XDP_REDIRECT, "does not forward");
    return run.ns;
}

}  // namespace gabion::perf
