/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a packet says about an address, beside where it goes: ARP, neighbour discovery, VRRP adverts, RARP. */
#ifndef HAVIP_HEAR_H
#define HAVIP_HEAR_H

#include "answer.h"
#include "observe.h"

/* IPv6 (its header is there) that may be neighbour discovery or VRRP; TCP and UDP are not looked at any further. */
static __always_inline int may_announce(const struct packet *packet)
{
	__u8 *header = packet->network;

	if (packet->protocol == bpf_htons(ETH_P_IP))
		return header[9] == PROTOCOL_VRRP;
	if (header[6] == NEXT_ICMPV6 && (void *)(header + IPV6_HEADER_BYTES + 1) <= packet->end)
		return header[IPV6_HEADER_BYTES] == ND_ADVERTISEMENT || header[IPV6_HEADER_BYTES] == ND_SOLICITATION;
	return header[6] == NEXT_ICMPV6 || header[6] == PROTOCOL_VRRP || is_extension(header[6]);
}

/* Judging what was said is the caller's, since stacks add up. */
enum heard {
	HEARD_NOTHING,
	HEARD_ADVERT,
	HEARD_CLAIM,	/* the workspace has it in `said` */
	HEARD_QUESTION, /* ICMPv6 that may be one: the workspace has it in `message`, and where it begins there */
};

/* What the workspace's packet says about an address; changes no frame. */
VERIFIED_ALONE int hear(FRAME *ctx, struct workspace *workspace, const struct havip_port *in, __u32 subnet)
{
	struct heard_advert *advert;
	struct scratch *scratch;
	const __u8 *source;
	struct upper *up;
	__u32 copied;
	int parsed;

	if (!workspace || !in)
		return HEARD_NOTHING;
	advert = &workspace->advert;
	scratch = &workspace->message;
	source = workspace->packet.source;
	up = &workspace->upper;
	up->there = copied = workspace->packet.there;
	if (copied > HAVIP_MESSAGE_BYTES)
		copied = HAVIP_MESSAGE_BYTES;
	asm volatile("" : "+r"(copied));
	if (copied < sizeof(struct iphdr) || copied > HAVIP_MESSAGE_BYTES)
		return HEARD_NOTHING;
	if (frame_load(ctx, workspace->packet.at, scratch->bytes, copied))
		return HEARD_NOTHING;
	if (workspace->packet.ipv6)
		parsed = upper_of_ipv6(scratch, copied, up);
	else
		parsed = upper_of_ipv4(scratch->bytes, copied, up);
	if (parsed != PARSED)
		return HEARD_NOTHING;
	if (up->protocol == PROTOCOL_VRRP) {
		if (advert_read(scratch->bytes, copied, up, &advert->advert) != PARSED)
			return HEARD_NOTHING;
		__builtin_memcpy(&advert->in, in, sizeof(advert->in));
		advert->key.subnet = subnet;
		*(__u64 *)&advert->by = holder_pack(source, in->slot);
		return observe_advert(scratch, advert) ? HEARD_ADVERT : HEARD_NOTHING;
	}
	if (!workspace->packet.ipv6)
		return HEARD_NOTHING;
	if (announcement_from_nd(scratch, copied, up, source, &workspace->said) == PARSED)
		return HEARD_CLAIM;
	if (up->protocol != NEXT_ICMPV6 || copied < IPV6_HEADER_BYTES + ND_FIXED_BYTES)
		return HEARD_NOTHING;
	return HEARD_QUESTION;
}

/* An IP packet that may say something about an address; PASS_NOT_HAVIP: it does not. */
static __always_inline enum havip_reason hear_packet(void *ctx, const struct packet *packet,
						     const struct havip_port *in, __u32 subnet)
{
	struct ethhdr *eth = packet->data;
	__u64 ts_ns = bpf_ktime_get_ns();
	struct workspace *workspace;
	__u32 zero = 0;

	if ((void *)(eth + 1) > packet->end)
		return HAVIP_PASS_TRUNCATED;
	workspace = bpf_map_lookup_elem(&workspaces, &zero);
	if (!workspace)
		return HAVIP_PASS_NOT_HAVIP;
	workspace->packet.at = packet->network - packet->data;
	workspace->packet.there = frame_bytes(ctx) - workspace->packet.at;
	workspace->packet.ipv6 = packet->protocol == bpf_htons(ETH_P_IPV6);
	__builtin_memcpy(workspace->packet.source, eth->h_source, sizeof(workspace->packet.source));
	switch (hear(ctx, workspace, in, subnet)) {
	case HEARD_ADVERT:
		return HAVIP_PASS_ADVERT;
	case HEARD_CLAIM:
		return claim(&workspace->said, in, subnet, ts_ns);
	case HEARD_QUESTION:
		return answer_nd(ctx, workspace, in, subnet);
	default:
		return HAVIP_PASS_NOT_HAVIP;
	}
}

static __always_inline enum havip_reason hear_arp(const struct packet *packet, const struct havip_port *in,
						  __u32 subnet)
{
	__u64 ts_ns = bpf_ktime_get_ns();
	struct workspace *workspace;
	__u32 zero = 0;

	workspace = bpf_map_lookup_elem(&workspaces, &zero);
	if (!workspace)
		return HAVIP_PASS_NOT_HAVIP;
	if (announcement_from_arp(packet, &workspace->said) != PARSED)
		return HAVIP_PASS_TRUNCATED;
	return claim(&workspace->said, in, subnet, ts_ns);
}

static __always_inline enum havip_reason hear_rarp(const struct packet *packet, const struct havip_port *in,
						   __u32 subnet)
{
	__u8 mac[6];

	if (station_from_rarp(packet, mac) != PARSED)
		return HAVIP_PASS_NOT_HAVIP;
	return claim_from_rarp(mac, in, subnet);
}

#endif
