// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>

#include "control/wire/client.h"
#include "control/wire/protocol.h"

namespace gabion::wire {
namespace {

Result<void> write_all(int fd, const char* data, std::size_t size) {
    while (size > 0) {
        const ssize_t written = ::write(fd, data, size);
        if (written < 0) {
            if (errno == EINTR) continue;
            return error_from_errno(errno, "copying a file into memory");
        }
        data += written;
        size -= static_cast<std::size_t>(written);
    }
    return {};
}

}  // namespace

Result<UniqueFd> sealed_copy(const std::string& path) {
    const bool is_input = path == "-";
    UniqueFd opened(is_input ? -1 : ::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!is_input && !opened) return error_from_errno(errno, "opening " + path);
    const int source = is_input ? STDIN_FILENO : opened.get();
    UniqueFd copy(::memfd_create("gabion-load", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    if (!copy) return error_from_errno(errno, "making a file in memory");

    std::array<char, 65536> chunk;
    std::size_t total = 0;
    while (true) {
        const ssize_t count = ::read(source, chunk.data(), chunk.size());
        if (count == 0) break;
        if (count < 0) {
            if (errno == EINTR) continue;
            return error_from_errno(errno, "reading " + path);
        }
        total += static_cast<std::size_t>(count);
        if (total > file_bytes_max)
            return Error{
                path + " is longer than " + std::to_string(file_bytes_max >> 20) + " MiB; is it a list of addresses?",
                EFBIG};
        if (auto written = write_all(copy.get(), chunk.data(), static_cast<std::size_t>(count)); !written)
            return written.error();
    }
    if (::fcntl(copy.get(), F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0)
        return error_from_errno(errno, "sealing a file in memory");
    return copy;
}

}  // namespace gabion::wire
