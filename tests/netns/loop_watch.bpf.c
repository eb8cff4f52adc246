// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Counts the system calls that threads of one name make, by number. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#define SYSCALLS 512

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, SYSCALLS);
    __type(key, __u32);
    __type(value, __u64);
} calls SEC(".maps");

const volatile char thread_name[16] = "";

/* The tracepoint's arguments: registers, number of the call. */
SEC("raw_tp/sys_enter")
int on_call(struct bpf_raw_tracepoint_args* ctx) {
    char name[16];
    __u32 number = (__u32)ctx->args[1], i;
    __u64* count;

    if (bpf_get_current_comm(name, sizeof(name))) return 0;
    for (i = 0; i < sizeof(name); i++) {
        if (name[i] != thread_name[i]) return 0;
        if (!name[i]) break;
    }
    count = bpf_map_lookup_elem(&calls, &number);
    if (count) __sync_fetch_and_add(count, 1);
    return 0;
}

char _license[] SEC("license") = "Dual BSD/GPL";
