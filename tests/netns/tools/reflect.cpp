// SPDX-License-Identifier: Apache-2.0
// gbn-reflect: sends a host what reflectors send to a victim: captures of such attacks, readdressed to it and at their own pace times
// a factor, or answers of every service that Gabion knows as an amplifier. Prints one line of JSON.
#include <sys/socket.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <vector>

#include <CLI/CLI.hpp>

#include "control/replay/capture.h"
#include "dataplane/core/amplifiers.h"
#include "tests/netns/tools/frame.h"

namespace gabion::lab {
namespace {

struct Options {
    std::string interface, to_mac, destination, file, filter;
    double speed = 10;
    double rate = 50'000;
    std::uint64_t count = 0;
};

struct Outcome {
    std::uint64_t sent = 0, kinds = 0;
};

std::uint16_t word_at(const std::uint8_t* at) {
    std::uint16_t word = 0;
    std::memcpy(&word, at, 2);
    return word;
}

// RFC 1624, eqn. 3: the checksum at `at` after the bytes `from` became `to`.
void update_sum(std::uint8_t* at, const std::uint8_t* from, const std::uint8_t* to, std::size_t bytes) {
    std::uint32_t sum = static_cast<std::uint16_t>(~word_at(at));
    for (std::size_t i = 0; i < bytes; i += 2)
        sum += static_cast<std::uint16_t>(~word_at(from + i)) + word_at(to + i);
    const std::uint16_t folded = fold_sum(sum);
    std::memcpy(at, &folded, 2);
}

class Sender {
public:
    explicit Sender(const Options& options)
        : fd_(packet_socket(options.interface)),
          from_(interface_mac(options.interface)),
          to_(parse_mac(options.to_mac)),
          destination_(parse_address(options.destination)) {}

    [[nodiscard]] const Address& destination() const { return destination_; }
    [[nodiscard]] FrameFields fields() const {
        FrameFields fields;
        fields.to = to_;
        fields.from = from_;
        fields.destination = destination_;
        return fields;
    }

    // An IPv4 frame goes to the destination instead; false when it is no such frame.
    bool readdress(std::vector<std::uint8_t>& frame) const {
        constexpr std::size_t tcp_sum = 16, udp_sum = 6;
        if (frame.size() < ethernet_bytes + ipv4_bytes || frame[12] != 8 || frame[13] != 0) return false;
        std::memcpy(&frame[0], to_.data(), 6);
        std::memcpy(&frame[6], from_.data(), 6);
        std::uint8_t* ip = &frame[ethernet_bytes];
        std::uint8_t* l4 = ip + 4u * (ip[0] & 15u);
        const std::uint8_t* end = frame.data() + frame.size();
        update_sum(ip + 10, ip + 16, destination_.bytes.data(), 4);
        const bool first = ((ip[6] & 0x1f) | ip[7]) == 0;
        if (first && ip[9] == 6 && l4 + 20 <= end) update_sum(l4 + tcp_sum, ip + 16, destination_.bytes.data(), 4);
        if (first && ip[9] == 17 && l4 + 8 <= end && word_at(l4 + udp_sum) != 0)
            update_sum(l4 + udp_sum, ip + 16, destination_.bytes.data(), 4);
        std::memcpy(ip + 16, destination_.bytes.data(), 4);
        return true;
    }

