/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Who lives here, on bridges with an uplink: learned from ARP and ND, asked where a frame from the wire is for somebody
 * who is not behind its uplink. */
#ifndef HAVIP_GUESTS_H
#define HAVIP_GUESTS_H

#include "maps.h"
#include "parse.h"

/* Every guest says something by ARP or ND, and seldom: so it is there that we learn who is here, and who has gone. */
static __noinline void note_guest(const __u8 *mac, const struct havip_port *in, __u32 subnet)
{
	struct havip_guest guest = { .port = in->slot, .generation = in->generation }, *known;
	struct havip_station_key key = { .subnet = subnet };

	__builtin_memcpy(key.mac, mac, sizeof(key.mac));
	known = bpf_map_lookup_elem(&guests, &key);
	if (in->kind == HAVIP_UPLINK) {
		if (known)
			bpf_map_delete_elem(&guests, &key);
	} else if (in->kind == HAVIP_VNIC && !mac_is_group(mac)) {
		if (!known || known->port != guest.port || known->generation != guest.generation)
			bpf_map_update_elem(&guests, &key, &guest, BPF_ANY);
	}
}

static __always_inline void note_sender(const struct packet *packet, const struct havip_port *in,
					struct havip_place place)
{
	struct ethhdr *eth = packet->data;

	if (place.flags & HAVIP_PORT_SHARED && (void *)(eth + 1) <= packet->end)
		note_guest(eth->h_source, in, place.subnet);
}

/* Whether the MAC is that of a guest here: whoever addresses it means a former holder. Any other frame for somebody
 * who is not behind its uplink is a copy that the wire has flooded. */
static __noinline int is_own_guest(const __u8 *mac, __u32 subnet)
{
	struct havip_station_key key = { .subnet = subnet };
	struct havip_guest *at;
	struct havip_target *target;
	__u32 slot;

	__builtin_memcpy(key.mac, mac, sizeof(key.mac));
	at = bpf_map_lookup_elem(&guests, &key);
	if (!at)
		return 0;
	slot = at->port;
	target = bpf_map_lookup_elem(&targets, &slot);
	return target && target->ifindex && target->kind == HAVIP_VNIC && target->generation == at->generation;
}

/* The switch may still look for it here, where its last holder was. */
static __noinline int is_service_mac(const __u8 *mac, __u32 havip)
{
	struct havip_policy *policy = bpf_map_lookup_elem(&havips, &havip);

	return policy && mac_equal(mac, policy->service_mac) && !mac_is_zero(mac);
}

#endif
