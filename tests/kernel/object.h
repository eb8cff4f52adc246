// SPDX-License-Identifier: Apache-2.0
// A BPF object as it was built, not loaded yet.
#pragma once

#include <memory>
#include <string>

#include <bpf/libbpf.h>

namespace gabion::test {

struct CloseObject {
    void operator()(bpf_object* object) const { bpf_object__close(object); }
};
using Object = std::unique_ptr<bpf_object, CloseObject>;

inline Object open_object(const std::string& name) {
    return Object(bpf_object__open_file((std::string(GABION_OBJECTS) + "/" + name + ".bpf.o").c_str(), nullptr));
}

}  // namespace gabion::test
