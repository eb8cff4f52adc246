/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* How every table that user space shares is declared. Sizes of tables are configuration, set before the load. */
#ifndef GABION_ARRAY_H
#define GABION_ARRAY_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define GABION_ARRAY(name, entries, kind)                                                                              \
	struct {                                                                                                       \
		__uint(type, BPF_MAP_TYPE_ARRAY);                                                                      \
		__uint(map_flags, BPF_F_MMAPABLE);                                                                     \
		__uint(max_entries, entries);                                                                          \
		__uint(key_size, sizeof(__u32));                                                                       \
		__uint(value_size, sizeof(kind));                                                                      \
	} name SEC(".maps")

#endif
