/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the profiling program (bpf/profile.bpf.c) keeps for each CPU: how long the stages took the packets that it timed, one in
 * GABION_PROFILE_ONE_IN at random. Times are ns as the clock gave them; each has one reading of the clock in it, which the stage
 * CLOCK measures by itself and user space takes off. The CPU is the only writer. The map belongs to one run of the program.
 */
#ifndef GABION_ABI_PROFILE_H
#define GABION_ABI_PROFILE_H

#include "compat.h"
#include "limits.h"

/* X(id, name, what). In the order in which a packet meets them; a packet has times of those that it got to. */
#define GABION_STAGES(X)                                                                                               \
	X(CLOCK, "clock", "nothing: two readings of the clock in a row, taken off the others")                         \
	X(LINK, "link", "the Ethernet header")                                                                         \
	X(MAC, "mac", "the filter of MAC addresses")                                                                   \
	X(SOURCE, "source", "VLAN tags and IP header, the source address hashed")                                      \
	X(BREAKER, "breaker", "the panic breaker")                                                                     \
	X(ALLOW, "allow", "allow list")                                                                                \
	X(BANS, "bans", "bans of the operator and of detectors")                                                       \
	X(PLAIN, "plain", "whether a plain packet is done with, and the draw of samples")                              \
	X(PARSE, "parse", "the whole packet parsed")                                                                   \
	X(VALIDATION, "validation", "what no honest sender makes")                                                     \
	X(AMPLIFICATION, "amplification", "answers that nobody asked for")                                             \
	X(QUARANTINE, "quarantine", "quarantined sources")                                                             \
	X(CONNECTION, "connection", "while a TCP flood is on: whether the packet belongs to a connection")             \
	X(TRIGGER, "trigger", "counted, and whether a flood begins")                                                   \
	X(RATES, "source-rates", "rates of single sources")                                                            \
	X(SYN, "syn", "SYNs of destinations under a SYN flood")                                                        \
	X(CAPS, "caps", "caps of classes and ports")                                                                   \
	X(DESTINATION, "destination", "destinations under attack")                                                     \
	X(SAMPLER, "sampler", "whether a worker gets to see it")                                                       \
	X(CREDIT, "credit", "a worker's credit claimed")                                                               \
	X(REDIRECT, "redirect", "the packet readied for the worker")                                                   \
	X(ANSWER, "answer", "a SYN turned round into its answer")                                                      \
	X(EXIT, "exit", "counted; what came since the stage before, where it left between two")

#define GABION_STAGE_ID(id, name, what) GABION_STAGE_##id,
enum gabion_stage { GABION_STAGES(GABION_STAGE_ID) GABION_STAGE_COUNT };

#define GABION_STAGE_SLOTS 32

_Static_assert(GABION_STAGE_COUNT <= GABION_STAGE_SLOTS, "every stage has a slot");

#define GABION_PROFILE_ONE_IN 64 /* a power of two */

/* Times are also counted in cells of this many ns; what is longer than all of them stands in the last one. */
#define GABION_PROFILE_CELL_NS 4
#define GABION_PROFILE_CELLS   256

struct gabion_stage_time {
	__u64 packets;
	__u64 ns;   /* sum */
	__u64 most; /* the longest, ns */
	__u32 cell[GABION_PROFILE_CELLS];
};

struct gabion_profile {
	__u64 mark; /* when the stage before ended, ns */
	__u32 skip; /* packets until the next one that is timed */
	__u32 reserved;
	struct gabion_stage_time stage[GABION_STAGE_SLOTS];
} GABION_ALIGNED(GABION_CACHE_LINE);

#endif
