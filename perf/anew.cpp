// SPDX-License-Identifier: Apache-2.0
#include "perf/anew.h"

#include <algorithm>
#include <stdexcept>

#include "perf/test_run_rows.h"

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wold-style-cast"
#include "anew.skel.h"
#pragma GCC diagnostic pop

namespace gabion::perf {
namespace {

// As in anew.bpf.c.
struct Frame {
    std::uint32_t length;
    std::uint32_t source;
    std::uint32_t round;
    std::byte bytes[128];
};

}  // namespace

Anew::Anew() : program_(anew_bpf__open_and_load()) {
    if (program_ == nullptr) throw std::runtime_error("perf/anew.bpf.c does not load");
    auto mapped = Mapping::shared(bpf_map__fd(program_->maps.frames), sizeof(Frame), "frames");
    if (!mapped) throw std::runtime_error(mapped.error().text);
    mapping_ = std::move(*mapped);
}

Anew::~Anew() { anew_bpf__destroy(program_); }

double Anew::cost(int target, const test::Bytes& frame, std::uint32_t source) const {
    Frame& to = mapping_.as<Frame>()[0];
    if (frame.size() > sizeof to.bytes) throw std::runtime_error("a frame that is too long to be made anew");
    to.length = static_cast<std::uint32_t>(frame.size());
    to.source = source;
    std::copy(frame.begin(), frame.end(), to.bytes);
    const std::uint32_t first = 0;
    if (bpf_map_update_elem(bpf_map__fd(program_->maps.target), &first, &target, BPF_ANY) != 0)
        throw std::runtime_error("a program that cannot be called");
    const Run run = test_run(bpf_program__fd(program_->progs.anew), frame);
    if (run.verdict == XDP_ABORTED) throw std::runtime_error("a frame cannot be made anew");
    return run.ns;
}

}  // namespace gabion::perf
