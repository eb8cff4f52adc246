// SPDX-License-Identifier: Apache-2.0
#include "control/daemon/resident_memory.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fstream>
#include <string>

#include "dataplane/core/fd.h"

namespace gabion::daemon {
namespace {

// Documentation/admin-guide/mm/pagemap.rst: a word for each page.
constexpr std::uint64_t page_present = 1ull << 63;
constexpr std::uint64_t page_of_file = 1ull << 61;  // or shared; what was copied on write is anonymous

// Pages of a mapped file that this process has in its page tables.
std::uint64_t resident_pages(int pagemap, std::uint64_t first, std::uint64_t end) {
    std::array<std::uint64_t, 512> words{};
    std::uint64_t resident = 0;
    while (first < end) {
        const std::uint64_t wanted = std::min<std::uint64_t>(words.size(), end - first);
        const ssize_t got =
            ::pread(pagemap, words.data(), wanted * sizeof words[0], static_cast<off_t>(first * sizeof words[0]));
        if (got <= 0) break;
        const auto count = static_cast<std::size_t>(got) / sizeof words[0];
        for (std::size_t i = 0; i < count; ++i)
            resident += (words[i] & (page_present | page_of_file)) == (page_present | page_of_file);
        first += count;
    }
    return resident;
}

std::uint64_t file_bytes() {
    const UniqueFd pagemap(::open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC));
    if (!pagemap) return 0;
    const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
    std::ifstream maps("/proc/self/maps");
    std::uint64_t pages = 0;
    for (std::string line; std::getline(maps, line);) {
        // "begin-end rights offset device inode path"; the tables have no path that begins with a slash
        if (line.find(" /") == std::string::npos) continue;
        char* rest = nullptr;
        const std::uint64_t begin = std::strtoull(line.c_str(), &rest, 16);
        const std::uint64_t end = *rest == '-' ? std::strtoull(rest + 1, nullptr, 16) : begin;
        pages += resident_pages(pagemap.get(), begin / page, end / page);
    }
    return pages * page;
}

std::uint64_t anonymous_bytes() {
    std::ifstream status("/proc/self/status");
    for (std::string line; std::getline(status, line);)
        if (line.starts_with("RssAnon:")) return std::strtoull(line.c_str() + 8, nullptr, 10) * 1024;
    return 0;
}

}  // namespace

std::uint64_t resident_bytes() { return anonymous_bytes() + file_bytes(); }

}  // namespace gabion::daemon
