// SPDX-License-Identifier: Apache-2.0
#include "dataplane/xsk/umem.h"

#include <sys/mman.h>

#include <bit>

namespace gabion::xsk {

Result<Umem> Umem::create(std::uint32_t chunk_bytes, std::uint32_t chunks) {
    if (!std::has_single_bit(chunk_bytes) || chunk_bytes < chunk_small_bytes || chunk_bytes > chunk_large_bytes)
        return Error{"a frame's chunk of " + std::to_string(chunk_bytes) + " bytes: must be 2048 or 4096", EINVAL};
    const std::size_t bytes = std::size_t{chunk_bytes} * chunks;
    void* area = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    if (area == MAP_FAILED)
        return error_from_errno(errno, "allocating " + std::to_string(bytes >> 10) + " KiB for frames");
    return Umem(Mapping(area, bytes), chunk_bytes, chunks);
}

}  // namespace gabion::xsk
