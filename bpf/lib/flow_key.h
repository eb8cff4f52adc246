/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Where a flow is noted (flow.h): the same for both its directions, since whoever asks says which end is the host's. */
#ifndef GABION_LIB_FLOW_KEY_H
#define GABION_LIB_FLOW_KEY_H

#include "hash.h"
#include "home.h"
#include "packet.h"

struct gabion_flow_key {
	__u32 bucket; /* before the mask */
	__u32 tag;
};

GABION_INLINE __u32 gabion_flow_ports(__u32 local, __u32 remote)
{
	return local << 16 | remote;
}

GABION_INLINE struct gabion_flow_key gabion_flow_key_from(const __u32 *word, const struct gabion_hash_key *key)
{
	__u64 hash = gabion_hash6(key, word);
	struct gabion_flow_key flow = {GABION_CAST(__u32, hash >> 32), GABION_CAST(__u32, hash)};

	if (!flow.tag)
		flow.tag = 1;
	return flow;
}

/* Addresses of IPv4 go into one hash together with the ports ... */
GABION_INLINE struct gabion_flow_key gabion_flow_key4(__u32 local, __u32 remote, __u32 ports, __u32 protocol,
						      const struct gabion_hash_key *key)
{
	const __u32 word[4] = {remote, local, ports, protocol};

	return gabion_flow_key_from(word, key);
}

/* ... those of IPv6 are hashed first. */
GABION_INLINE struct gabion_flow_key gabion_flow_key6(const __u32 *local, const __u32 *remote, __u32 ports,
						      __u32 protocol, const struct gabion_hash_key *key)
{
	__u64 far = gabion_hash6(key, remote), near = gabion_hash6(key, local);
	const __u32 word[4] = {GABION_CAST(__u32, far), GABION_CAST(__u32, far >> 32), ports,
			       GABION_CAST(__u32, near >> 32) ^ protocol};

	return gabion_flow_key_from(word, key);
}

/* Of the packet's version and protocol. */
GABION_INLINE struct gabion_flow_key gabion_flow_key_of(const struct gabion_packet *packet,
							const struct gabion_address *local,
							const struct gabion_address *remote, __u32 ports,
							const struct gabion_hash_key *key)
{
	if (packet->ip_version == 4)
		return gabion_flow_key4(local->word[0], remote->word[0], ports, packet->protocol, key);
	return gabion_flow_key6(local->word, remote->word, ports, packet->protocol, key);
}

/* As seen on the way in: the host is the destination. */
GABION_INLINE struct gabion_flow_key gabion_flow_in(const struct gabion_packet *packet,
						    const struct gabion_hash_key *key)
{
	return gabion_flow_key_of(packet, &packet->destination, &packet->source,
				  gabion_flow_ports(packet->destination_port, packet->source_port), key);
}

GABION_INLINE struct gabion_flow_key gabion_flow_out(const struct gabion_packet *packet,
						     const struct gabion_hash_key *key)
{
	return gabion_flow_key_of(packet, &packet->source, &packet->destination,
				  gabion_flow_ports(packet->source_port, packet->destination_port), key);
}

#endif
