// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The smallest program that obeys the credit of bpf/abi/queue.h: hands every TCP, UDP and ICMP packet to the worker of its queue, and
 * counts what it did in the same structures as the real one. Lets the hand-over and the hand-back be tried alone.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_helpers.h>

#include "bpf/abi/cpu.h"
#include "bpf/abi/queue.h"
#include "bpf/abi/reason.h"
#include "bpf/abi/sample.h"

#define QUEUES_MAX 16
#define CPUS_MAX 256

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(map_flags, BPF_F_MMAPABLE);
    __uint(max_entries, CPUS_MAX);
    __type(key, __u32);
    __type(value, struct gabion_cpu);
} cpus SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(map_flags, BPF_F_MMAPABLE);
    __uint(max_entries, QUEUES_MAX);
    __type(key, __u32);
    __type(value, struct gabion_queue);
} queues SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(map_flags, BPF_F_MMAPABLE);
    __uint(max_entries, QUEUES_MAX);
    __type(key, __u32);
    __type(value, struct gabion_worker_counters);
} workers SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_XSKMAP);
    __uint(max_entries, QUEUES_MAX);
    __type(key, __u32);
    __type(value, __u32);
} xsks SEC(".maps");

const volatile __u32 own_mark = 0;

static __always_inline void count(struct gabion_count* counter, __u64 packets, __u64 bytes) {
    counter->packets += packets;
    counter->bytes += bytes;
}

static __always_inline __u32 hand_over(struct xdp_md* ctx, __u32 length) {
    struct gabion_queue* queue;
    struct gabion_sample* sample;
    __u32 index = ctx->rx_queue_index;
    void* data;

    queue = bpf_map_lookup_elem(&queues, &index);
    if (!queue || !queue->limit) return GABION_REASON_HANDOVER_NO_WORKER;
    if (length > queue->frame_bytes_max) return GABION_REASON_HANDOVER_TOO_LONG;
    if (__sync_fetch_and_add(&queue->claimed, 1) - queue->released >= queue->limit) goto no_credit;
    if (bpf_xdp_adjust_meta(ctx, -(int)sizeof(*sample))) goto no_credit;
    data = (void*)(long)ctx->data;
    sample = (void*)(long)ctx->data_meta;
    if ((void*)(sample + 1) > data) goto no_credit;
    sample->magic = GABION_SAMPLE_MAGIC;
    sample->reason = GABION_REASON_SAMPLED;
    sample->one_in = 1;
    sample->time_ns = bpf_ktime_get_ns();
    if (bpf_redirect_map(&xsks, index, XDP_PASS) == XDP_REDIRECT) return GABION_REASON_SAMPLED;
no_credit:
    __sync_fetch_and_add(&queue->claimed, -1);
    return GABION_REASON_HANDOVER_NO_CREDIT;
}

/* TCP, UDP and ICMP over IPv4, TCP and UDP over IPv6; ARP and neighbour discovery stay out of it. */
static __always_inline int wanted(const __u8* data, const __u8* end) {
    __u32 type, protocol;

    if (data + ETH_HLEN + 40 > end) return 0;
    type = (__u32)data[12] << 8 | data[13];
    protocol = data[ETH_HLEN + (type == ETH_P_IP ? 9 : 6)];
    if (type == ETH_P_IP && protocol == IPPROTO_ICMP) return 1;
    return (type == ETH_P_IP || type == ETH_P_IPV6) && (protocol == IPPROTO_TCP || protocol == IPPROTO_UDP);
}

SEC("xdp")
int redirect_all(struct xdp_md* ctx) {
    const __u8 *data = (void*)(long)ctx->data, *end = (void*)(long)ctx->data_end;
    __u32 length = end - data, index = bpf_get_smp_processor_id();
    __u32 reason = GABION_REASON_NOT_IP;
    struct gabion_cpu* cpu;

    cpu = bpf_map_lookup_elem(&cpus, &index);
    if (!cpu) return XDP_PASS;
    count(&cpu->received, 1, length);
    if (wanted(data, end)) reason = hand_over(ctx, length);
    count(&cpu->reason[reason & (GABION_REASON_SLOTS - 1)], 1, length);
    return reason == GABION_REASON_SAMPLED ? XDP_REDIRECT : XDP_PASS;
}

/* What the private pair's far end sees: a packet may stand for several that were merged on the way. */
SEC("tc")
int handback(struct __sk_buff* skb) {
    __u32 index = bpf_get_smp_processor_id();
    struct gabion_cpu* cpu = bpf_map_lookup_elem(&cpus, &index);

    if (!cpu || skb->mark != own_mark) return 0;
    count(&cpu->handed_back, skb->gso_segs > 1 ? skb->gso_segs : 1, skb->len);
    return -1;
}

SEC("tc")
int foreign(struct __sk_buff* skb) {
    __u32 index = bpf_get_smp_processor_id();
    struct gabion_cpu* cpu = bpf_map_lookup_elem(&cpus, &index);

    if (cpu) count(&cpu->foreign, 1, skb->len);
    return TC_ACT_SHOT;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
