// SPDX-License-Identifier: Apache-2.0
#include "dataplane/map/xdp_link.h"

#include <linux/if_link.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

namespace gabion::map {
namespace {

struct OnInterface {
    std::uint32_t program_id = 0;  // 0 = none
    AttachMode mode = AttachMode::native;
};

OnInterface query(int ifindex) {
    LIBBPF_OPTS(bpf_xdp_query_opts, options);
    if (bpf_xdp_query(ifindex, 0, &options) != 0) return {};
    const bool generic = options.attach_mode == XDP_ATTACHED_SKB;
    return {options.prog_id, generic ? AttachMode::generic : AttachMode::native};
}

bpf_link_info link_info(int fd) noexcept {
    bpf_link_info info{};
    __u32 length = sizeof info;
    if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &length) != 0) return {};
    return info;
}

Error foreign_program(const std::string& interface, const OnInterface& present) {
    const std::string off = present.mode == AttachMode::generic ? " xdpgeneric off" : " xdp off";
    return Error{"interface " + interface + " already has an XDP program that is not ours: '" +
                     program_name(present.program_id).value_or("(no name)") + "' (id " +
                     std::to_string(present.program_id) + "); take it off first, for example with: ip link set dev " +
                     interface + off,
                 EBUSY};
}

}  // namespace

std::optional<std::string> program_name(std::uint32_t id) {
    const UniqueFd program(bpf_prog_get_fd_by_id(id));
    bpf_prog_info info{};
    __u32 length = sizeof info;
    if (!program || bpf_obj_get_info_by_fd(program.get(), &info, &length) != 0) return std::nullopt;
    return info.name[0] == '\0' ? "(no name)" : info.name;
}

void XdpLink::open_pinned() noexcept {
    if (!link_ && directory_.has(pin_)) link_.reset(bpf_obj_get(directory_.entry(pin_).c_str()));
}

int XdpLink::interface() noexcept {
    open_pinned();
    const bpf_link_info info = link_info(link_.get());
    return info.type == BPF_LINK_TYPE_XDP ? static_cast<int>(info.xdp.ifindex) : 0;
}

bool XdpLink::attached_to(int ifindex) const noexcept {
    const bpf_link_info info = link_info(link_.get());
    return info.type == BPF_LINK_TYPE_XDP && static_cast<int>(info.xdp.ifindex) == ifindex;
}

Result<Attached> XdpLink::create(int program_fd, int ifindex, const std::string& interface, AttachMode mode) {
    LIBBPF_OPTS(bpf_link_create_opts, options,
                .flags = mode == AttachMode::generic ? XDP_FLAGS_SKB_MODE : XDP_FLAGS_DRV_MODE);
    UniqueFd link(bpf_link_create(program_fd, ifindex, BPF_XDP, &options));
    if (!link) {
        const int code = errno;
        const char* name = mode == AttachMode::generic ? "generic" : "native";
        return error_from_errno(
            code, std::string("attaching the XDP program to ") + interface + " in " + name + " mode",
            mode == AttachMode::native ? "attach = \"generic\" works on every interface, at a price" : "");
    }
    if (bpf_obj_pin(link.get(), directory_.entry(pin_).c_str()) != 0)
        return error_from_errno(errno, "pinning the XDP link of " + interface);
    link_ = std::move(link);
    return Attached{.mode = mode, .replaced = false, .why_generic = {}};
}

Result<void> XdpLink::swap(int program_fd, const std::string& interface) {
    if (bpf_link_update(link_.get(), program_fd, nullptr) != 0)
        return error_from_errno(errno, "swapping the XDP program on " + interface);
    return {};
}

Result<Attached> XdpLink::attach(int program_fd, int ifindex, const std::string& interface, AttachMode wanted) {
    open_pinned();
    const OnInterface present = query(ifindex);
    if (attached_to(ifindex)) {
        if (wanted == AttachMode::automatic || wanted == present.mode) {
            if (auto swapped = swap(program_fd, interface); !swapped) return swapped.error();
            return Attached{.mode = present.mode, .replaced = true, .why_generic = {}};
        }
        // The kernel takes no second mode beside the first: for a moment there is no program. Where the wanted one does not work the
        // interface is not left without.
        detach();
        auto changed = create(program_fd, ifindex, interface, wanted);
        if (!changed) (void)create(program_fd, ifindex, interface, present.mode);
        return changed;
    }
    link_.reset();
    directory_.remove(pin_);
    if (present.program_id != 0) return foreign_program(interface, present);
    if (wanted != AttachMode::automatic) return create(program_fd, ifindex, interface, wanted);

    auto native = create(program_fd, ifindex, interface, AttachMode::native);
    if (native) return native;
    auto generic = create(program_fd, ifindex, interface, AttachMode::generic);
    if (generic) generic->why_generic = native.error().text;
    return generic;
}

void XdpLink::detach() noexcept {
    open_pinned();
    if (link_) bpf_link_detach(link_.get());
    directory_.remove(pin_);
    link_.reset();
}

}  // namespace gabion::map
