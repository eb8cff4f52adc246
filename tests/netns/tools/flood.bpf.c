// SPDX-License-Identifier: Apache-2.0
/* gbn-flood's program: gives each live frame another source and sends it out of an interface. */
#include "flood.h"

#include <linux/bpf.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define ETHERNET 14
#define IPV4 20
#define IPV6 40

struct address {
    __u32 word[4];
};

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct address);
} sources SEC(".maps");

const volatile struct flood_config config;
__u64 state;
__u64 first_ns; /* CLOCK_MONOTONIC when the first frame went */
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

static __always_inline int choose(struct address* source, __u64 random) {
    if (config.list_size > 0) {
        __u32 index = turn;
        struct address* listed;

        turn = index + 1 >= config.list_size ? 0 : index + 1;
        listed = bpf_map_lookup_elem(&sources, &index);
        if (!listed) return -1;
        *source = *listed;
        return 0;
    }
    source->word[0] = ((__u32)random & config.mask[0]) | config.base[0];
    if (config.v6) {
        __u64 more = draw();

        source->word[1] = ((__u32)(random >> 32) & config.mask[1]) | config.base[1];
        source->word[2] = ((__u32)more & config.mask[2]) | config.base[2];
        source->word[3] = ((__u32)(more >> 32) & config.mask[3]) | config.base[3];
    }
    return 0;
}

static __always_inline void write_l4(__u8* l4, void* end, __u64 sum, __u32 random) {
    __u16 port = *(__u16*)l4;

    if (config.port_span) port = bpf_htons((__u16)(config.port_base + random % config.port_span));
    *(__u16*)l4 = port;
    if (!config.checksum_at || l4 + 20 > (__u8*)end) return;
    sum += config.l4_sum + port;
    if (config.checksum_at == 6)
        *(__u16*)(l4 + 6) = fold(sum);
    else
        *(__u16*)(l4 + 16) = fold(sum);
}

static __always_inline void restore(__u8* frame, void* end) {
    const __u32 most = config.v6 ? FLOOD_HEAD : FLOOD_HEAD - 20;

#pragma unroll
    for (__u32 at = 0; at < FLOOD_HEAD; at += 4)
        if (at < most && frame + at + 4 <= (__u8*)end)
            *(__u32*)(frame + at) = *(const volatile __u32*)(config.head + at);
}

SEC("xdp")
int gbn_flood(struct xdp_md* ctx) {
    __u8* frame = (__u8*)(long)ctx->data;
    void* end = (void*)(long)ctx->data_end;
    __u64 random = draw();
    __u32 extra = (__u32)(random >> 37) ^ (__u32)random;
    __u8 ttl = (__u8)(config.ttl_base + (config.ttl_span ? extra % config.ttl_span : 0));
    struct address source = {};
    __u64 sum;
    __u8* l3 = frame + ETHERNET;

    if (!first_ns) first_ns = bpf_ktime_get_ns();
    if (l3 + IPV6 + 2 > (__u8*)end || choose(&source, random)) return XDP_ABORTED;
    restore(frame, end);
    sum = halves(source.word[0]);
    if (config.v6) {
        sum += halves(source.word[1]) + halves(source.word[2]) + halves(source.word[3]);
        l3[7] = ttl;
        __builtin_memcpy(l3 + 8, &source, 16);
        write_l4(l3 + IPV6, end, sum, (__u32)(random >> 16));
    } else {
        l3[8] = ttl;
        *(__u32*)(l3 + 12) = source.word[0];
        *(__u16*)(l3 + 10) = fold(sum + config.ip_sum + ttl);
        write_l4(l3 + IPV4, end, sum, (__u32)(random >> 16));
    }
    return bpf_redirect(config.ifindex, 0);
}

/* None of the helpers above is for GPL programs only. */
char _license[] SEC("license") = "Apache-2.0";
