// SPDX-License-Identifier: Apache-2.0
#include "dataplane/core/atomic_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dataplane/core/fd.h"

namespace gabion {
namespace {

Result<void> write_all(int fd, std::span<const std::byte> bytes, const std::string& path) {
    while (!bytes.empty()) {
        const ssize_t count = ::write(fd, bytes.data(), bytes.size());
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return error_from_errno(errno, "writing " + path);
        bytes = bytes.subspan(static_cast<std::size_t>(count));
    }
    return {};
}

std::string directory_of(const std::string& path) {
    const auto slash = path.rfind('/');
    return slash == std::string::npos ? "." : path.substr(0, slash + 1);
}

}  // namespace

Result<void> write_atomically(const std::string& path, std::span<const std::byte> bytes) {
    const std::string beside = path + ".new";
    {
        const UniqueFd file(::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
        if (!file) return error_from_errno(errno, "making " + beside);
        auto written = write_all(file.get(), bytes, beside);
        if (written && ::fsync(file.get()) != 0) written = error_from_errno(errno, "flushing " + beside);
        if (!written) {
            ::unlink(beside.c_str());
            return written;
        }
    }
    if (::rename(beside.c_str(), path.c_str()) != 0)
        return error_from_errno(errno, "renaming " + beside + " to " + path);
    const UniqueFd directory(::open(directory_of(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!directory || ::fsync(directory.get()) != 0)
        return error_from_errno(errno, "flushing the directory of " + path);
    return {};
}

Result<std::optional<std::vector<std::byte>>> read_whole(const std::string& path, std::size_t bytes_max) {
    using Content = std::optional<std::vector<std::byte>>;
    const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file && errno == ENOENT) return Content{};
    if (!file) return error_from_errno(errno, "opening " + path);
    struct stat info {};
    if (::fstat(file.get(), &info) != 0) return error_from_errno(errno, "looking at " + path);
    if (info.st_size < 0 || static_cast<std::size_t>(info.st_size) > bytes_max)
        return Error{path + " is larger than " + std::to_string(bytes_max) + " bytes", EFBIG};
    std::vector<std::byte> bytes(static_cast<std::size_t>(info.st_size));
    std::size_t filled = 0;
    while (filled < bytes.size()) {
        const ssize_t count = ::read(file.get(), bytes.data() + filled, bytes.size() - filled);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return error_from_errno(errno, "reading " + path);
        if (count == 0) break;
        filled += static_cast<std::size_t>(count);
    }
    bytes.resize(filled);
    return Content{std::move(bytes)};
}

}  // namespace gabion
