// SPDX-License-Identifier: Apache-2.0
// A protected host in a box: streams of packets, a model of the kernel's sampler and of what it enforces, workers and analyst.
// Time is simulated; arrivals are Poisson unless a stream is paced. Everything follows from the seed.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "bpf/lib/packet.h"
#include "dataplane/detect/analyst.h"
#include "dataplane/detect/observer.h"

namespace gabion::detect::test {

using Random = std::mt19937_64;

struct PacketSpec {
    std::string source = "192.0.2.1";
    std::string destination = "198.51.100.1";
    std::uint8_t protocol = 17;
    std::uint8_t ttl = 57;
    std::uint16_t source_port = 40000;
    std::uint16_t destination_port = 53;
    std::uint32_t ip_length = 80;
    std::uint8_t tcp_flags = 0x10;
};
gabion_packet packet(const PacketSpec& spec);
void set_source4(gabion_packet& packet, std::uint32_t host_order);
void set_source6(gabion_packet& packet, std::uint64_t high, std::uint64_t low);  // host order

struct Stream {
    std::function<gabion_packet(Random&)> make;
    double pps = 0;
    double start_s = 0;
    double end_s = 1e9;
    bool attack = false;
    bool established = false;  // the host holds these as TCP connections
    double on_s = 0;           // pulses: on for so long in each period; 0 = always on
    double period_s = 0;
};

struct Options {
    unsigned queues = 1;
    unsigned one_in = 256;
    double budget_pps = 2000;
    bool enforce = true;
    std::uint64_t seed = 1;
    double phase_s = 0;  // by which the judgements are shifted against the workers' slots
    Settings settings{};
};

struct Decision {
    double time_s;
    Verdict verdict;
};

class Simulation {
public:
    explicit Simulation(const Options& options);
    void add(Stream stream) { streams_.push_back(std::move(stream)); }
    void run_until(double end_s);

    [[nodiscard]] double now_s() const { return now_s_; }
    [[nodiscard]] std::uint64_t now_ns() const { return nanoseconds(now_s_); }
    Analyst& analyst() { return *analyst_; }

    std::vector<Decision> decisions;  // all verdicts
    std::vector<std::pair<double, Notice>> notices;
    std::uint64_t attack_offered = 0, attack_dropped = 0, calm_offered = 0, calm_dropped = 0;

    // Verdicts that name a source or prefix, or cap a destination, from `since` on.
    [[nodiscard]] std::vector<Decision> cutting(double since_s = 0) const;
    [[nodiscard]] std::optional<double> first_cut(double since_s, VerdictKind kind = VerdictKind::quarantine) const;
    [[nodiscard]] bool noticed(const std::string& kind, double since_s = 0) const;

private:
    struct Queue {
        std::unique_ptr<Observer> observer;
        double period_start_s = 0;
        double seen = 0, taken = 0;
        unsigned one_in = 1;
    };
    struct Restriction {
        Verdict verdict;
        double until_s = 0;
        double tokens = 0;
        double filled_s = 0;
    };

    void deliver(const Stream& stream, const gabion_packet& packet, double time_s);
    bool dropped(const Stream& stream, const gabion_packet& packet, double time_s);
    bool restricted(Restriction& restriction, const Stream& stream, const gabion_packet& packet, double time_s);
    unsigned ratio(Queue& queue, const gabion_packet& packet, double time_s);
    void judge(double time_s);
    [[nodiscard]] std::uint64_t nanoseconds(double time_s) const;

    Options options_;
    Random random_;
    std::vector<Stream> streams_;
    std::vector<Queue> queues_;
    std::unique_ptr<Analyst> analyst_;
    double now_s_ = 0;
    double judged_s_ = 0;
    std::map<Prefix, Restriction> restrictions_;
    std::map<Prefix, std::pair<unsigned, double>> postures_;
    std::map<Prefix, Restriction> caps_;
    std::set<Prefix> known_;
};

}  // namespace gabion::detect::test
