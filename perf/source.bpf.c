// SPDX-License-Identifier: Apache-2.0
/* The source of every rate that perf/lab states, and frozen: it is part of each ratio. Whoever changes it measures all rows anew.
 * Each live frame gets the next source of the list, a random source port, both checksums, and leaves by an interface. */
#include "source.h"

#include <linux/bpf.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define ETHERNET 14
#define IPV4 20
#define IPV6 40
#define BATCH 64 /* frames that the kernel makes at a time */
#define PORT_FIRST 1024
#define PORT_SPAN 64512

struct address {
    __u32 word[4];
};

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct address);
} sources SEC(".maps");

const volatile struct source_config config;
struct source_clock clock;
__u64 state = 0x9e3779b97f4a7c15ull;
__u32 turn;

static __always_inline __u64 draw(void) {
    __u64 x = state;

    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    state = x;
    return x;
}

static __always_inline __u16 fold(__u64 sum) {
    sum = (sum & 0xffff) + ((sum >> 16) & 0xffff) + (sum >> 32);
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    return (__u16)~sum;
}

static __always_inline __u64 halves(__u32 word) { return (word & 0xffff) + (word >> 16); }

static __always_inline void write_udp(__u8* udp, __u64 sum, __u32 random) {
    __u16 port = bpf_htons((__u16)(PORT_FIRST + (config.one_port ? 0 : random % PORT_SPAN)));

    *(__u16*)udp = port;
    *(__u16*)(udp + 6) = fold(sum + config.udp_sum + port);
}

static __always_inline void take_time(void) {
    if (clock.seen % BATCH == 0) {
        clock.last_ns = bpf_ktime_get_ns();
        if (clock.seen == 0) clock.first_ns = clock.last_ns;
        clock.frames = clock.seen;
    }
    clock.seen++;
}

SEC("xdp")
int gbn_source(struct xdp_md* ctx) {
    __u8* frame = (__u8*)(long)ctx->data;
    void* end = (void*)(long)ctx->data_end;
    __u8* l3 = frame + ETHERNET;
    __u32 random = (__u32)(draw() >> 16);
    __u32 index = turn;
    struct address* source;
    __u64 sum;

    take_time();
    turn = index + 1 >= config.list_size ? 0 : index + 1;
    source = bpf_map_lookup_elem(&sources, &index);
    if (!source || l3 + IPV6 + 8 > (__u8*)end) return XDP_ABORTED;
    sum = halves(source->word[0]);
    if (config.v6) {
        sum += halves(source->word[1]) + halves(source->word[2]) + halves(source->word[3]);
        __builtin_memcpy(l3 + 8, source, 16);
        write_udp(l3 + IPV6, sum, random);
    } else {
        *(__u32*)(l3 + 12) = source->word[0];
        *(__u16*)(l3 + 10) = fold(sum + config.ip_sum);
        write_udp(l3 + IPV4, sum, random);
    }
    return bpf_redirect(config.ifindex, 0);
}

char _license[] SEC("license") = "Apache-2.0";
