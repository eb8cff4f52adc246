/* SPDX-License-Identifier: Apache-2.0 */
/* What gbn-flood tells its XDP program: fixed while it runs. Sums are of 16-bit words as they lie in memory (RFC 1071). */
#ifndef GABION_LAB_FLOOD_H
#define GABION_LAB_FLOOD_H

#include <linux/types.h>

#define FLOOD_HEAD 76 /* Ethernet, IPv6, TCP, in whole words; all frames are longer than their IPv4 kind */

struct flood_config {
    __u32 ifindex;     /* where the frames go out */
    __u32 v6;          /* 0 or 1 */
    __u32 list_size;   /* sources in the map, taken in turn; 0 = random ones */
    __u32 checksum_at; /* from the start of the L4 header; 0 = none is kept */
    __u32 port_base;   /* source ports are drawn from [base, base + span), host byte order */
    __u32 port_span;   /* 0 = the frame's own port stays */
    __u32 ttl_base;    /* likewise */
    __u32 ttl_span;
    __u32 ip_sum;  /* IPv4 header without source, TTL and checksum */
    __u32 l4_sum;  /* pseudo header without source, L4 header without source port and checksum, payload */
    __u32 base[4]; /* random sources: (random & mask) | base */
    __u32 mask[4];
    __u64 seed;
    __u8 head
        [FLOOD_HEAD]; /* how a frame begins, to be written anew each time: the kernel uses frames again that others have changed */
};

#endif
