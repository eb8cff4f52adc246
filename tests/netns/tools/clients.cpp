// SPDX-License-Identifier: Apache-2.0
// gbn-clients: many ordinary clients, each with an address of its own, that ask a server at a steady rate, whether or not earlier
// answers came (an open loop: a slow server does not slow the asking down), or with --in-flight as fast as they are answered.
// Prints one line of JSON at the end: successes, failures, latencies; with --live one a second as well.
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <list>
#include <map>
#include <memory>

#include <CLI/CLI.hpp>

#include "tests/netns/tools/exchange.h"

namespace gabion::lab {
namespace {

struct Tally {
    std::uint64_t ok = 0, timeouts = 0, errors = 0;
    std::vector<std::uint32_t> latencies_us;

    void add(const Tally& other) {
        ok += other.ok;
        timeouts += other.timeouts;
        errors += other.errors;
        latencies_us.insert(latencies_us.end(), other.latencies_us.begin(), other.latencies_us.end());
    }

    [[nodiscard]] std::uint32_t percentile(double share) {
        if (latencies_us.empty()) return 0;
        const auto rank = static_cast<std::size_t>(share * static_cast<double>(latencies_us.size() - 1));
        std::nth_element(latencies_us.begin(), latencies_us.begin() + static_cast<std::ptrdiff_t>(rank),
                         latencies_us.end());
        return latencies_us[rank];
    }

    void print() {
        std::printf(
            "{\"ok\":%llu,\"failed\":%llu,\"timeouts\":%llu,\"errors\":%llu,\"p50_us\":%u,\"p90_us\":%u,\"p99_us\":%u,"
            "\"p999_us\":%u,\"max_us\":%u}\n",
            static_cast<unsigned long long>(ok), static_cast<unsigned long long>(timeouts + errors),
            static_cast<unsigned long long>(timeouts), static_cast<unsigned long long>(errors), percentile(0.5),
            percentile(0.9), percentile(0.99), percentile(0.999), percentile(1));
        std::fflush(stdout);
    }
};

class Crowd {
public:
    Crowd(const Target& target, const AddressSet& sources, std::uint64_t timeout_ns)
        : target_(target), sources_(sources), timeout_ns_(timeout_ns), poll_(::epoll_create1(0)) {}

    void ask() {
        pending_.push_back(std::make_unique<Exchange>(target_, sources_.at(turn_++ % sources_.size())));
        const auto place = std::prev(pending_.end());
        if (const int fd = (*place)->fd(); fd >= 0) {
            epoll_event event{};
            event.events = EPOLLOUT;
            event.data.fd = fd;
            ::epoll_ctl(poll_, EPOLL_CTL_ADD, fd, &event);
            places_[fd] = place;
        }
        advance(place);
    }

    // Waits for answers until `until_ns`, at most.
    void serve(std::uint64_t until_ns) {
        const std::uint64_t now = monotonic_ns();
        // To the nanosecond: whole milliseconds would make a client of a thousand requests a second spin on its core.
        const std::uint64_t wait_ns = until_ns <= now ? 0 : std::min<std::uint64_t>(until_ns - now, 20'000'000u);
        const timespec wait{0, static_cast<long>(wait_ns)};
        std::array<epoll_event, 256> events{};
        const int count = ::epoll_pwait2(poll_, events.data(), events.size(), &wait, nullptr);
        for (int i = 0; i < count; i++) {
            const auto found = places_.find(events[static_cast<std::size_t>(i)].data.fd);
            if (found != places_.end()) advance(found->second);
        }
        give_up_on_old();
    }

    [[nodiscard]] bool idle() const { return pending_.empty(); }
    [[nodiscard]] std::size_t waiting() const { return pending_.size(); }
    [[nodiscard]] std::map<std::string, std::uint64_t> failures() const { return failures_; }
    Tally second;

private:
    using Place = std::list<std::unique_ptr<Exchange>>::iterator;

    void advance(Place place) {
        Exchange& exchange = **place;
        switch (exchange.step()) {
            case Exchange::State::waiting_to_write:
                return;
            case Exchange::State::waiting_to_read: {
                epoll_event event{};
                event.events = EPOLLIN;
                event.data.fd = exchange.fd();
                ::epoll_ctl(poll_, EPOLL_CTL_MOD, exchange.fd(), &event);
                return;
            }
            case Exchange::State::done:
                second.ok++;
                second.latencies_us.push_back(
                    static_cast<std::uint32_t>((monotonic_ns() - exchange.started_ns()) / 1000));
                break;
            case Exchange::State::failed:
                second.errors++;
                failures_[exchange.error() == 0 ? "wrong answer" : std::strerror(exchange.error())]++;
                break;
        }
        remove(place);
    }

