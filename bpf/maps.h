/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The maps. All but the socket map are arrays that user space maps into its memory. Sizes are the loader's, set before load
 * together with the masks in struct gabion_settings; what stands here is the smallest that works.
 */
#ifndef GABION_MAPS_H
#define GABION_MAPS_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "abi/amplifier.h"
#include "abi/caps.h"
#include "abi/control.h"
#include "abi/cpu.h"
#include "abi/destination.h"
#include "abi/flow.h"
#include "abi/prefix.h"
#include "abi/proven.h"
#include "abi/quarantine.h"
#include "abi/queue.h"
#include "abi/source.h"
#include "abi/syn.h"
#include "array.h"

/*
 * The same for every interface. The control page is the array map `control` all the same, but named as data: the program then knows
 * where it lies and looks nothing up.
 */
struct gabion_control control SEC(".data.control");

GABION_ARRAY(allow_e4, 1, struct gabion_bucket4);
GABION_ARRAY(allow_e6, 1, struct gabion_bucket6);
GABION_ARRAY(allow_p4, 1, struct gabion_bucket4);
GABION_ARRAY(allow_p6, 1, struct gabion_bucket6);
GABION_ARRAY(op_e4, 1, struct gabion_bucket4);
GABION_ARRAY(op_e6, 1, struct gabion_bucket6);
GABION_ARRAY(op_p4, 1, struct gabion_bucket4);
GABION_ARRAY(op_p6, 1, struct gabion_bucket6);
GABION_ARRAY(det_e4, 1, struct gabion_bucket4);
GABION_ARRAY(det_e6, 1, struct gabion_bucket6);
GABION_ARRAY(det_p4, 1, struct gabion_bucket4);
GABION_ARRAY(det_p6, 1, struct gabion_bucket6);
GABION_ARRAY(quar_e4, 1, struct gabion_bucket4);
GABION_ARRAY(quar_e6, 1, struct gabion_bucket6);
GABION_ARRAY(quar_p4, 1, struct gabion_bucket4);
GABION_ARRAY(quar_p6, 1, struct gabion_bucket6);
GABION_ARRAY(watch_e4, 1, struct gabion_bucket4);
GABION_ARRAY(watch_e6, 1, struct gabion_bucket6);
GABION_ARRAY(watch_p4, 1, struct gabion_bucket4);
GABION_ARRAY(watch_p6, 1, struct gabion_bucket6);

GABION_ARRAY(op_e4_hits, GABION_STRIDE4, __u64);
GABION_ARRAY(op_e6_hits, GABION_STRIDE6, __u64);
GABION_ARRAY(op_p4_hits, GABION_STRIDE4, __u64);
GABION_ARRAY(op_p6_hits, GABION_STRIDE6, __u64);
GABION_ARRAY(det_e4_hits, GABION_STRIDE4, __u64);
GABION_ARRAY(det_e6_hits, GABION_STRIDE6, __u64);
GABION_ARRAY(det_p4_hits, GABION_STRIDE4, __u64);
GABION_ARRAY(det_p6_hits, GABION_STRIDE6, __u64);

GABION_ARRAY(quar_e4_state, GABION_STRIDE4, struct gabion_quarantine);
GABION_ARRAY(quar_e6_state, GABION_STRIDE6, struct gabion_quarantine);
GABION_ARRAY(quar_p4_state, GABION_STRIDE4, struct gabion_quarantine);
GABION_ARRAY(quar_p6_state, GABION_STRIDE6, struct gabion_quarantine);

GABION_ARRAY(prefix_map4, 1, __u64);
GABION_ARRAY(prefix_lengths4, 1, struct gabion_prefix_lengths);
GABION_ARRAY(prefix_map6, 1, struct gabion_prefix_line6);
GABION_ARRAY(prefix_lengths6, 1, struct gabion_prefix_lengths);

GABION_ARRAY(allow_bloom, 2, __u64);
GABION_ARRAY(known_bloom, 2, __u64);
GABION_ARRAY(flows, 1, struct gabion_flow_bucket);
GABION_ARRAY(proven, 1, struct gabion_proven_bucket);
GABION_ARRAY(syn_cells, 1, struct gabion_syn_cell);
GABION_ARRAY(syn_sources, 1, __u64);
GABION_ARRAY(syn_first, 1, __u64);
GABION_ARRAY(dest_table, 1, struct gabion_bucket6);
GABION_ARRAY(destinations, GABION_DESTINATIONS_MAX, struct gabion_destination);
GABION_ARRAY(cells, GABION_CELLS, struct gabion_cell);
GABION_ARRAY(port_rules, GABION_PORT_RULES / GABION_RULES_PER_WORD, __u64);
GABION_ARRAY(source_sets, 2, struct gabion_source_set);
GABION_ARRAY(sources, 2 * GABION_SOURCES_PER_SET, struct gabion_source);
GABION_ARRAY(source_limits, GABION_SOURCE_LIMITS, struct gabion_source_limits);
GABION_ARRAY(offences, GABION_OFFENCES, struct gabion_offence);

GABION_ARRAY(amp_ports, GABION_PORT_WORDS, __u64);
GABION_ARRAY(amp_index, GABION_AMP_INDEX_WORDS, __u64);
GABION_ARRAY(amp_rules, GABION_AMP_RULES, struct gabion_amp_rule);
GABION_ARRAY(amp_fragments, GABION_AMP_FRAGMENT_BUCKETS, struct gabion_amp_fragments);

/* each interface's own */
GABION_ARRAY(cpus, 1, struct gabion_cpu);
GABION_ARRAY(queues, 1, struct gabion_queue);

#endif
