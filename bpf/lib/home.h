/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The two homes of the pipeline: BPF in the kernel, C++ on the host. What differs between them is named here and in
 * bpf/lib/tables.h, so that everything else is the same source in both.
 */
#ifndef GABION_LIB_HOME_H
#define GABION_LIB_HOME_H

#include "../abi/compat.h"

#ifdef __bpf__
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#endif

#define GABION_INLINE static inline __attribute__((always_inline, unused))
/*
 * Kept out of line. In the kernel a function that is not static is verified once, by itself, and not again in each of its callers:
 * what it takes must be numbers or pointers to structures of its own.
 */
#ifdef __bpf__
#define GABION_OUTLINE __attribute__((noinline))
#define GABION_UNROLL  _Pragma("unroll")
#define GABION_ROLLED                                                                                                  \
	_Pragma("clang loop unroll(disable)") /* where the compiler would keep all of its turns on the stack */
#else
#define GABION_UNROLL
#define GABION_ROLLED
#define GABION_OUTLINE static __attribute__((noinline, unused))
#endif

/* Likewise, but verified where it is called: may take pointers into the frame. */
#define GABION_OUTLINE_HERE static __attribute__((noinline, unused))

/*
 * A frame as a function out of line takes it, which may not be given pointers into it: in the kernel the program's context, on the
 * host its two ends.
 */
#ifdef __bpf__
#define GABION_FRAME struct xdp_md
#else
struct gabion_frame {
	const __u8 *data;
	const __u8 *data_end;
};
#define GABION_FRAME const struct gabion_frame
#endif

#define GABION_LIKELY(condition)   __builtin_expect(!!(condition), 1)
#define GABION_UNLIKELY(condition) __builtin_expect(!!(condition), 0)

#ifdef __cplusplus
#define GABION_AT(type, address) reinterpret_cast<const type *>(address)
#define GABION_NULL		 nullptr
#else
#define GABION_AT(type, address) ((const type *)(address))
#define GABION_NULL		 ((void *)0)
#endif

/*
 * Headers as they stand in a frame, at any address. The BPF backend would load packed members byte by byte; the kernel's machines
 * read unaligned words as they are.
 */
#ifdef __bpf__
#define GABION_WIRE
#else
#define GABION_WIRE __attribute__((packed, may_alias))
#endif

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define GABION_SWAP16(value) __builtin_bswap16(value)
#define GABION_SWAP32(value) __builtin_bswap32(value)
#else
#define GABION_SWAP16(value) (value)
#define GABION_SWAP32(value) (value)
#endif

GABION_INLINE const __u8 *gabion_frame_begin(GABION_FRAME *frame)
{
#ifdef __bpf__
	__u64 at = frame->data;

	__asm__("" : "+r"(at)); /* or half of a pointer may be spilled, which the verifier refuses */
	return (const __u8 *)(long)at;
#else
	return frame->data;
#endif
}

GABION_INLINE const __u8 *gabion_frame_end(GABION_FRAME *frame)
{
#ifdef __bpf__
	__u64 at = frame->data_end;

	__asm__("" : "+r"(at)); /* or half of a pointer may be spilled, which the verifier refuses */
	return (const __u8 *)(long)at;
#else
	return frame->data_end;
#endif
}

/* One load each of a word that another CPU or user space may be writing. */
GABION_INLINE __u32 gabion_read32(const volatile __u32 *word)
{
	return *word;
}

GABION_INLINE __u64 gabion_read64(const volatile __u64 *word)
{
	return *word;
}

#endif
