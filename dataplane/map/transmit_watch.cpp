// SPDX-License-Identifier: Apache-2.0
#include "dataplane/map/transmit_watch.h"

#include <sys/stat.h>

#include <bpf/libbpf.h>

#include "transmit.skel.h"

namespace gabion::map {

void TransmitWatch::Destroy::operator()(transmit_bpf* skeleton) const noexcept { transmit_bpf__destroy(skeleton); }

TransmitWatch::TransmitWatch() = default;
TransmitWatch::TransmitWatch(TransmitWatch&&) noexcept = default;
TransmitWatch& TransmitWatch::operator=(TransmitWatch&&) noexcept = default;
TransmitWatch::~TransmitWatch() = default;

Result<TransmitWatch> TransmitWatch::open(unsigned interface_index) {
    constexpr const char* what = "the program that watches transmits";
    TransmitWatch watch;
    watch.skeleton_.reset(transmit_bpf__open());
    if (!watch.skeleton_) return error_from_errno(errno, std::string("opening ") + what);
    struct stat ours {};
    if (::stat("/proc/self/ns/net", &ours) != 0) return error_from_errno(errno, "looking at this network namespace");
    watch.skeleton_->rodata->interface_index = static_cast<int>(interface_index);
    watch.skeleton_->rodata->namespace_inode = static_cast<unsigned>(ours.st_ino);
    // By way of the skeleton, which then maps what the program counts.
    if (const int code = transmit_bpf__load(watch.skeleton_.get()); code != 0)
        return error_from_errno(-code, std::string("loading ") + what + " into the kernel");
    if (const int code = transmit_bpf__attach(watch.skeleton_.get()); code != 0)
        return error_from_errno(-code, std::string("attaching ") + what);
    return watch;
}

std::uint64_t TransmitWatch::lost() const noexcept { return __atomic_load_n(&skeleton_->bss->lost, __ATOMIC_RELAXED); }

}  // namespace gabion::map
