/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Where a frame came in: the port, and the subnet that it speaks to from there. */
#ifndef HAVIP_PORTS_H
#define HAVIP_PORTS_H

#include "maps.h"
#include "parse.h"

/* The port of that ifindex; null: none of ours. */
static __always_inline struct havip_port *port_find(__u32 ifindex)
{
	__u32 at = ifindex & (HAVIP_NEAR_PORTS - 1);
	struct havip_near_port *near = bpf_map_lookup_elem(&near_ports, &at);

	if (likely(near && near->ifindex == ifindex))
		return &near->port;
	return bpf_map_lookup_elem(&ports, &ifindex);
}

static __always_inline struct havip_place place_of(const struct packet *packet, const struct havip_port *in)
{
	struct havip_place place = {};

	if (likely(!packet->outer)) {
		place.subnet = in->subnet;
		place.flags = in->flags;
	} else {
		struct havip_domain domain = { .bridge = in->bridge, .outer = packet->outer, .inner = packet->inner };
		struct havip_place *found = bpf_map_lookup_elem(&domains, &domain);

		if (found) {
			place = *found;
			place.flags |= in->flags & HAVIP_PORT_HOLDS;
		}
	}
	return place;
}

#endif
