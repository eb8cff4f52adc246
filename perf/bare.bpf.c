// SPDX-License-Identifier: Apache-2.0
/* What Gabion's cost is measured against: programs that do nothing. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

SEC("xdp")
int bare_drop(struct xdp_md* ctx) {
    (void)ctx;
    return XDP_DROP;
}

char _license[] SEC("license") = "Apache-2.0";
