// SPDX-License-Identifier: Apache-2.0
#include "tests/kernel/kernel_pair.h"

#include <cstring>
#include <stdexcept>
#include <string>

#include <bpf/bpf.h>

#include "bpf/abi/test.h"

namespace gabion::test {
namespace {

void require(bool condition, const std::string& what) {
    if (!condition) throw std::runtime_error("the inside port's program: " + what + ": " + std::strerror(errno));
}

Mapping map_of(int map, std::size_t bytes, const std::string& name) {
    auto mapping = Mapping::shared(map, (bytes + 4095) / 4096 * 4096, name);
    if (!mapping) throw std::runtime_error(mapping.error().text);
    return std::move(*mapping);
}

}  // namespace

KernelPair::KernelPair(HostPipeline& like, const gabion_egress_settings& inside) : outside(like) {
    require(object_ != nullptr, "opening it");
    const auto map = [&](const char* name) { return bpf_object__find_map_by_name(object_.get(), name); };
    require(bpf_map__set_initial_value(map(".rodata"), &inside, sizeof(inside)) == 0, "its settings");
    for (const char* shared : {"control", "flows", "proven", "amp_ports", "test_run"})
        require(bpf_map__reuse_fd(map(shared), outside.map(shared)) == 0, shared);
    require(bpf_object__load(object_.get()) == 0, "loading it");
    program_ = bpf_program__fd(bpf_object__find_program_by_name(object_.get(), "gabion_inside_test"));
    run_ = map_of(outside.map("test_run"), sizeof(gabion_test_run), "test_run");
    inside_cpu_ = map_of(bpf_map__fd(map("inside_cpus")), sizeof(gabion_cpu), "inside_cpus");
}

bool KernelPair::from_inside(const Bytes& frame, std::uint32_t now) {
    run_.as<gabion_test_run>()[0].now = now;
    Bytes out(frame.size() + 256);
    LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame.data(), .data_out = out.data(),
                .data_size_in = static_cast<__u32>(frame.size()), .data_size_out = static_cast<__u32>(out.size()),
                .repeat = 1);
    require(bpf_prog_test_run_opts(program_, &options) == 0, "running a packet");
    out.resize(options.data_size_out);
    require(out == frame, "it changed a frame");
    return options.retval == XDP_REDIRECT;
}

}  // namespace gabion::test
