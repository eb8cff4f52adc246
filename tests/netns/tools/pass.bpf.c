// SPDX-License-Identifier: Apache-2.0
/* Lets everything pass. A veth takes what XDP transmits on its other end only where a program runs. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

SEC("xdp")
int pass(struct xdp_md* ctx) {
    (void)ctx;
    return XDP_PASS;
}

char _license[] SEC("license") = "Apache-2.0";