    void give_up_on_old() {
        const std::uint64_t now = monotonic_ns();
        while (!pending_.empty() && now - pending_.front()->started_ns() > timeout_ns_) {
            second.timeouts++;
            remove(pending_.begin());
        }
    }

    void remove(Place place) {
        places_.erase((*place)->fd());
        pending_.erase(place);
    }

    const Target& target_;
    const AddressSet& sources_;
    std::uint64_t timeout_ns_;
    int poll_;
    std::uint64_t turn_ = 0;
    std::list<std::unique_ptr<Exchange>> pending_;
    std::map<int, Place> places_;
    std::map<std::string, std::uint64_t> failures_;
};

struct Options {
    std::string kind = "download", server, sources;
    std::uint16_t port = 80;
    std::size_t bytes = 1000;
    double rate = 100;
    double seconds = 5;
    int timeout_ms = 1000;
    std::uint64_t count = 0;
    std::size_t in_flight = 0;
    bool live = false;
};

Tally converse(const Options& options, const Target& target, const AddressSet& sources) {
    Crowd crowd(target, sources, static_cast<std::uint64_t>(options.timeout_ms) * 1'000'000u);
    Tally all;
    const std::uint64_t begin = monotonic_ns();
    const std::uint64_t end = begin + static_cast<std::uint64_t>(options.seconds * 1e9);
    const double ns_each = 1e9 / options.rate;
    double due = static_cast<double>(begin);
    std::uint64_t asked = 0;
    std::uint64_t next_line = begin + 1'000'000'000u;
    while (true) {
        const std::uint64_t now = monotonic_ns();
        const bool asking = !stopped() && now < end && (options.count == 0 || asked < options.count);
        if (!asking && crowd.idle()) break;
        const auto next_is_due = [&] {
            return options.in_flight > 0 ? crowd.waiting() < options.in_flight : due <= static_cast<double>(now);
        };
        for (; asking && next_is_due() && (options.count == 0 || asked < options.count); due += ns_each) {
            crowd.ask();
            asked++;
        }
        crowd.serve(asking && options.in_flight == 0 ? static_cast<std::uint64_t>(due) : now + 20'000'000u);
        if (!options.live || monotonic_ns() < next_line) continue;
        next_line += 1'000'000'000u;
        all.add(crowd.second);
        crowd.second.print();
        crowd.second = {};
    }
    all.add(crowd.second);
    for (const auto& [why, count] : crowd.failures())
        std::fprintf(stderr, "%llu x %s\n", static_cast<unsigned long long>(count), why.c_str());
    return all;
}

int run(int argc, char** argv) {
    Options options;
    CLI::App app{"Many ordinary clients of one server"};
    app.add_option("--kind", options.kind)->check(CLI::IsMember({"download", "upload", "udp", "ping"}));
    app.add_option("--server", options.server)->required();
    app.add_option("--port", options.port);
    app.add_option("--source", options.sources, "the clients' addresses: A, A-B, A/LENGTH, several with commas")
        ->required();
    app.add_option("--bytes", options.bytes, "of the body, the datagram, the echo");
    app.add_option("--rate", options.rate, "requests a second, all clients together")->check(CLI::PositiveNumber);
    app.add_option("--in-flight", options.in_flight,
                   "instead of a rate: so many requests are always under way, the next begins when one ends");
    app.add_option("--seconds", options.seconds);
    app.add_option("--count", options.count);
    app.add_option("--timeout-ms", options.timeout_ms);
    app.add_flag("--live", options.live);
    CLI11_PARSE(app, argc, argv);
    catch_stop();
    const std::map<std::string, Kind> kinds{
        {"download", Kind::download}, {"upload", Kind::upload}, {"udp", Kind::udp}, {"ping", Kind::ping}};
    const Target target{kinds.at(options.kind), parse_address(options.server), options.port, options.bytes};
    converse(options, target, AddressSet(options.sources)).print();
    return 0;
}

}  // namespace
}  // namespace gabion::lab

int main(int argc, char** argv) { return gabion::lab::run(argc, argv); }
