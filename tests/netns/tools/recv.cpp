// SPDX-License-Identifier: Apache-2.0
// gbn-recv: receives what gbn-send sent to a UDP port, v4 and v6, on an ordinary socket, and tells lost, duplicated and
// reordered packets by their stamps. Prints "ready" once it listens, and at the end one line of JSON.
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <iostream>
#include <map>
#include <memory>

#include <CLI/CLI.hpp>

#include "tests/netns/tools/frame.h"

namespace gabion::lab {
namespace {

constexpr std::size_t batch = 64;

struct Stream {
    std::vector<bool> seen;
    std::uint64_t unique = 0, duplicated = 0, reordered = 0, highest = 0;

    void take(std::uint64_t sequence) {
        if (sequence >= seen.size()) seen.resize(sequence + sequence / 2 + 1024);
        if (seen[sequence]) {
            duplicated++;
            return;
        }
        seen[sequence] = true;
        if (unique > 0 && sequence < highest) reordered++;
        highest = std::max(highest, sequence);
        unique++;
    }
};

struct Totals {
    std::uint64_t received = 0, unstamped = 0, overflowed = 0, bytes = 0, first_ns = 0, last_ns = 0;
    std::map<std::uint32_t, Stream> streams;
    std::uint64_t bin_ns = 0;
    std::map<std::uint64_t, std::uint64_t> bins;  // packets by the time they came at, in units of bin_ns

    void note_arrival(std::uint64_t count) {
        last_ns = monotonic_ns();
        if (first_ns == 0) first_ns = last_ns;
        if (bin_ns > 0) bins[last_ns / bin_ns] += count;
    }

    void take(const std::uint8_t* data, std::size_t length) {
        received++;
        bytes += length;
        Stamp stamp;
        if (length < sizeof stamp) {
            unstamped++;
            return;
        }
        std::memcpy(&stamp, data, sizeof stamp);
        // A sequence beyond this is no stamp of ours; it would only cost memory.
        if (stamp.magic != Stamp::expected || stamp.sequence > (std::uint64_t{1} << 32)) {
            unstamped++;
            return;
        }
        streams[stamp.stream].take(stamp.sequence);
    }
};

int bound_socket(std::uint16_t port, int buffer_bytes) {
    const int fd = ::socket(AF_INET6, SOCK_DGRAM, 0);
    const int off = 0;
    const int on = 1;
    ::setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    ::setsockopt(fd, SOL_SOCKET, SO_RXQ_OVFL, &on, sizeof on);
    if (::setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer_bytes, sizeof buffer_bytes) != 0)
        ::setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer_bytes, sizeof buffer_bytes);
    sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    address.sin6_port = htons(port);
    if (::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
        fail("port " + std::to_string(port) + ": " + std::strerror(errno));
    return fd;
}

class Receiver {
public:
    explicit Receiver(int fd) : fd_(fd) {
        for (std::size_t i = 0; i < batch; i++)
            pieces_[i] = {buffers_[i].data(), buffers_[i].size()};
    }

    // Everything that waits; the number of packets.
    std::size_t drain(Totals& totals) {
        std::size_t all = 0;
        while (true) {
            for (std::size_t i = 0; i < batch; i++) {
                messages_[i] = {};
                messages_[i].msg_hdr.msg_iov = &pieces_[i];
                messages_[i].msg_hdr.msg_iovlen = 1;
                messages_[i].msg_hdr.msg_control = controls_[i].data();
                messages_[i].msg_hdr.msg_controllen = controls_[i].size();
            }
            const int count = ::recvmmsg(fd_, messages_.data(), batch, MSG_DONTWAIT, nullptr);
            if (count <= 0) return all;
            for (std::size_t i = 0; i < static_cast<std::size_t>(count); i++) {
                totals.take(buffers_[i].data(), messages_[i].msg_len);
                note_overflow(messages_[i].msg_hdr, totals);
            }
            all += static_cast<std::size_t>(count);
            totals.note_arrival(static_cast<std::uint64_t>(count));
        }
    }

private:
    static void note_overflow(msghdr& header, Totals& totals) {
        for (cmsghdr* control = CMSG_FIRSTHDR(&header); control != nullptr; control = CMSG_NXTHDR(&header, control)) {
            if (control->cmsg_level != SOL_SOCKET || control->cmsg_type != SO_RXQ_OVFL) continue;
            std::uint32_t dropped = 0;
            std::memcpy(&dropped, CMSG_DATA(control), sizeof dropped);
            totals.overflowed = dropped;
        }
    }

