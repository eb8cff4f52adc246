// SPDX-License-Identifier: Apache-2.0
#include "control/daemon/sealed_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "control/wire/protocol.h"

namespace gabion::daemon {

Result<Mapping> map_sealed(int fd) {
    constexpr int needed = F_SEAL_WRITE | F_SEAL_SHRINK;
    const int seals = ::fcntl(fd, F_GET_SEALS);
    if (seals < 0 || (seals & needed) != needed)
        return Error{"the file beside the request must be a memfd sealed against writing and shrinking", EINVAL};
    struct stat status {};
    if (::fstat(fd, &status) != 0) return error_from_errno(errno, "looking at the file beside the request");
    const auto bytes = static_cast<std::size_t>(status.st_size);
    if (bytes > wire::file_bytes_max) return Error{"the file beside the request is too long", EFBIG};
    if (bytes == 0) return Mapping();
    void* address = ::mmap(nullptr, bytes, PROT_READ, MAP_PRIVATE, fd, 0);
    if (address == MAP_FAILED) return error_from_errno(errno, "mapping the file beside the request");
    return Mapping(address, bytes);
}

}  // namespace gabion::daemon
