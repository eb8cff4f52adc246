// SPDX-License-Identifier: Apache-2.0
#include "dataplane/map/load_object.h"

#include <bpf/libbpf.h>

namespace gabion::map {

Result<void> give_maps(bpf_object* object, const MapGroup& shared, const MapGroup& own) {
    if (auto given = shared.give_to(object); !given) return given;
    return own.give_to(object);
}

Result<void> load_object(bpf_object* object, const char* what) {
    if (const int code = bpf_object__load(object); code != 0)
        return error_from_errno(
            -code, std::string("loading ") + what + " into the kernel",
            code == -EPERM ? "run as root"
                           : "a kernel of 6.1 or later is needed; `journalctl -u gabiond` has the verifier's words");
    return {};
}

}  // namespace gabion::map