    int fd_;
    std::array<std::array<std::uint8_t, 9000>, batch> buffers_{};
    std::array<std::array<std::uint8_t, 64>, batch> controls_{};
    std::array<iovec, batch> pieces_{};
    std::array<mmsghdr, batch> messages_{};
};

struct Options {
    std::uint16_t port = 9;
    double seconds = 3600;
    std::uint64_t expect = 0;
    int quiet_ms = 0;
    int bins_ms = 0;
    int nap_ms = 0;
    int buffer_mib = 1000;
};

Totals receive(const Options& options) {
    const int fd = bound_socket(options.port, options.buffer_mib << 20);
    auto receiver = std::make_unique<Receiver>(fd);
    Totals totals;
    totals.bin_ns = static_cast<std::uint64_t>(options.bins_ms) * 1'000'000u;
    std::cout << "ready" << std::endl;
    const std::uint64_t end = monotonic_ns() + static_cast<std::uint64_t>(options.seconds * 1e9);
    while (!stopped() && monotonic_ns() < end) {
        if (receiver->drain(totals) > 0) continue;
        const bool quiet = totals.received > 0 && options.quiet_ms > 0 &&
                           monotonic_ns() > totals.last_ns + static_cast<std::uint64_t>(options.quiet_ms) * 1'000'000u;
        if (quiet) break;
        pollfd wait{fd, POLLIN, 0};
        if (options.nap_ms > 0) {
            ::poll(nullptr, 0, options.nap_ms);
        } else {
            ::poll(&wait, 1, 20);
        }
    }
    receiver->drain(totals);
    ::close(fd);
    return totals;
}

void print(const Totals& totals, const Options& options) {
    std::uint64_t unique = 0, duplicated = 0, reordered = 0, gaps = 0;
    for (const auto& [id, stream] : totals.streams) {
        unique += stream.unique;
        duplicated += stream.duplicated;
        reordered += stream.reordered;
        gaps += stream.highest + 1 - stream.unique;
    }
    const auto lost = options.expect > 0 ? static_cast<long long>(options.expect) - static_cast<long long>(unique)
                                         : static_cast<long long>(gaps);
    const auto text = [](const char* name, auto value) { std::cout << ",\"" << name << "\":" << value; };
    std::cout << "{\"received\":" << totals.received;
    text("unique", unique);
    text("lost", lost);
    text("duplicated", duplicated);
    text("reordered", reordered);
    text("unstamped", totals.unstamped);
    text("overflowed", totals.overflowed);
    text("bytes", totals.bytes);
    text("first_ns", totals.first_ns);
    text("last_ns", totals.last_ns);
    std::cout << ",\"bins\":[";
    const char* separator = "";
    for (const auto& [bin, count] : totals.bins) {
        std::cout << separator << '[' << bin * totals.bin_ns << ',' << count << ']';
        separator = ",";
    }
    std::cout << "]}\n";
}

int run(int argc, char** argv) {
    Options options;
    CLI::App app{"Counts what gbn-send sent to a UDP port"};
    app.add_option("--port", options.port);
    app.add_option("--expect", options.expect, "packets that were sent: what is missing is lost");
    app.add_option("--seconds", options.seconds, "at most");
    app.add_option("--quiet-ms", options.quiet_ms, "end after so much silence behind the last packet");
    app.add_option("--bins-ms", options.bins_ms, "also tell how many came in each so many milliseconds");
    app.add_option("--nap-ms", options.nap_ms, "look so seldom: wakes up, and costs the packets' core, less often");
    app.add_option("--buffer-mib", options.buffer_mib, "receive buffer");
    CLI11_PARSE(app, argc, argv);
    catch_stop();
    print(receive(options), options);
    return 0;
}

}  // namespace
}  // namespace gabion::lab

int main(int argc, char** argv) { return gabion::lab::run(argc, argv); }
