// SPDX-License-Identifier: Apache-2.0
#include "tests/netns/handover_bed.h"

#include <fcntl.h>
#include <linux/if_link.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <sstream>

#include <bpf/bpf.h>

#include "dataplane/net/hand_back.h"
#include "dataplane/worker/worker_thread.h"

// bpftool writes C.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wold-style-cast"
#include "redirect_all.skel.h"
#pragma GCC diagnostic pop

namespace gabion::probe {

namespace {

template <typename T>
T must(Result<T> result) {
    if (!result) fail(result.error().text);
    return std::move(*result);
}

void must(const Result<void>& result) {
    if (!result) fail(result.error().text);
}

volatile sig_atomic_t stop_wanted = 0;

}  // namespace

Bed::Bed(const BedOptions& options) : options_(options) {
    if (::unshare(CLONE_NEWNET) != 0) fail("making a network namespace");
    make_world();
    make_links();
    attach();
}

Bed::~Bed() {
    attachment_.reset();
    redirect_all_bpf::destroy(skeleton_);
    if (world_ > 0) {
        ::kill(world_, SIGKILL);
        ::waitpid(world_, nullptr, 0);
    }
}

void Bed::make_world() {
    int ready[2];
    if (::pipe2(ready, O_CLOEXEC) != 0) fail("pipe");
    world_ = ::fork();
    if (world_ == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (::unshare(CLONE_NEWNET) != 0) ::_exit(1);
        static_cast<void>(::write(ready[1], "x", 1) == 1);
        for (;;)
            ::pause();
    }
    ::close(ready[1]);
    char byte = 0;
    if (::read(ready[0], &byte, 1) != 1) fail("making the world's namespace");
    ::close(ready[0]);
    world_namespace_.reset(::open(("/proc/" + std::to_string(world_) + "/ns/net").c_str(), O_RDONLY | O_CLOEXEC));
}

Child Bed::start(bool world, const std::vector<std::string>& command) {
    return start_child(world ? world_namespace_.get() : -1, command);
}

Child Bed::start_on(unsigned cpu, bool world, const std::vector<std::string>& command) {
    std::vector<std::string> pinned{"taskset", "-c", std::to_string(cpu)};
    pinned.insert(pinned.end(), command.begin(), command.end());
    return start(world, pinned);
}

Child Bed::start_call(bool world, int (*call)(const std::string&), const std::string& argument) {
    return start_child(world ? world_namespace_.get() : -1, [&] { return call(argument); });
}

void Bed::run(bool world, const std::vector<std::string>& command) { start(world, command).finish(); }

void Bed::make_links() {
    const std::string queues = std::to_string(options_.queues);
    run(false, {"ip", "link", "add", "prot0", "numrxqueues", queues, "numtxqueues", queues, "type", "veth", "peer",
                "name", "wan0", "numrxqueues", queues, "numtxqueues", queues, "netns", std::to_string(world_)});
    for (const bool world : {false, true}) {
        const std::string device = world ? "wan0" : "prot0";
        const std::string number = world ? "2" : "1";
        run(world, {"ip", "link", "set", "lo", "up"});
        run(world, {"ip", "address", "add", "10.77.0." + number + "/24", "dev", device});
        run(world, {"ip", "-6", "address", "add", "fd77::" + number + "/64", "dev", device, "nodad"});
        run(world, {"ip", "link", "set", device, "up"});
    }
    for (const char* name : {"all", "default", "prot0"})
        net::set_sysctl("ipv4", name, "rp_filter", "1");
    link_ = must(net::link_by_name("prot0"));
    char text[18];
    std::snprintf(text, sizeof text, "%02x:%02x:%02x:%02x:%02x:%02x", link_.mac[0], link_.mac[1], link_.mac[2],
                  link_.mac[3], link_.mac[4], link_.mac[5]);
    host_mac_ = text;
}

void Bed::attach() {
    skeleton_ = redirect_all_bpf::open();
    if (skeleton_ == nullptr) fail("opening the test program");
    skeleton_->rodata->own_mark = hand_back_mark;
    if (redirect_all_bpf::load(skeleton_) != 0) fail("loading the test program");
    LIBBPF_OPTS(bpf_link_create_opts, link_options);
    link_options.flags = options_.native ? XDP_FLAGS_DRV_MODE : XDP_FLAGS_SKB_MODE;
    attachment_.reset(::bpf_link_create(bpf_program__fd(skeleton_->progs.redirect_all), static_cast<int>(link_.index),
                                        BPF_XDP, &link_options));
    if (!attachment_) fail("attaching the test program");
    const auto map_bytes = [](bpf_map* map) {
        return std::size_t{bpf_map__value_size(map)} * bpf_map__max_entries(map);
    };
    const auto mapped = [&](bpf_map* map) {
        return must(Mapping::shared(bpf_map__fd(map), map_bytes(map), bpf_map__name(map)));
    };
    cpus_ = mapped(skeleton_->maps.cpus);
    queues_ = mapped(skeleton_->maps.queues);
    workers_ = mapped(skeleton_->maps.workers);
}

worker::SharedState Bed::state() const noexcept {
    return {cpus_.as<gabion_cpu>(), queues_.as<gabion_queue>(), workers_.as<gabion_worker_counters>()};
}

Child Bed::start_workers() {
    Child child = start_child(-1, [&] { return run_workers(STDOUT_FILENO); });
    if (child.line() != "ready") fail("the workers did not start");
    return child;
}

net::HandBack Bed::open_hand_back() {
    const net::HandBackPrograms programs{bpf_program__fd(skeleton_->progs.handback),
                                         bpf_program__fd(skeleton_->progs.foreign)};
    return must(net::HandBack::open(link_, options_.queues, xsk::chunk_large_bytes, programs,
                                    {link_.index, net::Hook::ingress}));
}

int Bed::run_workers(int ready_fd) {
    struct sigaction action {};
    action.sa_handler = [](int) { stop_wanted = 1; };
    ::sigaction(SIGTERM, &action, nullptr);
    worker::take_over(state());
    const net::HandBack hand_back = open_hand_back();
    worker::NullObserver observer;
    std::vector<std::unique_ptr<worker::WorkerThread<worker::NullObserver>>> threads;
    const auto cpus = worker::place(options_.queues, {}, {}, worker::usable_cpus());
    for (std::uint32_t queue = 0; queue < options_.queues; ++queue) {
        auto one = must(worker::Worker<worker::NullObserver>::open(worker_config(queue, hand_back), observer));
        threads.push_back(std::make_unique<worker::WorkerThread<worker::NullObserver>>(std::move(one), cpus[queue]));
        must(threads.back()->started());
    }
    static_cast<void>(::write(ready_fd, "ready\n", 6) == 6);
    while (stop_wanted == 0)
        ::poll(nullptr, 0, 1000);
    threads.clear();
    return 0;
}

worker::WorkerConfig Bed::worker_config(std::uint32_t queue, const net::HandBack& hand_back) const {
    const worker::PipeConfig pipe{link_.name, queue, hand_back.interface(), queue, hand_back_mark, link_.mtu};
    return {pipe, xskmap_fd(), &state().queues[queue], &state().workers[queue]};
}

int Bed::xskmap_fd() const { return bpf_map__fd(skeleton_->maps.xsks); }

counter::Totals Bed::totals() const { return counter::sum(state().cpus); }
gabion_worker_counters Bed::workers() const {
    return counter::sum(std::span<const gabion_worker_counters>(state().workers));
}
std::uint64_t Bed::in_flight() const { return counter::in_flight(state().queues); }
counter::Identity Bed::identity() const { return counter::identity(totals(), workers(), in_flight()); }

void Bed::settle() const {
    std::uint64_t before = ~std::uint64_t{0};
    for (int i = 0; i < 100; ++i) {
        ::poll(nullptr, 0, 50);
        const std::uint64_t now = totals().received.packets + totals().handed_back.packets;
        if (now == before && in_flight() == 0) break;
        before = now;
    }
    const auto result = identity();
    if (!result.holds())
        fail("the identity is off by " + std::to_string(result.stage_off_by) + " and " +
             std::to_string(result.handover_off_by));
}

std::uint64_t kernel_counter(const std::string& group, const std::string& name) {
    if (group == "snmp6") {
        std::ifstream file("/proc/net/snmp6");
        std::string key;
        for (std::uint64_t value = 0; file >> key >> value;) {
            if (key == name) return value;
        }
        return 0;
    }
    std::ifstream file("/proc/net/snmp");
    std::string names;
    std::string values;
    while (std::getline(file, names) && std::getline(file, values)) {
        if (!names.starts_with(group + ":")) continue;
        std::istringstream keys(names);
        std::istringstream numbers(values);
        std::string key;
        std::string number;
        while (keys >> key && numbers >> number) {
            if (key == name) return std::stoull(number);
        }
    }
    fail("no counter " + group + " " + name);
}

}  // namespace gabion::probe
