// SPDX-License-Identifier: Apache-2.0
#include "dataplane/map/port_watch.h"

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <utility>

#include <bpf/libbpf.h>

#include "dataplane/map/load_object.h"
#include "ports.skel.h"

namespace gabion::map {
namespace {

struct Destroy {
    void operator()(ports_bpf* skeleton) const noexcept { ports_bpf__destroy(skeleton); }
};

// The pins' names, in the order of the programs below.
constexpr std::array pin_names{"ports-transmitted", "ports-refused", "ports-not-taken"};

Result<void> attach(const bpf_program* program, const std::string& pin) {
    bpf_link* link = bpf_program__attach(program);
    if (link == nullptr) return error_from_errno(errno, "attaching the ports' counter to its tracepoint");
    const int code = bpf_link__pin(link, pin.c_str());
    bpf_link__destroy(link);  // the pin holds it
    if (code != 0) return error_from_errno(-code, "pinning the ports' counter as " + pin);
    return {};
}

}  // namespace

Result<void> watch_ports(const PinDirectory& pins, const MapGroup& own) {
    const bool works_on_these_maps = std::find(own.made().begin(), own.made().end(), "port_counts") == own.made().end();
    if (works_on_these_maps &&
        std::all_of(pin_names.begin(), pin_names.end(), [&](const char* name) { return pins.has(name); }))
        return {};
    const std::unique_ptr<ports_bpf, Destroy> skeleton(ports_bpf__open());
    if (!skeleton) return error_from_errno(errno, "opening the ports' counter");
    if (auto given = own.give_to(skeleton->obj); !given) return given;
    if (auto loaded = load_object(skeleton->obj, "the ports' counter"); !loaded) return loaded;
    const std::array programs{skeleton->progs.transmitted, skeleton->progs.refused, skeleton->progs.not_taken};
    for (std::size_t i = 0; i < programs.size(); ++i) {
        pins.remove(pin_names[i]);
        if (auto done = attach(programs[i], pins.entry(pin_names[i])); !done) return done;
    }
    return {};
}

}  // namespace gabion::map
