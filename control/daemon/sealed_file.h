// SPDX-License-Identifier: Apache-2.0
// The text of a file that a client sent beside its request, mapped for reading. Only a sealed memfd is taken: it can neither
// change nor shrink nor make the reader wait, and it holds nothing but what the client itself could read.
#pragma once

#include "dataplane/core/mapping.h"
#include "dataplane/core/result.h"

namespace gabion::daemon {

// The mapping is empty when the file is. Errors: EINVAL when it is not such a file, EFBIG when it is longer than wire::file_bytes_max.
Result<Mapping> map_sealed(int fd);

}  // namespace gabion::daemon
