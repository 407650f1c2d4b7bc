/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The one decision: a frame, in by a port -> untouched, or rewritten to the holder and how to get there. It changes
 * no frame itself: XDP and tc write and redirect each in their own way. */
#ifndef HAVIP_STEER_H
#define HAVIP_STEER_H

#include "guests.h"
#include "hear.h"
#include "ports.h"
#include "sightings.h"

static __always_inline struct havip_eip *eip_find(__be32 address)
{
	struct havip_eip_key key;

	__builtin_memcpy(key.address, &address, sizeof(key.address));
	return bpf_map_lookup_elem(&eips, &key);
}

static __always_inline struct havip_public *public_find(__u32 subnet, __be32 address)
{
	struct havip_key key = { .subnet = subnet };

	address_from_ipv4(key.address, address);
	return bpf_map_lookup_elem(&publics, &key);
}

/* Whether a packet may be to or from an EIP: asked of all by a gateway, and of a network's that has EIPs. */
static __noinline int is_about_eip(const struct packet *packet, const struct havip_port *in)
{
	struct iphdr *ip = packet->network;

	if (packet->outer)
		return 0;
	if (packet->protocol == bpf_htons(ETH_P_ARP))
		return in->kind == HAVIP_GATEWAY;
	if (packet->protocol != bpf_htons(ETH_P_IP) || (void *)(ip + 1) > packet->end)
		return 0;
	return eip_find(ip->daddr) || (in->subnet && public_find(in->subnet, ip->saddr));
}

/* Of what has its address taken every packet pays the way through memory; of a copy, only the one that it is made for. So
 * here, and wherever else a function is called that is not inlined. */
static __always_inline int concerns_eip(const struct packet *packet, const struct havip_port *in)
{
	struct packet copy = *packet;

	return is_about_eip(&copy, in);
}

/* `portSecurity`: a redirect goes around whatever the host filters on its bridge, so it is checked here. The first
 * sender is the vNIC's own; VRRP's virtual MACs are anybody's. */
static __noinline int may_send(const __u8 *source, const struct havip_port *in)
{
	__u32 slot = in->slot;
	struct havip_holder *own = bpf_map_lookup_elem(&own_macs, &slot);
	__u64 learned = holder_pack(source, 1), known;

	if (!own || mac_is_vrrp_ipv4(source) || mac_is_vrrp_ipv6(source))
		return 1;
	known = holder_word(own);
	if (!known && is_traced(in))
		return 1;
	if (!known && !mac_is_group(source) && !mac_is_zero(source)) {
		known = __sync_val_compare_and_swap((__u64 *)own, 0, learned);
		if (!known)
			return 1;
	}
	return known == learned;
}

static __noinline enum havip_reason unheld(const struct havip_port *in, __u32 havip)
{
	struct havip_policy *policy = bpf_map_lookup_elem(&havips, &havip);

	count_unheld(in, havip);
	return policy && policy->flags & HAVIP_UNHELD_DROP ? HAVIP_DROP_UNHELD : HAVIP_PASS_UNHELD;
}

/* A redirected frame never crosses the bridge, which so forgets its sender, and one ageing time later floods the
 * answers to every guest. Each sender's entry is kept alive by letting one of its frames take the bridge in time.
 * Two senders of one hash cost each other the fast path, never a frame; so do two CPUs that race here. The clock, which
 * is a call away, is asked once a tick. */
