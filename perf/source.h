/* SPDX-License-Identifier: Apache-2.0 */
/* What gbn-source tells its XDP program: fixed while it runs. Sums are of 16-bit words as they lie in memory (RFC 1071). */
#ifndef GABION_PERF_SOURCE_H
#define GABION_PERF_SOURCE_H

#include <linux/types.h>

struct source_config {
    __u32 ifindex;   /* where the frames go out */
    __u32 v6;        /* 0 or 1 */
    __u32 list_size; /* sources in the map, taken in turn */
    __u32 one_port;  /* each source sends from one port; else from one at random for each frame */
    __u32 ip_sum;    /* IPv4 header without source and checksum */
    __u32 udp_sum;   /* pseudo header without source, UDP header without source port and checksum, payload */
};

/* One call's clock, by the program itself: setting a call up costs 25 ms, which are no packet's cost. */
struct source_clock {
    __u64 first_ns; /* CLOCK_MONOTONIC at the first frame ... */
    __u64 last_ns;  /* ... and at the first frame of the last batch */
    __u64 frames;   /* that went between the two */
    __u64 seen;     /* all of the call's */
};

#endif
