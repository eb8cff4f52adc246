// SPDX-License-Identifier: Apache-2.0
// The two steps of bringing a program into the kernel: the first is quick and looks at the map groups, the second has the kernel
// verify the program, takes some hundred milliseconds, and touches nothing but the object, so that any thread may do it.
#pragma once

#include "dataplane/core/result.h"
#include "dataplane/map/map_group.h"

struct bpf_object;

namespace gabion::map {

Result<void> give_maps(bpf_object* object, const MapGroup& shared, const MapGroup& own);

// `what` is for the error's text: "the XDP program".
Result<void> load_object(bpf_object* object, const char* what);

}  // namespace gabion::map