static __always_inline int sender_must_learn(const struct havip_port *in, const __u8 *source)
{
	__u64 who = holder_pack_frame(source, in->slot);
	__u32 index = (who * 0x9e3779b97f4a7c15ULL) >> 52;
	struct havip_station *station;
	__u64 now_ns, tick;

	if (unlikely(!in->learn_every_ns))
		return 0;
	station = bpf_map_lookup_elem(&stations, &index);
	if (unlikely(!station))
		return 0;
	tick = bpf_jiffies64();
	if (likely(holder_word(&station->who) == who)) {
		if (likely(station->tick == tick))
			return 0;
		station->tick = tick;
		now_ns = bpf_ktime_get_coarse_ns();
		if (now_ns - station->seen_ns < in->learn_every_ns)
			return 0;
	} else {
		now_ns = bpf_ktime_get_coarse_ns();
	}
	*(volatile __u64 *)&station->who = who;
	station->seen_ns = now_ns;
	return 1;
}
_Static_assert(HAVIP_STATIONS == 1 << (64 - 52), "the hash above yields as many bits");

/* The holder is behind the port that the frame came in by. */
static __noinline enum havip_reason steer_back(const struct packet *packet, const struct ethhdr *eth,
						    const struct havip_port *in, __u32 subnet, struct delivery *to)
{
	__u32 slot = in->slot;

	if (mac_equal(eth->h_source, to->holder.mac))
		return HAVIP_PASS_FROM_HOLDER;
	if (in->kind != HAVIP_UPLINK || mac_equal(eth->h_dest, to->holder.mac) || mac_equal(eth->h_dest, eth->h_source))
		return HAVIP_PASS_SAME_PORT;
	if (!is_own_guest(eth->h_dest, subnet) && !is_service_mac(eth->h_dest, to->havip))
		return HAVIP_PASS_SAME_PORT;
	to->target = bpf_map_lookup_elem(&targets, &slot);
	if (!to->target)
		return HAVIP_PASS_PORT_GONE;
	return packet_ttl(packet) > 1 ? HAVIP_REDIRECT_BACK : HAVIP_DROP_TTL;
}

/* @holder Its word. */
VERIFIED_ALONE int trace_found(__u32 subnet, __u32 havip, __u64 holder)
{
	__u32 zero = 0;
	struct havip_trace *trace = bpf_map_lookup_elem(&traces, &zero);

	if (!trace)
		return 0;
	trace->subnet = subnet;
	if (havip == NO_HAVIP)
		return 0;
	trace->havip = havip;
	trace->found = 1;
	*(__u64 *)&trace->holder = holder;
	return 0;
}

/* An IPv4 or IPv6 frame, whose headers are there. */
static __always_inline enum havip_reason steer_ip(const struct packet *packet, const struct havip_port *in,
						  __u32 subnet, struct delivery *to)
{
	struct ethhdr *eth = packet->data;
	struct found found = { .havip = NO_HAVIP };
	__u32 slot;

	find_havip(packet, subnet, &found);
	if (unlikely(found.havip == NO_HAVIP)) {
		if (is_traced(in))
			trace_found(subnet, NO_HAVIP, 0);
		return SELDOM(HAVIP_PASS_NOT_HAVIP);
	}
	if (unlikely(is_traced(in)))
		trace_found(subnet, found.havip, found.holder);
	if (unlikely(mac_is_group(eth->h_dest)))
		return SELDOM(HAVIP_PASS_GROUP_MAC);

	to->havip = found.havip;
	to->length = found.length;
	to->holder = holder_unpack(found.holder);
	slot = to->holder.port;
	if (unlikely(slot == in->slot)) {
		struct delivery back = *to;
		struct packet copy = *packet;
		enum havip_reason reason = steer_back(&copy, eth, in, subnet, &back);

		*to = back;
		return SELDOM(reason);
	}
	to->target = bpf_map_lookup_elem(&targets, &slot);
	if (unlikely(!to->target || !to->target->ifindex)) /* slot 0 is always empty */
		return SELDOM(slot ? HAVIP_PASS_PORT_GONE : unheld(in, to->havip));
	to->saved = !is_frame_to(eth, found.holder);
	if (unlikely(to->target->kind != HAVIP_VNIC)) {
		if (to->target->kind == HAVIP_HOST)
			return SELDOM(HAVIP_REWRITE_HOST);
		if (in->kind == HAVIP_UPLINK)
			return SELDOM(HAVIP_PASS_UPLINK);
	}
	if (unlikely(sender_must_learn(in, eth->h_source)))
		return SELDOM(HAVIP_REWRITE_LEARN);
	return HAVIP_REDIRECT_HOLDER;
}

