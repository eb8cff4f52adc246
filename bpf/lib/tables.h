/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Where a stage finds its tables. In the kernel they are maps, named by the program; on the host they are arrays that an owner
 * (dataplane/core/host_pipeline.h) points to. GABION_TABLE names one, gabion_at gives the address of one of its entries: in the
 * kernel NULL when the index is out of range, which the masks in struct gabion_settings rule out.
 */
#ifndef GABION_LIB_TABLES_H
#define GABION_LIB_TABLES_H

#include "../abi/amplifier.h"
#include "../abi/control.h"
#include "../abi/cpu.h"
#include "../abi/destination.h"
#include "../abi/flow.h"
#include "../abi/prefix.h"
#include "../abi/proven.h"
#include "../abi/quarantine.h"
#include "../abi/queue.h"
#include "../abi/settings.h"
#include "../abi/source.h"
#include "../abi/syn.h"
#include "home.h"

#ifdef __bpf__

#include "../maps.h"

/* Set before load; each program that runs the pipeline defines it. */
extern const volatile struct gabion_settings gabion_settings;

struct gabion_tables {
	struct gabion_control *control;
};

typedef void *gabion_table4;
typedef void *gabion_table6;
typedef void *gabion_words;

/* A function out of line finds its tables again: pointers to map values cannot be handed to it. */
#define GABION_OUTLINE_TABLES
#define GABION_GIVE_TABLES(tables)
#define GABION_OUTLINE_FIND_TABLES()                                                                                   \
	const struct gabion_tables gabion_found_tables = {.control = &control};                                        \
	const struct gabion_tables *tables = &gabion_found_tables

#define GABION_TABLE(tables, name) ((void)(tables), &name)
#define GABION_SETTINGS(tables)	   (*((void)(tables), &gabion_settings))
#define gabion_at(table, index)                                                                                        \
	({                                                                                                             \
		__u32 gabion_index = (index);                                                                          \
		bpf_map_lookup_elem(table, &gabion_index);                                                             \
	})

#else

typedef struct gabion_bucket4 *gabion_table4;
typedef struct gabion_bucket6 *gabion_table6;
typedef __u64 *gabion_words;

struct gabion_tables {
	struct gabion_control *control;
	const struct gabion_settings *settings;
	gabion_table4 allow_e4, allow_p4, op_e4, op_p4, det_e4, det_p4, quar_e4, quar_p4, watch_e4, watch_p4;
	gabion_table6 allow_e6, allow_p6, op_e6, op_p6, det_e6, det_p6, quar_e6, quar_p6, watch_e6, watch_p6;
	gabion_words op_e4_hits, op_e6_hits, op_p4_hits, op_p6_hits;
	gabion_words det_e4_hits, det_e6_hits, det_p4_hits, det_p6_hits;
	struct gabion_quarantine *quar_e4_state, *quar_e6_state, *quar_p4_state, *quar_p6_state;
	gabion_words prefix_map4;
	struct gabion_prefix_line6 *prefix_map6;
	struct gabion_prefix_lengths *prefix_lengths4, *prefix_lengths6;
	gabion_words allow_bloom, known_bloom;
	struct gabion_flow_bucket *flows;
	struct gabion_proven_bucket *proven;
	gabion_table6 dest_table;
	struct gabion_destination *destinations;
	struct gabion_cell *cells;
	gabion_words port_rules;
	struct gabion_source_set *source_sets;
	struct gabion_source *sources;
	struct gabion_source_limits *source_limits;
	struct gabion_offence *offences;
	gabion_words amp_ports, amp_index;
	struct gabion_amp_rule *amp_rules;
	struct gabion_amp_fragments *amp_fragments;
	struct gabion_queue *queues;
	struct gabion_syn_cell *syn_cells;
	gabion_words syn_sources, syn_first;
	struct gabion_socket_notes *sockets; /* in place of the kernel's own: bpf/lib/socket.h */
};

#define GABION_OUTLINE_TABLES	     const struct gabion_tables *tables,
#define GABION_GIVE_TABLES(tables)   tables,
#define GABION_OUTLINE_FIND_TABLES() (void)tables

#define GABION_TABLE(tables, name) ((tables)->name)
#define GABION_SETTINGS(tables)	   (*(tables)->settings)
#define gabion_at(table, index)	   ((table) + (index))

#endif

GABION_INLINE int gabion_has(const struct gabion_tables *tables, __u32 feature)
{
	return (GABION_SETTINGS(tables).features & feature) != 0;
}

#endif
