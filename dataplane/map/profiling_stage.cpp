// SPDX-License-Identifier: Apache-2.0
#include "dataplane/map/profiling_stage.h"

#include <unistd.h>

#include <bpf/libbpf.h>

#include "bpf/abi/control.h"
#include "bpf/abi/cpu.h"
#include "dataplane/map/load_object.h"
#include "profile.skel.h"

namespace gabion::map {

void ProfilingStage::Destroy::operator()(profile_bpf* skeleton) const noexcept { profile_bpf__destroy(skeleton); }

ProfilingStage::ProfilingStage() = default;
ProfilingStage::ProfilingStage(ProfilingStage&&) noexcept = default;
ProfilingStage& ProfilingStage::operator=(ProfilingStage&&) noexcept = default;
ProfilingStage::~ProfilingStage() = default;

Result<ProfilingStage> ProfilingStage::open(const MapGroup& shared, const MapGroup& own, const HostFacts& facts,
                                            std::uint32_t until_tick) {
    ProfilingStage stage;
    stage.skeleton_.reset(profile_bpf__open());
    if (!stage.skeleton_) return error_from_errno(errno, "opening the profiling program");
    const_cast<gabion_settings&>(stage.skeleton_->rodata->gabion_settings) = stage_settings(shared, own, facts);
    const_cast<std::uint32_t&>(stage.skeleton_->rodata_profile->gabion_profile_until) = until_tick;
    const auto cpus = static_cast<std::uint32_t>(own.values<gabion_cpu>("cpus").size());
    if (const int code = bpf_map__set_max_entries(stage.skeleton_->maps.profile, cpus); code != 0)
        return error_from_errno(-code, "sizing the map of stage times");
    if (auto given = give_maps(stage.skeleton_->obj, shared, own); !given) return given.error();
    return stage;
}

Result<void> ProfilingStage::load() {
    if (auto loaded = load_object(skeleton_->obj, "the profiling program"); !loaded) return loaded;
    const bpf_map* map = skeleton_->maps.profile;
    const std::uint32_t cpus = bpf_map__max_entries(map);
    const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    const std::size_t bytes = (sizeof(gabion_profile) * cpus + page - 1) / page * page;
    auto memory = Mapping::shared(bpf_map__fd(map), bytes, "the map of stage times");
    if (!memory) return memory.error();
    memory_ = std::move(*memory);
    cpus_ = cpus;
    return {};
}

int ProfilingStage::xdp_fd() const noexcept { return bpf_program__fd(skeleton_->progs.gabion); }

}  // namespace gabion::map
