// SPDX-License-Identifier: Apache-2.0
// The pinned bpf_link that holds an XDP program on an interface. It outlives the daemon; a new program takes the old one's place
// atomically. Another program on the interface is never touched, only named.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "dataplane/core/fd.h"
#include "dataplane/core/result.h"
#include "dataplane/map/pin_directory.h"

namespace gabion::map {

enum class AttachMode { automatic, native, generic };

struct Attached {
    AttachMode mode = AttachMode::native;  // native or generic
    bool replaced = false;                 // a program of ours was enforcing before
    std::string why_generic;               // what the driver said, when automatic fell back
};

// The name that a loaded program bears; nothing when this process may not ask (CAP_SYS_ADMIN) or the program is gone.
std::optional<std::string> program_name(std::uint32_t id);

class XdpLink {
public:
    // `pin`: its name in there, where there is more than one.
    explicit XdpLink(PinDirectory directory, std::string pin = "link")
        : directory_(std::move(directory)), pin_(std::move(pin)) {}

    // Puts `program_fd` on the interface, in place of what this link held before.
    Result<Attached> attach(int program_fd, int ifindex, const std::string& interface, AttachMode wanted);

    // Puts another program in the place of the one that the link holds; between two packets, so that none goes by unfiltered.
    Result<void> swap(int program_fd, const std::string& interface);

    // Proven by the link's own information, not by the pin: an interface that was deleted leaves a defunct link.
    [[nodiscard]] bool attached_to(int ifindex) const noexcept;

    // The interface that the pinned link holds a program on; 0: none.
    [[nodiscard]] int interface() noexcept;

    // Takes the program off the interface.
    void detach() noexcept;

private:
    Result<Attached> create(int program_fd, int ifindex, const std::string& interface, AttachMode mode);
    void open_pinned() noexcept;

    PinDirectory directory_;
    std::string pin_;
    UniqueFd link_;
};

}  // namespace gabion::map
