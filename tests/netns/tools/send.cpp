// SPDX-License-Identifier: Apache-2.0
// gbn-send: sends paced packets out of an interface, past its queueing discipline. Even up to about 1 Mpps. Prints one line of
// JSON: what was sent, in how long, and when the first packet left.
#include <sys/prctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstdio>
#include <cstring>

#include <CLI/CLI.hpp>

#include "tests/netns/tools/frame.h"

namespace gabion::lab {
namespace {

constexpr std::size_t batch_max = 32;
constexpr double calls_per_second =
    20'000;  // at most, and in between it sleeps: several senders share a machine with what they test
constexpr std::uint64_t busy_wait_below_ns = 10'000;
constexpr std::uint64_t give_up_behind_ns =
    5'000'000;  // further behind than this the schedule moves: no catching up in a burst

struct Options {
    std::string interface, to_mac, sources = "192.0.2.1", destinations, protocol = "udp", tcp_flags = "S", ttl = "64",
                                   size = "64", source_ports = "1024-65535", destination_ports = "9", order = "round";
    double rate = 1000;
    double seconds = 0;
    std::uint64_t count = 0;
    std::uint64_t first_sequence = 0;
    std::uint32_t stream = 0;
    std::uint64_t seed = 1;
};

// What differs from packet to packet.
class Generator {
public:
    explicit Generator(const Options& options)
        : sources_(options.sources),
          destinations_(options.destinations),
          source_ports_(options.source_ports),
          destination_ports_(options.destination_ports),
          sizes_(options.size),
          random_(options.seed),
          ttl_by_host_(options.ttl == "host"),
          ttls_(ttl_by_host_ ? "64" : options.ttl),
          round_(options.order == "round") {
        if (sources_.family() != destinations_.family()) fail("sources and destinations must be of one family");
        fields_.from = interface_mac(options.interface);
        fields_.to = parse_mac(options.to_mac);
        fields_.protocol = parse_protocol(options.protocol, sources_.family());
        fields_.tcp_flags = parse_tcp_flags(options.tcp_flags);
        fields_.stamp.stream = options.stream;
        fields_.stamp.sequence = options.first_sequence;
    }

    std::size_t write(std::span<std::uint8_t> room) {
        const std::uint64_t sequence = fields_.stamp.sequence;
        fields_.source = round_ ? sources_.at(sequence % sources_.size()) : sources_.draw(random_);
        fields_.destination = destinations_.at(sequence % destinations_.size());
        fields_.source_port = static_cast<std::uint16_t>(source_ports_.draw(random_));
        fields_.destination_port = static_cast<std::uint16_t>(destination_ports_.draw(random_));
        fields_.ip_length = sizes_.draw(random_);
        fields_.ttl = ttl_by_host_ ? host_ttl() : static_cast<std::uint8_t>(ttls_.draw(random_));
        fields_.tcp_sequence = static_cast<std::uint32_t>(random_.next());
        const std::size_t length = write_frame(room, fields_);
        fields_.stamp.sequence++;
        return length;
    }

private:
    // One of the usual initial TTLs, 1 to 30 hops away, the same for all packets of a source.
    [[nodiscard]] std::uint8_t host_ttl() const {
        static constexpr std::array<std::uint8_t, 4> initial{32, 64, 128, 255};
        std::uint64_t hash = 14695981039346656037u;
        for (const std::uint8_t byte : fields_.source.bytes)
            hash = (hash ^ byte) * 1099511628211u;
        return static_cast<std::uint8_t>(initial[(hash >> 32) % 4] - 1 - (hash >> 40) % 30);
    }

    AddressSet sources_, destinations_;
    NumberSet source_ports_, destination_ports_, sizes_;
    Random random_;
    bool ttl_by_host_;
    NumberSet ttls_;
    bool round_;
    FrameFields fields_;
};

struct Batch {
    std::vector<std::vector<std::uint8_t>> frames{batch_max, std::vector<std::uint8_t>(frame_max)};
    std::array<iovec, batch_max> pieces{};
    std::array<mmsghdr, batch_max> messages{};

