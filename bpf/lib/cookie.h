/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Our own SYN cookies: what the initial sequence number of an answer holds, so that the packet that completes the handshake tells by
 * itself what was agreed on (the idea: Bernstein, "SYN cookies", 1997).
 *
 *	31 ... 9	8	7 6	5 ... 2		1	0
 *	MAC		slot	MSS	window scale	SACK	timestamps
 *
 * The MAC is over both ends, the peer's initial sequence number, the time slot and the nine bits below it. A guess is right once in 2^23.
 * ECN needs timestamps: it is the lowest bit of the one that the answer bears and the peer echoes.
 */
#ifndef GABION_LIB_COOKIE_H
#define GABION_LIB_COOKIE_H

#include "../abi/syn.h"
#include "hash.h"
#include "packet.h"
#include "parse_l4.h"
#include "siphash.h"
#include "tcp_options.h"

#define GABION_COOKIE_DATA	 0xffu
#define GABION_COOKIE_SLOT	 0x100u
#define GABION_COOKIE_MAC	 0xfffffe00u
#define GABION_COOKIE_TIMESTAMPS 0x01u
#define GABION_COOKIE_SACK	 0x02u
#define GABION_COOKIE_SCALE	 2 /* shift */
#define GABION_COOKIE_MSS	 6 /* shift */

/*
 * The MSS a cookie can tell, the next lower one is taken: for each family what the kernel can take at least (bpf_sk_assign_tcp_reqsk()),
 * what tunnels leave, and what Ethernet leaves.
 */
GABION_INLINE __u32 gabion_cookie_mss(__u32 version, __u32 index)
{
	const __u64 mss4 = 536 | 1360ull << 16 | 1440ull << 32 | 1460ull << 48;
	const __u64 mss6 = 1220 | 1360ull << 16 | 1420ull << 32 | 1440ull << 48;

	return (version == 4 ? mss4 : mss6) >> 16 * (index & 3) & 0xffff;
}

/* Which of them; 4 = less than all of them. */
GABION_INLINE __u32 gabion_cookie_mss_index(__u32 version, __u32 mss)
{
	__u32 index;

	GABION_UNROLL
	for (index = 4; index > 0; index--) {
		if (mss >= gabion_cookie_mss(version, index - 1))
			return index - 1;
	}
	return 4;
}

/* The address and port of both ends as they are in a packet that comes in, the peer's initial sequence number. */
GABION_INLINE __u32 gabion_cookie_mac(const __u64 *key, const struct gabion_packet *packet, __u32 isn, __u32 slot,
				      __u32 data)
{
	struct gabion_siphash s = gabion_sip_begin(key);
	/* all messages of a family are of one length, for which its number stands */
	__u64 last = GABION_CAST(__u64, packet->ip_version) << 56 | GABION_CAST(__u64, data) << 32 | slot;

	gabion_sip_word(&s, GABION_CAST(__u64, packet->source.word[0]) << 32 | packet->destination.word[0]);
	if (packet->ip_version == 6) {
		gabion_sip_word(&s, GABION_CAST(__u64, packet->source.word[1]) << 32 | packet->destination.word[1]);
		gabion_sip_word(&s, GABION_CAST(__u64, packet->source.word[2]) << 32 | packet->destination.word[2]);
		gabion_sip_word(&s, GABION_CAST(__u64, packet->source.word[3]) << 32 | packet->destination.word[3]);
	}
	gabion_sip_word(&s, GABION_CAST(__u64, isn) << 32 | GABION_CAST(__u32, packet->source_port) << 16 |
				    packet->destination_port);
	return GABION_CAST(__u32, gabion_sip_finish(&s, last)) & GABION_COOKIE_MAC;
}

/* `data`: GABION_COOKIE_DATA. */
GABION_INLINE __u32 gabion_cookie_make(const struct gabion_syn_control *syn, const struct gabion_packet *packet,
				       __u32 data, __u32 now)
{
	__u32 slot = now >> syn->slot_shift;

	return gabion_cookie_mac(syn->key, packet, packet->sequence, slot, data) | (slot & 1) << 8 | data;
}

/* Whether the packet acknowledges a cookie of this slot or the one before; whatever it carries comes behind the peer's SYN. */
GABION_INLINE int gabion_cookie_holds(const struct gabion_syn_control *syn, const struct gabion_packet *packet,
				      __u32 now)
{
	__u32 cookie = packet->acknowledgment - 1, slot = now >> syn->slot_shift;

	slot -= (slot ^ cookie >> 8) & 1;
	return gabion_cookie_mac(syn->key, packet, packet->sequence - 1, slot, cookie & GABION_COOKIE_DATA) ==
	       (cookie & GABION_COOKIE_MAC);
}

/* The timestamp of an answer: milliseconds, as the kernel counts them. */
GABION_INLINE __u32 gabion_cookie_timestamp(const struct gabion_syn_control *syn, __u32 now, __u32 hz, __u32 ecn)
{
	__u32 ms = GABION_CAST(__u32, GABION_CAST(__u64, now) * 1000 / hz);

	return ((ms + syn->timestamp_offset) & ~1u) | ecn;
}

/* Cookies are out that may still be acknowledged. In calm times this is one comparison. */
GABION_INLINE int gabion_cookies_out(const struct gabion_syn_control *syn, __u32 now)
{
	__u32 answered = gabion_read32(&syn->answered);

	return answered && now - answered < 2u << (syn->slot_shift & 31);
}

/*
 * Likewise of listeners' own cookies. Who completes a handshake meanwhile may have guessed one, once in 2^29: 24 bits hold one of four MSS,
 * eight more the minute or the one before (net/ipv4/syncookies.c).
 */
GABION_INLINE int gabion_listener_cookies_out(const struct gabion_syn_control *syn, __u32 now)
{
	__u32 answered = gabion_read32(&syn->listener_answered);

	return answered && now - answered < gabion_read32(&syn->believed_ticks);
}

/* Bears an ACK, and neither opens nor resets. */
GABION_INLINE int gabion_may_acknowledge(const struct gabion_packet *packet)
{
	return packet->protocol == GABION_PROTOCOL_TCP && packet->flags & GABION_PACKET_L4 &&
	       (packet->tcp_flags & (GABION_TCP_ACK | GABION_TCP_SYN | GABION_TCP_RST)) == GABION_TCP_ACK;
}

/* A destination, address and port: its cell (bpf/abi/syn.h). */
GABION_INLINE __u64 gabion_syn_destination_hash(const struct gabion_packet *packet, const struct gabion_hash_key *key)
{
	__u32 word[4] = {packet->destination.word[0], packet->destination.word[1] ^ packet->destination_port,
			 packet->destination.word[2], packet->destination.word[3]};

	return gabion_hash6(key, word);
}

#endif
