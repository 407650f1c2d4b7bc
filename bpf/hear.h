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

/* No reason: the workspace has what was said. Judging it is the caller's, since stacks add up. */
#define SAID HAVIP_REASON_COUNT
/* An IP packet that says something about an address; PASS_NOT_HAVIP: it does not. */
static __noinline enum havip_reason hear(void *ctx, struct workspace *workspace, const struct havip_port *in,
					 __u32 subnet)
{
	const struct heard_packet *packet = &workspace->packet;
	__u32 there = packet->there, copied = there;
	const __u8 *source = packet->source;
	int ipv6 = packet->ipv6;
	struct heard_advert *advert = &workspace->heard;
	struct scratch *scratch = &workspace->message;
	struct upper up = { .there = there };
	enum parsed parsed;

	if (copied > HAVIP_MESSAGE_BYTES)
		copied = HAVIP_MESSAGE_BYTES;
	asm volatile("" : "+r"(copied));
	if (copied < sizeof(struct iphdr) || copied > HAVIP_MESSAGE_BYTES)
		return HAVIP_PASS_NOT_HAVIP;
	if (frame_load(ctx, packet->at, scratch->bytes, copied))
		return HAVIP_PASS_NOT_HAVIP;
	parsed = ipv6 ? (enum parsed)upper_of_ipv6(scratch, copied, &up) : upper_of_ipv4(scratch->bytes, copied, &up);
	if (parsed != PARSED)
		return HAVIP_PASS_NOT_HAVIP;
	if (up.protocol == PROTOCOL_VRRP) {
		if (advert_read(scratch->bytes, copied, &up, &advert->advert) != PARSED)
			return HAVIP_PASS_NOT_HAVIP;
		__builtin_memcpy(&advert->in, in, sizeof(advert->in));
		advert->key.subnet = subnet;
		*(__u64 *)&advert->by = holder_pack(source, in->slot);
		return observe_advert(scratch, advert) ? HAVIP_PASS_ADVERT : HAVIP_PASS_NOT_HAVIP;
	}
	if (!ipv6)
		return HAVIP_PASS_NOT_HAVIP;
	if (announcement_from_nd(scratch, copied, &up, source, &workspace->said) == PARSED)
		return SAID;
	if (up.protocol != NEXT_ICMPV6 || copied < IPV6_HEADER_BYTES + ND_FIXED_BYTES)
		return HAVIP_PASS_NOT_HAVIP;
	return answer_nd(ctx, workspace, &up, in, subnet);
}

static __always_inline enum havip_reason hear_packet(void *ctx, const struct packet *packet,
						     const struct havip_port *in, __u32 subnet)
{
	struct ethhdr *eth = packet->data;
	__u64 ts_ns = bpf_ktime_get_ns();
	struct workspace *workspace;
	enum havip_reason reason;
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
	reason = hear(ctx, workspace, in, subnet);
	if (reason != SAID)
		return reason;
	return claim(&workspace->said, in, subnet, ts_ns);
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
