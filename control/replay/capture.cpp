// SPDX-License-Identifier: Apache-2.0
#include "control/replay/capture.h"

#include <algorithm>
#include <array>
#include <cerrno>

#include <pcap/pcap.h>

namespace gabion::replay {
namespace {

constexpr std::size_t ethernet_bytes = 14;
constexpr std::size_t frame_bytes_max = 262'144;  // libpcap's own bound on a packet

// What stands in front of the network layer's packet, and where in it the EtherType stands; no place: the version tells.
struct LinkLayer {
    int type;
    std::size_t header_bytes;
    std::optional<std::size_t> ethertype_at;
};

// pcap-linktype(7)
constexpr std::array links{
    LinkLayer{DLT_EN10MB, ethernet_bytes, 12},
    LinkLayer{DLT_LINUX_SLL, 16, 14},
    LinkLayer{DLT_LINUX_SLL2, 20, 0},
    LinkLayer{DLT_RAW, 0, std::nullopt},
    LinkLayer{12, 0, std::nullopt},  // DLT_RAW as other systems number it
    LinkLayer{DLT_NULL, 4, std::nullopt},
    LinkLayer{DLT_LOOP, 4, std::nullopt},
    LinkLayer{DLT_IPV4, 0, std::nullopt},
    LinkLayer{DLT_IPV6, 0, std::nullopt},
};

const LinkLayer* link_of(int type) noexcept {
    const auto found = std::find_if(links.begin(), links.end(), [type](const LinkLayer& l) { return l.type == type; });
    return found == links.end() ? nullptr : &*found;
}

std::uint16_t ethertype(const LinkLayer& link, std::span<const std::byte> captured) noexcept {
    if (link.ethertype_at && captured.size() >= *link.ethertype_at + 2)
        return static_cast<std::uint16_t>(std::to_integer<unsigned>(captured[*link.ethertype_at]) << 8 |
                                          std::to_integer<unsigned>(captured[*link.ethertype_at + 1]));
    if (captured.size() <= link.header_bytes) return 0;
    return std::to_integer<unsigned>(captured[link.header_bytes]) >> 4 == 6 ? 0x86dd : 0x0800;
}

// The captured packet behind an Ethernet header of its own, at its full length.
void to_ethernet(const LinkLayer& link, std::span<const std::byte> captured, std::size_t length,
                 std::vector<std::byte>& frame) {
    if (link.type == DLT_EN10MB) {
        frame.assign(captured.begin(), captured.end());
        frame.resize(length);
        return;
    }
    const std::uint16_t type = ethertype(link, captured);
    const std::size_t header = std::min(link.header_bytes, captured.size());
    frame.assign(ethernet_bytes, std::byte{0});
    frame[0] = frame[6] = std::byte{2};  // locally administered
    frame[12] = std::byte(type >> 8);
    frame[13] = std::byte(type & 0xff);
    frame.insert(frame.end(), captured.begin() + static_cast<std::ptrdiff_t>(header), captured.end());
    frame.resize(ethernet_bytes + std::max(length, header) - header);
}

}  // namespace

void Capture::Close::operator()(pcap* handle) const noexcept { pcap_close(handle); }

Result<Capture> Capture::open(const std::string& path, const std::string& filter) {
    char problem[PCAP_ERRBUF_SIZE] = "";
    std::unique_ptr<pcap, Close> handle(
        pcap_open_offline_with_tstamp_precision(path.c_str(), PCAP_TSTAMP_PRECISION_NANO, problem));
    if (!handle) return Error{problem, EINVAL};
    const int link = pcap_datalink(handle.get());
    if (link_of(link) == nullptr) {
        const char* name = pcap_datalink_val_to_name(link);
        return Error{path + ": captured on a link of type " + (name != nullptr ? name : std::to_string(link)) +
                         ", which is not read; Ethernet, raw IP, Linux cooked and BSD loopback captures are",
                     ENOTSUP};
    }
    if (!filter.empty()) {
        bpf_program program{};
        if (pcap_compile(handle.get(), &program, filter.c_str(), 1, PCAP_NETMASK_UNKNOWN) != 0)
            return Error{"the filter '" + filter + "': " + pcap_geterr(handle.get()), EINVAL};
        const int set = pcap_setfilter(handle.get(), &program);
        pcap_freecode(&program);
        if (set != 0) return Error{"the filter '" + filter + "': " + pcap_geterr(handle.get()), EINVAL};
    }
    return Capture(path, std::move(handle), link);
}

Result<std::optional<Frame>> Capture::next() {
    pcap_pkthdr* header = nullptr;
    const unsigned char* data = nullptr;
    const int got = pcap_next_ex(handle_.get(), &header, &data);
    if (got == PCAP_ERROR_BREAK) return std::optional<Frame>{};
    if (got != 1) return Error{path_ + ": " + pcap_geterr(handle_.get()), EIO};
    const std::size_t length = std::min<std::size_t>(std::max(header->len, header->caplen), frame_bytes_max);
    const std::size_t kept = std::min<std::size_t>(header->caplen, length);
    to_ethernet(*link_of(link_), {reinterpret_cast<const std::byte*>(data), kept}, length, frame_);
    return std::optional(Frame{frame_, static_cast<std::uint64_t>(header->ts.tv_sec) * 1'000'000'000 +
                                           static_cast<std::uint64_t>(header->ts.tv_usec)});
}

}  // namespace gabion::replay
