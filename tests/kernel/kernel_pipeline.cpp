// SPDX-License-Identifier: Apache-2.0
#include "tests/kernel/kernel_pipeline.h"

#include <unistd.h>

#include <cstring>
#include <stdexcept>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "bpf/abi/cpu.h"
#include "bpf/abi/test.h"
#include "bpf/lib/count.h"

namespace gabion::test {
namespace {

void require(bool condition, const std::string& what) {
    if (!condition) throw std::runtime_error(what + ": " + std::strerror(errno));
}

// The control page is named as data (bpf/maps.h).
std::string table_name(const bpf_map* map) {
    const std::string name = bpf_map__name(map);
    return name == ".data.control" ? "control" : name;
}

std::size_t page_up(std::size_t bytes) {
    const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    return (bytes + page - 1) / page * page;
}

}  // namespace

bool KernelPipeline::available() { return geteuid() == 0; }

KernelPipeline::KernelPipeline(HostPipeline& like, const std::string& name) {
    libbpf_set_strict_mode(LIBBPF_STRICT_ALL);
    const std::string path = std::string(GABION_OBJECTS) + "/" + name + ".bpf.o";
    object_ = bpf_object__open_file(path.c_str(), nullptr);
    require(object_ != nullptr, "opening " + path);

    bpf_map* map = nullptr;
    bpf_object__for_each_map(map, object_) {
        const std::string table = table_name(map);
        const std::size_t bytes = like.memory(table).size();
        if (bytes != 0 && !bpf_map__is_internal(map))
            require(bpf_map__set_max_entries(map, static_cast<__u32>(bytes / bpf_map__value_size(map))) == 0,
                    "sizing " + table);
        if (table.ends_with(".rodata"))
            require(bpf_map__set_initial_value(map, &like.settings(), sizeof(gabion_settings)) == 0, "settings");
    }
    require(bpf_object__load(object_) == 0, "loading");
    program_ = bpf_program__fd(bpf_object__find_program_by_name(object_, name.c_str()));
    bpf_object__for_each_map(map, object_) {
        const std::string table = table_name(map);
        if (bpf_map__type(map) != BPF_MAP_TYPE_ARRAY || (bpf_map__is_internal(map) && table != "control")) continue;
        const std::size_t bytes = std::size_t{bpf_map__value_size(map)} * bpf_map__max_entries(map);
        auto mapping = Mapping::shared(bpf_map__fd(map), page_up(bytes), table);
        require(static_cast<bool>(mapping), "mapping " + table);
        maps_.emplace(table, std::move(*mapping));
        bytes_.emplace(table, bytes);
    }
}

KernelPipeline::~KernelPipeline() { bpf_object__close(object_); }

int KernelPipeline::map(const std::string& name) const {
    return bpf_object__find_map_fd_by_name(object_, name == "control" ? ".data.control" : name.c_str());
}

std::span<std::byte> KernelPipeline::memory(const std::string& name) const {
    const auto found = maps_.find(name);
    if (found == maps_.end()) return {};
    return {static_cast<std::byte*>(found->second.address()), bytes_.at(name)};
}

void KernelPipeline::copy_from(HostPipeline& host) {
    for (const auto& [name, mapping] : maps_) {
        const std::span<std::byte> from = host.memory(name);
        if (!from.empty()) std::memcpy(mapping.address(), from.data(), from.size());
    }
}

void KernelPipeline::copy_to(HostPipeline& host) const {
    for (const auto& [name, mapping] : maps_) {
        const std::span<std::byte> to = host.memory(name);
        if (!to.empty()) std::memcpy(to.data(), mapping.address(), to.size());
    }
}

HostPipeline::Verdict KernelPipeline::run(std::span<const std::byte> frame, std::uint32_t queue,
                                          std::uint32_t now_ticks) {
    gabion_test_run& run = values<gabion_test_run>("test_run")[0];
    run.now = now_ticks;
    run.queue = queue;
    run.cpu = 0;
    run.reason = GABION_REASON_SLOTS;
    LIBBPF_OPTS(bpf_test_run_opts, options);
    options.data_in = frame.data();
    options.data_size_in = static_cast<__u32>(frame.size());
    options.repeat = 1;
    output_.resize(frame.size() + 256);
    options.data_out = output_.data();
    options.data_size_out = static_cast<__u32>(output_.size());
    require(bpf_prog_test_run_opts(program_, &options) == 0,
            "running a packet of " + std::to_string(frame.size()) + " bytes");
    output_.resize(options.data_size_out);
    const auto reason = static_cast<gabion_reason>(run.reason);
    gabion_action action = GABION_ACTION_PASS;
    if (options.retval == XDP_DROP) action = GABION_ACTION_DROP;
    if (options.retval == XDP_REDIRECT)
        action = gabion_hands_over(reason) ? GABION_ACTION_HAND_OVER : GABION_ACTION_FORWARD;
    if (options.retval == XDP_TX) action = GABION_ACTION_ANSWER;
    if (options.retval == XDP_ABORTED) action = GABION_ACTION_NONE;
    return {reason, action, run.one_in, static_cast<gabion_reason>(run.instead)};
}

std::string KernelPipeline::difference(HostPipeline& host) const {
    for (const auto& [name, mapping] : maps_) {
        const std::span<std::byte> other = host.memory(name);
        if (!other.empty() && std::memcmp(mapping.address(), other.data(), other.size()) != 0) return name;
    }
    return {};
}

std::uint32_t KernelPipeline::cost_ns(std::span<const std::byte> frame, std::uint32_t repeat, std::uint32_t now_ticks) {
    for (gabion_test_run& run : values<gabion_test_run>("test_run")) {
        run = {};
        run.now = now_ticks;
    }
    LIBBPF_OPTS(bpf_test_run_opts, options);
    options.data_in = frame.data();
    options.data_size_in = static_cast<__u32>(frame.size());
    options.repeat = static_cast<int>(repeat);
    require(bpf_prog_test_run_opts(program_, &options) == 0, "measuring");
    return options.duration;
}

std::uint32_t KernelPipeline::verified_instructions() const {
    bpf_prog_info info{};
    __u32 length = sizeof(info);
    require(bpf_obj_get_info_by_fd(program_, &info, &length) == 0, "asking about the program");
    return info.verified_insns;
}

}  // namespace gabion::test
