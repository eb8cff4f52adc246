/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Why a packet went where it went. Each packet leaves the kernel stage under exactly one reason of this list; the counters, the
 * CLI, the metrics and the documentation are made from it. The number of a reason is its place in the list and part of the
 * layout of pinned counters: new reasons go to the end, and GABION_ABI_VERSION rises when one is removed.
 *
 *   X(ID, "name", ACTION, "what it means to an operator")
 */
#ifndef GABION_ABI_REASON_H
#define GABION_ABI_REASON_H

#include "compat.h"
#include "limits.h"

enum gabion_action {
	GABION_ACTION_NONE,	 /* not a verdict: the next stage decides */
	GABION_ACTION_PASS,	 /* to the network stack */
	GABION_ACTION_DROP,	 /* gone */
	GABION_ACTION_HAND_OVER, /* to the worker of the receive queue */
	GABION_ACTION_FORWARD,	 /* out of the other port (inline mode) */
	GABION_ACTION_ANSWER,	 /* answered from where it came */
};

/* clang-format off */
#define GABION_REASONS(X) \
	X(NONE,               "none",               NONE,      "no stage has decided yet") \
	X(CLEAN,              "clean",              PASS,      "passed every stage") \
	X(NOT_IP,             "not-ip",             PASS,      "neither IPv4 nor IPv6, ARP among them") \
	X(NEIGHBOUR,          "neighbour",          PASS,      "IPv6 neighbour discovery on this link") \
	X(ALLOWED,            "allowed",            PASS,      "on the allow list with every check skipped") \
	X(DRY_RUN,            "dry-run",            PASS,      "would have been dropped; a dry run drops nothing") \
	X(SAMPLED,            "sampled",            HAND_OVER, "handed to a worker as a sample") \
	X(SUSPICIOUS,         "suspicious",         HAND_OVER, "handed to a worker because it is odd or its source is watched") \
	X(HANDOVER_EXCLUDED,  "handover-excluded",  PASS,      "chosen for a worker, but of a kind that is never handed over") \
	X(HANDOVER_TOO_LONG,  "handover-too-long",  PASS,      "chosen for a worker, but longer than a worker's frame") \
	X(HANDOVER_NO_WORKER, "handover-no-worker", PASS,      "chosen for a worker, but its queue has none") \
	X(HANDOVER_NO_CREDIT, "handover-no-credit", PASS,      "chosen for a worker that has its hands full") \
	X(HANDOVER_LATE,      "handover-late",      PASS,      "chosen for a worker that does not move") \
	X(MALFORMED_ETHERNET, "malformed-ethernet", DROP,      "Ethernet or VLAN header cut short, or priority tags stacked") \
	X(MALFORMED_IPV4,     "malformed-ipv4",     DROP,      "IPv4 header cut short or contradicting itself") \
	X(MALFORMED_IPV6,     "malformed-ipv6",     DROP,      "IPv6 or extension header cut short or contradicting itself") \
	X(IPV6_CHAIN,         "ipv6-chain",         DROP,      "more IPv6 extension headers than RFC 8504 asks a host to read") \
	X(MALFORMED_TCP,      "malformed-tcp",      DROP,      "TCP header cut short or with an impossible data offset") \
	X(MALFORMED_UDP,      "malformed-udp",      DROP,      "UDP header cut short or with an impossible length") \
	X(MALFORMED_ICMP,     "malformed-icmp",     DROP,      "ICMP or ICMPv6 header cut short") \
	X(BREAKER,            "breaker",            DROP,      "the panic breaker was tripped and the source is not protected") \
	X(BAN_OPERATOR,       "ban-operator",       DROP,      "source address banned by the operator") \
	X(BAN_OPERATOR_PREFIX,"ban-operator-prefix",DROP,      "source prefix banned by the operator") \
	X(BAN_DETECTOR,       "ban-detector",       DROP,      "source address banned by a detector") \
	X(BAN_DETECTOR_PREFIX,"ban-detector-prefix",DROP,      "source prefix banned by a detector") \
	X(QUARANTINE,         "quarantine",         DROP,      "source address in quarantine and above its rate") \
	X(QUARANTINE_PREFIX,  "quarantine-prefix",  DROP,      "source prefix in quarantine and above its rate") \
	X(HOPS_CONTRADICT,    "hops-contradict",    DROP,      "forged: the hop count contradicts what is known of the source") \
	X(DESTINATION_CAP,    "destination-cap",    DROP,      "destination above its cap and the source not known from calm times") \
	X(MAC_FILTER,         "mac-filter",         DROP,      "sender's MAC address refused by the interface's filter") \
	X(BOGON_SOURCE,       "bogon-source",       DROP,      "source address that no packet on a wire may bear") \
	X(PRIVATE_SOURCE,     "private-source",     DROP,      "source address of private or link-local use") \
	X(RESERVED_SOURCE,    "reserved-source",    DROP,      "source address of documentation or benchmarking") \
	X(LAND,               "land",               DROP,      "source and destination address are the same") \
	X(TCP_FLAGS,          "tcp-flags",          DROP,      "TCP flags that no TCP sends together") \
	X(PORT_ZERO,          "port-zero",          DROP,      "TCP port 0, or UDP to port 0") \
	X(FRAGMENT,           "fragment",           DROP,      "fragment of a kind that no sender makes, or any where none are wanted") \
	X(CAP_UDP,            "cap-udp",            DROP,      "UDP above the cap for the whole host and nothing vouches for the source") \
	X(CAP_ICMP,           "cap-icmp",           DROP,      "ICMP above the cap for the whole host and nothing vouches for the source") \
	X(CAP_SYN,            "cap-syn",            DROP,      "SYNs above the cap for the whole host and nothing vouches for the source") \
	X(CAP_PORT,           "cap-port",           DROP,      "a port above its cap and nothing vouches for the source") \
	X(ACK_UNKNOWN,        "ack-unknown",        DROP,      "in a flood: TCP segment of no connection that this host knows") \
	X(RST_UNKNOWN,        "rst-unknown",        DROP,      "in a flood: TCP reset of no connection that this host knows") \
	X(SYNACK_UNASKED,     "synack-unasked",     DROP,      "in a flood: TCP SYN-ACK that answers no SYN of this host") \
	X(AMPLIFICATION,      "amplification",      DROP,      "answer of a service that is abused as an amplifier; nobody here asked") \
	X(INSPECTED,          "inspected",          HAND_OVER, "above a cap, or of no connection in a flood: a worker looks at this sample and drops it") \
	X(SOURCE_RATE,        "source-rate",        DROP,      "source above one of its rates; only what is above is dropped") \
	X(SYN_ANSWERED,       "syn-answered",       ANSWER,    "SYN of a destination under a SYN flood, answered with a cookie") \
	X(SYN_UNANSWERED,     "syn-unanswered",     DROP,      "SYN of a source prefix that has been answered as often as may be") \
	X(SYN_FIRST,          "syn-first",          DROP,      "first SYN of a source that is not known, for a destination under a SYN flood that no cookie can answer for") \
	X(SYN_CAP,            "syn-cap",            DROP,      "SYN above the cap of a destination under a SYN flood") \
	X(NEW_SOURCE,         "new-source",         DROP,      "in a flood: of a source not seen before, above the rate at which such are let in") \
	X(LINK_CONTROL,       "link-control",       DROP,      "frame that keeps a link itself running (STP, LACP, LLDP, 802.1X), where those are not forwarded") \
	X(OUTBOUND,           "outbound",           FORWARD,   "came in by the inside port: forwarded, and what it vouches for is noted") \
	X(PORT_GONE,          "port-gone",          DROP,      "inline mode: the other port does not exist")
/* clang-format on */

enum gabion_reason {
#define X(id, name, action, help) GABION_REASON_##id,
	GABION_REASONS(X)
#undef X
		GABION_REASON_COUNT
};

_Static_assert(GABION_REASON_COUNT <= GABION_REASON_SLOTS, "the per-CPU counters have a slot for each reason");

#endif