    void fill(Generator& generator, std::size_t count) {
        for (std::size_t i = 0; i < count; i++) {
            pieces[i] = {frames[i].data(), generator.write(frames[i])};
            messages[i] = {};
            messages[i].msg_hdr.msg_iov = &pieces[i];
            messages[i].msg_hdr.msg_iovlen = 1;
        }
    }
};

struct Outcome {
    std::uint64_t sent = 0, refused = 0, late = 0, first_ns = 0, last_ns = 0;
};

// Sends the whole batch; what the interface refuses (its ring is full) is tried again.
void send_batch(int fd, Batch& batch, std::size_t count, Outcome& outcome) {
    std::size_t done = 0;
    while (done < count && !stopped()) {
        const int sent = ::sendmmsg(fd, &batch.messages[done], static_cast<unsigned>(count - done), 0);
        if (sent > 0) {
            done += static_cast<std::size_t>(sent);
            continue;
        }
        if (errno != ENOBUFS && errno != EAGAIN && errno != EINTR) fail(std::string("send: ") + std::strerror(errno));
        outcome.refused++;
    }
    outcome.sent += done;
}

Outcome send_all(const Options& options) {
    Generator generator(options);
    Batch batch;
    Outcome outcome;
    const int fd = packet_socket(options.interface);
    ::prctl(PR_SET_TIMERSLACK, 1ul);
    const std::size_t step =
        std::clamp<std::size_t>(static_cast<std::size_t>(options.rate / calls_per_second), 1, batch_max);
    const double ns_each = 1e9 / options.rate;
    const std::uint64_t begin = monotonic_ns();
    const std::uint64_t end =
        options.seconds > 0 ? begin + static_cast<std::uint64_t>(options.seconds * 1e9) : UINT64_MAX;
    double due = static_cast<double>(begin);
    outcome.first_ns = begin;
    while (!stopped() && (options.count == 0 || outcome.sent < options.count)) {
        const std::size_t count = options.count == 0 ? step : std::min<std::size_t>(step, options.count - outcome.sent);
        batch.fill(generator, count);
        std::uint64_t now = monotonic_ns();
        const auto when = static_cast<std::uint64_t>(due);
        if (when > now + busy_wait_below_ns) sleep_until(when);
        while ((now = monotonic_ns()) < when)
            continue;
        if (now >= end) break;
        if (now > when + give_up_behind_ns) {
            outcome.late++;
            due = static_cast<double>(now);
        }
        send_batch(fd, batch, count, outcome);
        due += ns_each * static_cast<double>(count);
    }
    outcome.last_ns = monotonic_ns();
    ::close(fd);
    return outcome;
}

int run(int argc, char** argv) {
    Options options;
    CLI::App app{"Sends paced packets out of an interface"};
    app.add_option("--interface", options.interface)->required();
    app.add_option("--to-mac", options.to_mac, "MAC address of the other end")->required();
    app.add_option("--source", options.sources, "A, A-B, A/LENGTH, several with commas, any4, any6");
    app.add_option("--order", options.order, "round or random")->check(CLI::IsMember({"round", "random"}));
    app.add_option("--destination", options.destinations, "likewise, in turn")->required();
    app.add_option("--protocol", options.protocol)->check(CLI::IsMember({"udp", "tcp", "icmp"}));
    app.add_option("--tcp-flags", options.tcp_flags, "letters of FSRPAU");
    app.add_option("--ttl", options.ttl, "N, A-B, a list, or host: fixed for each source, as real hosts have it");
    app.add_option("--size", options.size, "IP length: N, A-B or a list");
    app.add_option("--sport", options.source_ports);
    app.add_option("--dport", options.destination_ports);
    app.add_option("--rate", options.rate, "packets a second")->check(CLI::PositiveNumber);
    app.add_option("--count", options.count);
    app.add_option("--seconds", options.seconds);
    app.add_option("--stream", options.stream);
    app.add_option("--first-sequence", options.first_sequence);
    app.add_option("--seed", options.seed);
    CLI11_PARSE(app, argc, argv);
    if (options.count == 0 && options.seconds <= 0) fail("one of --count and --seconds is needed");
    catch_stop();
    const Outcome outcome = send_all(options);
    const double seconds = static_cast<double>(outcome.last_ns - outcome.first_ns) / 1e9;
    std::printf("{\"sent\":%llu,\"seconds\":%.6f,\"refused\":%llu,\"late\":%llu,\"first_ns\":%llu}\n",
                static_cast<unsigned long long>(outcome.sent), seconds,
                static_cast<unsigned long long>(outcome.refused), static_cast<unsigned long long>(outcome.late),
                static_cast<unsigned long long>(outcome.first_ns));
    return 0;
}

}  // namespace
}  // namespace gabion::lab

int main(int argc, char** argv) { return gabion::lab::run(argc, argv); }
