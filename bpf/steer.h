/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The one decision: a frame, in by a port -> untouched, or rewritten to the holder and how to get there. It changes
 * no frame itself: XDP and tc write and redirect each in their own way. */
#ifndef HAVIP_STEER_H
#define HAVIP_STEER_H

#include "claim.h"

/* Where to deliver; filled for HAVIP_REDIRECT_HOLDER and the HAVIP_REWRITE_* reasons. */
struct delivery {
	struct havip_holder holder;
	struct havip_target *target;
	__u32 havip;
	int saved; /* the sender believed in another MAC */
};

static __always_inline __u32 subnet_of(const struct packet *packet, const struct havip_port *in)
{
	struct havip_domain domain = { .bridge = in->bridge, .outer = packet->outer, .inner = packet->inner };
	__u32 *subnet;

	if (!packet->outer)
		return in->subnet;
	subnet = bpf_map_lookup_elem(&domains, &domain);
	return subnet ? *subnet : 0;
}

static __always_inline enum havip_reason unheld(__u32 havip)
{
	struct havip_policy *policy = bpf_map_lookup_elem(&havips, &havip);

	count_unheld(havip);
	return policy && policy->flags & HAVIP_UNHELD_DROP ? HAVIP_DROP_UNHELD : HAVIP_PASS_UNHELD;
}

/* A redirected frame never crosses the bridge, which so forgets its sender, and one ageing time later floods the
 * answers to every guest. Each sender's entry is kept alive by letting one of its frames take the bridge in time.
 * Two senders of one hash cost each other the fast path, never a frame; so do two CPUs that race here. */
static __always_inline int sender_must_learn(const struct havip_port *in, const __u8 *source)
{
	__u64 who = holder_pack(source, in->slot);
	__u32 index = (who * 0x9e3779b97f4a7c15ULL) >> 52;
	struct havip_station *station;
	__u64 now_ns;

	if (!in->learn_every_ns)
		return 0;
	station = bpf_map_lookup_elem(&stations, &index);
	if (!station)
		return 0;
	now_ns = bpf_ktime_get_coarse_ns();
	if (holder_word(&station->who) == who && now_ns - station->seen_ns < in->learn_every_ns)
		return 0;
	*(volatile __u64 *)&station->who = who;
	station->seen_ns = now_ns;
	return 1;
}
_Static_assert(HAVIP_STATIONS == 1 << (64 - 52), "the hash above yields as many bits");

/* An IPv4 or IPv6 frame. */
static __always_inline enum havip_reason steer_ip(const struct packet *packet, const struct havip_port *in,
						  __u32 subnet, struct delivery *to)
{
	struct ethhdr *eth = packet->data;
	struct havip_key key = { .subnet = subnet };
	struct havip_binding *binding;
	__u32 slot;

	if (parse_destination(packet, key.address) != PARSED)
		return HAVIP_PASS_TRUNCATED;
	binding = binding_find(&key);
	if (!binding)
		return HAVIP_PASS_NOT_HAVIP;
	if ((void *)(eth + 1) > packet->end)
		return HAVIP_PASS_TRUNCATED;
	if (mac_is_group(eth->h_dest))
		return HAVIP_PASS_GROUP_MAC;

	to->holder = holder_unpack(holder_word(&binding->holder));
	to->havip = binding->havip;
	slot = to->holder.port;
	if (!slot)
		return unheld(to->havip);
	if (slot == in->slot)
		return mac_equal(eth->h_source, to->holder.mac) ? HAVIP_PASS_FROM_HOLDER : HAVIP_PASS_SAME_PORT;
	to->target = bpf_map_lookup_elem(&targets, &slot);
	if (!to->target || !to->target->ifindex)
		return HAVIP_PASS_PORT_GONE;
	if (in->kind == HAVIP_UPLINK && to->target->kind == HAVIP_UPLINK)
		return HAVIP_PASS_UPLINK;
	to->saved = !mac_equal(eth->h_dest, to->holder.mac);
	if (to->target->kind == HAVIP_HOST)
		return HAVIP_REWRITE_HOST;
	if (sender_must_learn(in, eth->h_source))
		return HAVIP_REWRITE_LEARN;
	return HAVIP_REDIRECT_HOLDER;
}

static __always_inline enum havip_reason steer(const struct packet *packet, const struct havip_port *in,
					       struct delivery *to)
{
	__u32 subnet = subnet_of(packet, in);

	if (!subnet)
		return HAVIP_PASS_OTHER_DOMAIN;
	if (packet->protocol == bpf_htons(ETH_P_IP) || packet->protocol == bpf_htons(ETH_P_IPV6))
		return steer_ip(packet, in, subnet, to);
	if (packet->protocol == bpf_htons(ETH_P_ARP))
		return claim_from_arp(packet, in, subnet);
	return HAVIP_PASS_NOT_IP;
}

/* The longest frame that a device of this MTU takes: the kernel grants one tag (net/core/dev.c, __is_skb_forwardable). */
static __always_inline __u32 target_frame_max(const struct havip_target *target)
{
	return target->mtu + ETH_HLEN + sizeof(struct vlan_tag);
}

static __always_inline int is_delivered(enum havip_reason reason)
{
	return reason >= HAVIP_REWRITE_LEARN && reason <= HAVIP_REDIRECT_HOLDER;
}

static __always_inline int is_drop(enum havip_reason reason)
{
	return reason >= HAVIP_DROP_UNHELD && reason <= HAVIP_DROP_REFUSED_SPOOF;
}

#endif
