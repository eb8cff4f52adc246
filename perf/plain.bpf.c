// SPDX-License-Identifier: Apache-2.0
/* What Gabion's cost is measured against: programs that do nothing, and one that asks the kernel's own hash map whether the source
 * is banned and does nothing else. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, __u64);
} bans4 SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 1);
    __type(key, struct in6_addr);
    __type(value, __u64);
} bans6 SEC(".maps");

const volatile __u32 to_ifindex;

SEC("xdp")
int plain_drop(struct xdp_md* ctx) {
    (void)ctx;
    return XDP_DROP;
}

SEC("xdp")
int plain_pass(struct xdp_md* ctx) {
    (void)ctx;
    return XDP_PASS;
}

SEC("xdp")
int plain_redirect(struct xdp_md* ctx) {
    (void)ctx;
    return bpf_redirect(to_ifindex, 0);
}

/* Reads the source address and has no list: what it costs to look at a packet at all. */
SEC("xdp")
int plain_read(struct xdp_md* ctx) {
    void* end = (void*)(long)ctx->data_end;
    struct ethhdr* eth = (void*)(long)ctx->data;
    struct ipv6hdr* v6 = (void*)(eth + 1);

    if ((void*)(v6 + 1) > end || eth->h_proto == bpf_htons(ETH_P_ARP)) return XDP_PASS;
    return v6->saddr.s6_addr32[1] == 0xffffffff ? XDP_PASS : XDP_DROP; /* where IPv4 has its source too */
}

SEC("xdp")
int plain_hash(struct xdp_md* ctx) {
    void* end = (void*)(long)ctx->data_end;
    struct ethhdr* eth = (void*)(long)ctx->data;
    struct iphdr* v4 = (void*)(eth + 1);
    struct ipv6hdr* v6 = (void*)(eth + 1);

    if ((void*)(eth + 1) > end) return XDP_PASS;
    if (eth->h_proto == bpf_htons(ETH_P_IP)) {
        if ((void*)(v4 + 1) > end) return XDP_PASS;
        return bpf_map_lookup_elem(&bans4, &v4->saddr) ? XDP_DROP : XDP_PASS;
    }
    if (eth->h_proto == bpf_htons(ETH_P_IPV6)) {
        if ((void*)(v6 + 1) > end) return XDP_PASS;
        return bpf_map_lookup_elem(&bans6, &v6->saddr) ? XDP_DROP : XDP_PASS;
    }
    return XDP_PASS;
}

char _license[] SEC("license") = "Apache-2.0";
