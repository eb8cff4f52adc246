// SPDX-License-Identifier: Apache-2.0
// gbn-plain: attaches one of the plain programs of plain.bpf.c to an interface, natively, says "ready", and takes it off when its
// input ends or a signal comes. `hash` gets its bans from a file first.
#include <linux/if_link.h>
#include <poll.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>

#include <CLI/CLI.hpp>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "tests/netns/tools/lab.h"

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wold-style-cast"
#include "plain.skel.h"
#pragma GCC diagnostic pop

namespace gabion::lab {
namespace {

struct Options {
    std::string program = "drop", interface, to, bans;
};

bpf_program* chosen(plain_bpf* skeleton, const std::string& name) {
    if (name == "pass") return skeleton->progs.plain_pass;
    if (name == "redirect") return skeleton->progs.plain_redirect;
    if (name == "hash") return skeleton->progs.plain_hash;
    if (name == "read") return skeleton->progs.plain_read;
    return skeleton->progs.plain_drop;
}

void fill(bpf_map* map, const AddressSet& bans) {
    constexpr std::uint64_t never = 0;
    const int fd = bpf_map__fd(map);
    for (std::uint64_t i = 0; i < bans.size(); i++) {
        if (bpf_map_update_elem(fd, bans.at(i).bytes.data(), &never, BPF_ANY) != 0)
            fail(std::string("the map took only ") + std::to_string(i) + " bans: " + std::strerror(errno));
    }
}

void wait_for_the_end() {
    std::puts("ready");
    std::fflush(stdout);
    while (!stopped())
        ::poll(nullptr, 0, 100);
}

int run(int argc, char** argv) {
    Options options;
    CLI::App app{"A plain XDP program, attached natively until a signal comes"};
    app.add_option("--program", options.program)->check(CLI::IsMember({"drop", "pass", "redirect", "hash", "read"}));
    app.add_option("--interface", options.interface)->required();
    app.add_option("--to", options.to, "with redirect: the interface");
    app.add_option("--bans", options.bans, "with hash: addresses of one family, or @FILE");
    CLI11_PARSE(app, argc, argv);
    catch_stop();
    plain_bpf* skeleton = plain_bpf__open();
    if (skeleton == nullptr) fail("the programs do not open");
    bpf_program* program = chosen(skeleton, options.program);
    bpf_program* each = nullptr;
    bpf_object__for_each_program(each, skeleton->obj) bpf_program__set_autoload(each, each == program);
    if (!options.to.empty()) *const_cast<__u32*>(&skeleton->rodata->to_ifindex) = interface_index(options.to);
    const AddressSet bans(options.bans.empty() ? "192.0.2.1" : options.bans);
    bpf_map* map = bans.family() == AF_INET6 ? skeleton->maps.bans6 : skeleton->maps.bans4;
    bpf_map__set_max_entries(map, static_cast<std::uint32_t>(bans.size()));
    if (plain_bpf__load(skeleton) != 0) fail("the program does not load");
    if (!options.bans.empty()) fill(map, bans);
    LIBBPF_OPTS(bpf_link_create_opts, native, .flags = XDP_FLAGS_DRV_MODE);
    const int link = bpf_link_create(bpf_program__fd(program), static_cast<int>(interface_index(options.interface)),
                                     BPF_XDP, &native);
    if (link < 0) fail(options.interface + ": does not attach natively: " + std::strerror(errno));
    wait_for_the_end();
    ::close(link);
    plain_bpf__destroy(skeleton);
    return 0;
}

}  // namespace
}  // namespace gabion::lab

int main(int argc, char** argv) { return gabion::lab::run(argc, argv); }