    void send(std::span<const std::uint8_t> frame, std::uint64_t due_ns) {
        if (due_ns > monotonic_ns() + 100'000) sleep_until(due_ns - 50'000);
        while (monotonic_ns() < due_ns)
            continue;
        while (!stopped() && ::send(fd_, frame.data(), frame.size(), 0) < 0)
            if (errno != ENOBUFS && errno != EAGAIN && errno != EINTR)
                fail(std::string("send: ") + std::strerror(errno));
    }

private:
    int fd_;
    Mac from_, to_;
    Address destination_;
};

Outcome send_capture(const Options& options, Sender& sender) {
    if (sender.destination().family != AF_INET) fail("captures are readdressed to IPv4 alone");
    auto capture = replay::Capture::open(options.file, options.filter);
    if (!capture) fail(capture.error().text);
    Outcome outcome{.kinds = 1};
    const std::uint64_t begin = monotonic_ns();
    std::uint64_t first_ns = 0;
    while (!stopped()) {
        const auto next = capture->next();
        if (!next) fail(next.error().text);
        if (!*next) break;
        if (first_ns == 0) first_ns = (*next)->time_ns;
        const auto bytes = (*next)->bytes;
        std::vector<std::uint8_t> frame(bytes.size());
        std::memcpy(frame.data(), bytes.data(), bytes.size());
        if (!sender.readdress(frame)) continue;
        const double after = static_cast<double>((*next)->time_ns - first_ns) / options.speed;
        sender.send(frame, begin + static_cast<std::uint64_t>(after));
        ++outcome.sent;
    }
    return outcome;
}

// An answer that the rule describes, of a length that the link takes.
std::vector<std::uint8_t> answer(const AmplifierRule& rule, const Sender& sender, Random& random) {
    static const AddressSet any4("any4"), any6("any6");
    FrameFields fields = sender.fields();
    const bool v4 = fields.destination.family == AF_INET;
    const std::size_t l3 = v4 ? ipv4_bytes : ipv6_bytes, longest = std::min<std::size_t>(rule.longest, 1452);
    const std::size_t length =
        rule.shortest + random.below(longest - std::min<std::size_t>(rule.shortest, longest) + 1);
    fields.source = (v4 ? any4 : any6).draw(random);
    fields.source_port = rule.port;
    fields.destination_port = static_cast<std::uint16_t>(1024 + random.below(60'000));
    if (fields.destination_port == rule.spare_port) ++fields.destination_port;
    fields.ip_length = l3 + 8 + length;
    std::vector<std::uint8_t> frame(ethernet_bytes + fields.ip_length);
    write_frame(frame, fields);
    std::uint8_t* payload = &frame[ethernet_bytes + l3 + 8];
    std::vector<std::uint8_t> wanted(length, 0x20);
    for (const AmplifierByte& byte : rule.bytes)
        wanted[byte.offset] = static_cast<std::uint8_t>((wanted[byte.offset] & ~byte.mask) | byte.value);
    for (std::size_t at = 0; at < length; at += 2) {
        const std::size_t bytes = std::min<std::size_t>(2, length - at);
        std::uint8_t before[2] = {}, after[2] = {};
        std::memcpy(before, payload + at, bytes);
        std::memcpy(after, &wanted[at], bytes);
        update_sum(&frame[ethernet_bytes + l3 + 6], before, after, 2);
        std::memcpy(payload + at, after, bytes);
    }
    return frame;
}

Outcome send_answers(const Options& options, Sender& sender) {
    const auto& rules = built_in_amplifiers();
    Random random(1);
    std::vector<std::vector<std::uint8_t>> frames;  // many of each, made beforehand
    for (std::size_t i = 0; i < 64 * rules.size(); i++)
        frames.push_back(answer(rules[i % rules.size()], sender, random));
    Outcome outcome{.kinds = rules.size()};
    const std::uint64_t begin = monotonic_ns();
    for (; outcome.sent < options.count && !stopped(); ++outcome.sent)
        sender.send(frames[outcome.sent % frames.size()],
                    begin + static_cast<std::uint64_t>(static_cast<double>(outcome.sent) * 1e9 / options.rate));
    return outcome;
}

int run(int argc, char** argv) {
    Options options;
    CLI::App app{"Sends a host what reflectors send to a victim"};
    app.add_option("--interface", options.interface)->required();
    app.add_option("--to-mac", options.to_mac, "MAC address of the other end")->required();
    app.add_option("--destination", options.destination, "the victim's address")->required();
    auto* file = app.add_option("--file", options.file, "a capture to send once");
    app.add_option("--filter", options.filter, "as in pcap-filter(7): only these of it")->needs(file);
    app.add_option("--speed", options.speed, "so many times as fast as it was")
        ->check(CLI::PositiveNumber)
        ->needs(file);
    auto* count = app.add_option("--answers", options.count, "so many answers of known amplifiers, of each in turn");
    app.add_option("--rate", options.rate, "answers a second")->check(CLI::PositiveNumber)->needs(count);
    CLI11_PARSE(app, argc, argv);
    if (options.file.empty() == (options.count == 0)) fail("one of --file and --answers is needed");
    catch_stop();
    Sender sender(options);
    const Outcome outcome = options.file.empty() ? send_answers(options, sender) : send_capture(options, sender);
    std::printf("{\"sent\":%llu,\"kinds\":%llu}\n", static_cast<unsigned long long>(outcome.sent),
                static_cast<unsigned long long>(outcome.kinds));
    return 0;
}

}  // namespace
}  // namespace gabion::lab

int main(int argc, char** argv) { return gabion::lab::run(argc, argv); }
