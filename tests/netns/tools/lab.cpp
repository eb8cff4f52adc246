// SPDX-License-Identifier: Apache-2.0
#include "tests/netns/tools/lab.h"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>

namespace gabion::lab {
namespace {

std::atomic<bool> stop_asked{false};

constexpr std::uint64_t most_addresses = std::uint64_t{1} << 62;

// address + offset, as one big-endian number.
Address plus(Address address, std::uint64_t offset) {
    unsigned carry = 0;
    for (unsigned i = address.width(); i-- > 0;) {
        const unsigned sum = address.bytes[i] + static_cast<unsigned>(offset & 0xff) + carry;
        address.bytes[i] = static_cast<std::uint8_t>(sum);
        carry = sum >> 8;
        offset >>= 8;
    }
    return address;
}

std::uint64_t low_word(const Address& address) {
    std::uint64_t value = 0;
    for (unsigned i = address.family == AF_INET ? 0 : 8; i < address.width(); i++)
        value = value << 8 | address.bytes[i];
    return value;
}

std::vector<std::string> split(const std::string& text, char separator) {
    std::vector<std::string> parts;
    std::size_t begin = 0;
    while (true) {
        const std::size_t end = text.find(separator, begin);
        parts.push_back(text.substr(begin, end - begin));
        if (end == std::string::npos) return parts;
        begin = end + 1;
    }
}

ifreq interface_request(const std::string& name, unsigned long what) {
    ifreq request{};
    if (name.size() >= sizeof request.ifr_name) fail(name + ": interface name too long");
    std::memcpy(request.ifr_name, name.c_str(), name.size() + 1);
    const int fd = ::socket(AF_INET, SOCK_DGRAM, 0);
    const int status = ::ioctl(fd, what, &request);
    ::close(fd);
    if (status != 0) fail(name + ": " + std::strerror(errno));
    return request;
}

}  // namespace

void fail(const std::string& text) {
    std::fprintf(stderr, "%s\n", text.c_str());
    std::exit(1);
}

Address parse_address(const std::string& text) {
    Address address;
    address.family = text.find(':') == std::string::npos ? AF_INET : AF_INET6;
    if (::inet_pton(address.family, text.c_str(), address.bytes.data()) != 1) fail(text + ": not an address");
    return address;
}

Mac parse_mac(const std::string& text) {
    Mac mac{};
    if (std::sscanf(text.c_str(), "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", &mac[0], &mac[1], &mac[2], &mac[3], &mac[4],
                    &mac[5]) != 6)
        fail(text + ": not a MAC address");
    return mac;
}

Mac interface_mac(const std::string& name) {
    const ifreq request = interface_request(name, SIOCGIFHWADDR);
    Mac mac{};
    std::memcpy(mac.data(), request.ifr_hwaddr.sa_data, mac.size());
    return mac;
}

unsigned interface_index(const std::string& name) {
    return static_cast<unsigned>(interface_request(name, SIOCGIFINDEX).ifr_ifindex);
}

sockaddr_storage socket_address(const Address& address, std::uint16_t port) {
    sockaddr_storage storage{};
    if (address.family == AF_INET) {
        sockaddr_in in{};
        in.sin_family = AF_INET;
        in.sin_port = htons(port);
        std::memcpy(&in.sin_addr, address.bytes.data(), 4);
        std::memcpy(&storage, &in, sizeof in);
    } else {
        sockaddr_in6 in6{};
        in6.sin6_family = AF_INET6;
        in6.sin6_port = htons(port);
        std::memcpy(&in6.sin6_addr, address.bytes.data(), 16);
        std::memcpy(&storage, &in6, sizeof in6);
    }
    return storage;
}

socklen_t socket_length(const Address& address) {
    return address.family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
}

int packet_socket(const std::string& interface) {
    const int fd = ::socket(AF_PACKET, SOCK_RAW, 0);
    if (fd < 0) fail(std::string("packet socket: ") + std::strerror(errno));
    const int on = 1;
    ::setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof on);
    const int buffer = 8 << 20;
    ::setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &buffer, sizeof buffer);
    sockaddr_ll address{};
    address.sll_family = AF_PACKET;
    address.sll_ifindex = static_cast<int>(interface_index(interface));
    if (::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
        fail(interface + ": bind: " + std::strerror(errno));
    return fd;
}

