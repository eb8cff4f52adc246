// SPDX-License-Identifier: Apache-2.0
/* Makes the frame anew and gives it to a program: for programs that write into the frame, so that TEST_RUN's next round would meet
 * another one, and for frames that are to differ in each round. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#define FRAME_MAX 128

struct frame {
    __u32 length;
    __u32 source; /* where four bytes are another number in each round, of 2^24; 0 = nowhere */
    __u32 round;
    unsigned char bytes[FRAME_MAX];
};

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1);
    __uint(map_flags, BPF_F_MMAPABLE);
    __type(key, __u32);
    __type(value, struct frame);
} frames SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_PROG_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, __u32);
} target SEC(".maps");

SEC("xdp")
int anew(struct xdp_md* ctx) {
    const __u32 first = 0;
    struct frame* frame = bpf_map_lookup_elem(&frames, &first);
    __u32 length, number;

    if (!frame) return XDP_ABORTED;
    length = frame->length;
    if (length < 1 || length > FRAME_MAX) return XDP_ABORTED;
    if (ctx->data_end - ctx->data != length && bpf_xdp_adjust_tail(ctx, (int)(length - (ctx->data_end - ctx->data))))
        return XDP_ABORTED;
    if (bpf_xdp_store_bytes(ctx, 0, frame->bytes, length)) return XDP_ABORTED;
    if (frame->source) {
        /* any order will do, as long as the hash of one says nothing about the next */
        number = __builtin_bswap32(0x1f000000 | (frame->round++ & 0xffffff));
        if (bpf_xdp_store_bytes(ctx, frame->source, &number, sizeof(number))) return XDP_ABORTED;
    }
    bpf_tail_call(ctx, &target, 0);
    return XDP_ABORTED;
}

char _license[] SEC("license") = "GPL";
