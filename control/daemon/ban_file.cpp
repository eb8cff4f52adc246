// SPDX-License-Identifier: Apache-2.0
#include "control/daemon/ban_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <algorithm>

#include "control/wire/protocol.h"

namespace gabion::daemon {
namespace {

constexpr std::string_view blanks = " \t\r";

std::string_view stripped(std::string_view line) {
    line = line.substr(0, line.find('#'));
    const auto first = line.find_first_not_of(blanks);
    if (first == std::string_view::npos) return {};
    return line.substr(first, line.find_last_not_of(blanks) - first + 1);
}

Error line_error(const std::string& name, std::size_t number, const std::string& why) {
    return Error{name + ", line " + std::to_string(number) + ": " + why + "; nothing was loaded", EBADMSG};
}

}  // namespace

Error refuse_everything(const Prefix& target) {
    return Error{target.text() + " is every address there is, yours too; --force if that is meant", EINVAL};
}

Result<std::vector<Prefix>> parse_ban_file(std::string_view text, const std::string& name, bool force) {
    std::vector<Prefix> targets;
    targets.reserve(static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n')) + 1);
    std::size_t number = 0;
    while (!text.empty()) {
        ++number;
        const auto end = text.find('\n');
        const auto line = stripped(text.substr(0, end));
        text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
        if (line.empty()) continue;
        auto target = Prefix::parse(line);
        if (!target) return line_error(name, number, target.error().text);
        if (!force && is_everything(*target)) return line_error(name, number, refuse_everything(*target).text);
        targets.push_back(*target);
    }
    if (targets.empty()) return Error{name + " holds no address; one a line is expected", EBADMSG};
    return targets;
}

Result<Mapping> map_sealed(int fd) {
    constexpr int needed = F_SEAL_WRITE | F_SEAL_SHRINK;
    const int seals = ::fcntl(fd, F_GET_SEALS);
    if (seals < 0 || (seals & needed) != needed)
        return Error{"the file beside the request must be a memfd sealed against writing and shrinking", EINVAL};
    struct stat status{};
    if (::fstat(fd, &status) != 0) return error_from_errno(errno, "looking at the file beside the request");
    const auto bytes = static_cast<std::size_t>(status.st_size);
    if (bytes > wire::file_bytes_max) return Error{"the file beside the request is too long", EFBIG};
    if (bytes == 0) return Mapping();
    void* address = ::mmap(nullptr, bytes, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
    if (address == MAP_FAILED) return error_from_errno(errno, "mapping the file beside the request");
    return Mapping(address, bytes);
}

}  // namespace gabion::daemon