std::uint64_t monotonic_ns() {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000u + static_cast<std::uint64_t>(now.tv_nsec);
}

void sleep_until(std::uint64_t when) {
    const timespec time{static_cast<time_t>(when / 1'000'000'000u), static_cast<long>(when % 1'000'000'000u)};
    ::clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, nullptr);
}

void catch_stop() {
    struct sigaction action {};
    action.sa_handler = [](int) { stop_asked.store(true); };
    ::sigaction(SIGINT, &action, nullptr);
    ::sigaction(SIGTERM, &action, nullptr);
}

bool stopped() { return stop_asked.load(std::memory_order_relaxed); }

AddressSet::AddressSet(const std::string& text) {
    if (text == "any4" || text == "any6") {
        unicast_only_ = true;
        add(text == "any4" ? "0.0.0.0/0" : "2000::/3");
        return;
    }
    if (text.starts_with("@")) {
        add_file(text.substr(1));
        return;
    }
    for (const std::string& term : split(text, ','))
        add(term);
}

void AddressSet::add_file(const std::string& path) {
    std::ifstream lines(path);
    if (!lines) fail(path + ": cannot be read");
    for (std::string line; std::getline(lines, line);) {
        if (!line.empty()) add(line);
    }
    if (terms_.empty()) fail(path + ": no address in it");
}

void AddressSet::add(const std::string& text) {
    Term term{};
    if (const std::size_t slash = text.find('/'); slash != std::string::npos) {
        term.first = parse_address(text.substr(0, slash));
        const unsigned length = static_cast<unsigned>(std::strtoul(text.c_str() + slash + 1, nullptr, 10));
        const unsigned free_bits = term.first.width() * 8 - length;
        term.count = free_bits >= 62 ? most_addresses : std::uint64_t{1} << free_bits;
    } else if (const std::size_t dash = text.find('-'); dash != std::string::npos) {
        term.first = parse_address(text.substr(0, dash));
        term.count = low_word(parse_address(text.substr(dash + 1))) - low_word(term.first) + 1;
    } else {
        term = {parse_address(text), 1};
    }
    if (!terms_.empty() && terms_.front().first.family != term.first.family) fail("one family at a time: " + text);
    terms_.push_back(term);
    total_ = std::min(total_ + term.count, most_addresses);
}

Address AddressSet::at(std::uint64_t index) const {
    if (total_ == terms_.size()) return terms_[index].first;  // single addresses only
    for (const Term& term : terms_) {
        if (index < term.count) return plus(term.first, index);
        index -= term.count;
    }
    return terms_.back().first;
}

Address AddressSet::draw(Random& random) const {
    if (!unicast_only_) return at(random.below(total_));
    Address address = terms_.front().first;
    do {
        const std::uint64_t high = random.next();
        const std::uint64_t low = random.next();
        std::memcpy(address.bytes.data(), &high, 8);
        std::memcpy(address.bytes.data() + 8, &low, 8);
        if (address.family == AF_INET6) address.bytes[0] = static_cast<std::uint8_t>(0x20 | (address.bytes[0] & 0x1f));
    } while (address.family == AF_INET &&
             (address.bytes[0] == 0 || address.bytes[0] == 127 || address.bytes[0] >= 224));
    if (address.family == AF_INET) std::fill(address.bytes.begin() + 4, address.bytes.end(), std::uint8_t{0});
    return address;
}

NumberSet::NumberSet(const std::string& text) {
    if (const std::size_t dash = text.find('-'); dash != std::string::npos) {
        range_ = true;
        values_ = {std::strtoull(text.c_str(), nullptr, 10), std::strtoull(text.c_str() + dash + 1, nullptr, 10)};
        if (values_[1] < values_[0]) fail(text + ": empty range");
        return;
    }
    for (const std::string& part : split(text, ','))
        values_.push_back(std::strtoull(part.c_str(), nullptr, 10));
}

std::uint64_t NumberSet::draw(Random& random) const {
    if (range_) return values_[0] + random.below(values_[1] - values_[0] + 1);
    return values_.size() == 1 ? values_[0] : values_[random.below(values_.size())];
}

std::uint64_t NumberSet::largest() const { return *std::max_element(values_.begin(), values_.end()); }

}  // namespace gabion::lab