static __always_inline int is_ip(const struct packet *packet)
{
	return packet->protocol == bpf_htons(ETH_P_IP) || packet->protocol == bpf_htons(ETH_P_IPV6);
}

/* No reason: an EIP's, for which a tail call goes on (eip.h). */
#define CROSSES HAVIP_REASON_COUNT

static __always_inline enum havip_reason steer(void *ctx, const struct packet *packet, const struct havip_port *in,
					       struct delivery *to)
{
	struct havip_place place = place_of(packet, in);
	struct ethhdr *eth = packet->data;
	enum havip_reason heard = HAVIP_PASS_NOT_HAVIP, reason;

	/* A gateway is in none. */
	if (unlikely(!place.subnet)) {
		if (in->kind != HAVIP_GATEWAY)
			return SELDOM(HAVIP_PASS_OTHER_DOMAIN);
		return SELDOM(concerns_eip(packet, in) ? CROSSES : HAVIP_PASS_NOT_HAVIP);
	}
	if (unlikely(place.flags & (HAVIP_PORT_SECURE | HAVIP_PORT_HOLDS))) {
		if (place.flags & HAVIP_PORT_SECURE && in->kind == HAVIP_VNIC) {
			if ((void *)(eth + 1) > packet->end)
				return SELDOM(HAVIP_PASS_TRUNCATED);
			if (!may_send(eth->h_source, in))
				return SELDOM(HAVIP_DROP_PORT_SECURITY);
		}
		if (place.flags & HAVIP_PORT_HOLDS && is_ip(packet))
			watch_sender(packet, in, place.subnet);
	}
	if (likely(is_ip(packet))) {
		if (unlikely(!has_ip_header(packet)))
			return SELDOM(HAVIP_PASS_TRUNCATED);
		if (unlikely(may_announce(packet) && !is_traced(in))) {
			note_sender(packet, in, place);
			heard = hear_packet(ctx, packet, in, place.subnet);
			if (is_drop(heard) || heard == HAVIP_REDIRECT_ANSWER || heard == HAVIP_PASS_NOT_WRITABLE)
				return heard;
		}
		if (unlikely(in->flags & HAVIP_PORT_EIPS) && in->kind != HAVIP_HOST &&
		    heard == HAVIP_PASS_NOT_HAVIP && concerns_eip(packet, in))
			return CROSSES;
		reason = steer_ip(packet, in, place.subnet, to);
		return reason == HAVIP_PASS_NOT_HAVIP ? heard : reason;
	}
	if (is_traced(in))
		return HAVIP_PASS_NOT_IP;
	if (packet->protocol == bpf_htons(ETH_P_ARP) || packet->protocol == bpf_htons(ETH_P_RARP))
		note_sender(packet, in, place);
	if (packet->protocol == bpf_htons(ETH_P_ARP)) {
		__u32 at = packet->network - packet->data;

		reason = hear_arp(packet, in, place.subnet);
		if (is_drop(reason) || reason == HAVIP_PASS_TRUNCATED)
			return reason;
		return answer_arp(ctx, at, in, place.subnet, reason);
	}
	if (packet->protocol == bpf_htons(ETH_P_RARP))
		return hear_rarp(packet, in, place.subnet);
	return HAVIP_PASS_NOT_IP;
}

/* The longest frame that a device of this MTU takes: the kernel grants one tag (net/core/dev.c, __is_skb_forwardable). */
static __always_inline __u32 target_frame_max(const struct havip_target *target)
{
	return target->mtu + ETH_HLEN + sizeof(struct vlan_tag);
}

#endif
