/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Whether a packet completes a handshake that one of our cookies began. Asked by a stage that would else take it for blind: it belongs to
 * no connection yet. It proves nothing of its source: that the host's own TCP does when it takes the connection.
 */
#ifndef GABION_LIB_COOKIE_CHECK_H
#define GABION_LIB_COOKIE_CHECK_H

#include "cookie.h"
#include "tables.h"

/* Costs a comparison while no cookies are out. */
GABION_OUTLINE int gabion_cookie_valid(GABION_OUTLINE_TABLES const struct gabion_packet *packet, __u32 now)
{
	GABION_OUTLINE_FIND_TABLES();
	return packet && gabion_may_acknowledge(packet) && gabion_cookies_out(&tables->control->syn, now) &&
	       gabion_cookie_holds(&tables->control->syn, packet, now);
}

#endif
