/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A frame -> what it says about which address. Judges nothing: claim.h does. */
#ifndef HAVIP_ANNOUNCE_H
#define HAVIP_ANNOUNCE_H

#include "havip.h"
#include "message.h"
#include "parse.h"

struct announcement {
	enum havip_claim_kind kind;
	__u8 address[16];
	__u8 mac[6];		       /* sender hardware address: what a binding would point to */
	enum havip_claim_result fault; /* a REFUSED_* of its form, or HAVIP_RESULT_CLAIM: none found */
};

static __always_inline int arp_is_for_ipv4(const struct arp_ipv4 *arp)
{
	return arp->hardware_type == bpf_htons(ARP_HARDWARE_ETHERNET) && arp->protocol_type == bpf_htons(ETH_P_IP) &&
	       arp->hardware_bytes == 6 && arp->protocol_bytes == 4;
}

/* The forms of RFC 826 and RFC 5227. The target hardware address means nothing: zeros, broadcast and the sender's
 * own are all in use. */
static __always_inline enum havip_claim_kind arp_kind(const struct arp_ipv4 *arp, const __u8 *destination)
{
	if (arp->operation == bpf_htons(ARP_OPERATION_REQUEST))
		return arp->sender_ip == arp->target_ip ? HAVIP_CLAIM_ARP_REQUEST : HAVIP_CLAIM_ARP_QUESTION;
	return mac_is_broadcast(destination) ? HAVIP_CLAIM_ARP_REPLY : HAVIP_CLAIM_ARP_ANSWER;
}

static __always_inline enum havip_claim_result arp_fault(const struct arp_ipv4 *arp, const __u8 *source)
{
	int operation = bpf_ntohs(arp->operation);

	if (!arp_is_for_ipv4(arp) || (operation != ARP_OPERATION_REQUEST && operation != ARP_OPERATION_REPLY))
		return HAVIP_RESULT_REFUSED_MALFORMED;
	if (mac_is_group(arp->sender_mac) || mac_is_zero(arp->sender_mac))
		return HAVIP_RESULT_REFUSED_MALFORMED;
	if (!mac_equal(arp->sender_mac, source) && !mac_is_vrrp_ipv4(arp->sender_mac))
		return HAVIP_RESULT_REFUSED_SPOOF;
	return HAVIP_RESULT_CLAIM;
}

/* An ARP frame: about its sender's address, or, for a probe, about its target's. */
static __always_inline enum parsed announcement_from_arp(const struct packet *packet, struct announcement *out)
{
	struct ethhdr *eth = packet->data;
	struct arp_ipv4 *arp = packet->network;

	if ((void *)(arp + 1) > packet->end || (void *)(eth + 1) > packet->end)
		return PARSE_SHORT;
	__builtin_memcpy(out->mac, arp->sender_mac, sizeof(out->mac));
	out->fault = arp_fault(arp, eth->h_source);
	if (!arp->sender_ip) {
		out->kind = HAVIP_CLAIM_ARP_PROBE;
		address_from_ipv4(out->address, arp->target_ip);
	} else {
		out->kind = arp_kind(arp, eth->h_dest);
		address_from_ipv4(out->address, arp->sender_ip);
	}
	return PARSED;
}

/* A neighbour discovery message, behind an IPv6 header that stands at the copy's start. PARSE_SHORT: nothing about an
 * address. The eight bytes behind the message are made zero. */
static __always_inline enum parsed announcement_from_nd(struct scratch *from, __u32 copied, struct upper *up,
							const __u8 *source, struct announcement *out)
{
	__u8 *bytes = from->bytes;
	__u32 at = up->at, end = up->end, option;
	int malformed, whole, to_group = bytes[24] == 0xff;
	const __u8 *message = bytes_at(from, at);

	if (up->protocol != NEXT_ICMPV6 || at > HAVIP_MESSAGE_BYTES - ND_FIXED_BYTES || at + ND_FIXED_BYTES > copied)
		return PARSE_SHORT;
	if (is_mapped_ipv4((const struct in6_addr *)(message + 8)))
		return PARSE_SHORT;
	__builtin_memcpy(out->address, message + 8, sizeof(out->address));
	if (message[0] == ND_SOLICITATION) {
		const __u64 *from = (const __u64 *)(bytes + 8);

		out->kind = HAVIP_CLAIM_ND_PROBE;
		__builtin_memcpy(out->mac, source, sizeof(out->mac));
		return from[0] | from[1] ? PARSE_SHORT : PARSED;
	}
	if (message[0] != ND_ADVERTISEMENT)
		return PARSE_SHORT;

	malformed = end > up->there || end > HAVIP_MESSAGE_BYTES || end < at + ND_FIXED_BYTES;
	if (end > copied)
		end = copied;
	whole = nd_read_options(from, up, at + ND_FIXED_BYTES, end);
	option = up->mac;
	if (option && option <= HAVIP_MESSAGE_BYTES)
		__builtin_memcpy(out->mac, bytes_at(from, option), sizeof(out->mac));
	else
		__builtin_memcpy(out->mac, source, sizeof(out->mac));
	out->kind = to_group && message[4] & ND_FLAG_OVERRIDE && option ? HAVIP_CLAIM_NA : HAVIP_CLAIM_NA_ANSWER;
	__builtin_memset((__u8 *)bytes_at(from, end), 0, 8);
	out->fault = nd_fault(from, up, malformed, whole);
	if (out->fault != HAVIP_RESULT_CLAIM)
		return PARSED;
	if (mac_is_group(out->mac) || mac_is_zero(out->mac))
		out->fault = HAVIP_RESULT_REFUSED_MALFORMED;
	else if (!mac_equal(out->mac, source) && !mac_is_vrrp_ipv6(out->mac))
		out->fault = HAVIP_RESULT_REFUSED_SPOOF;
	return PARSED;
}

/* A station says where it is. PARSE_SHORT: not of that form. */
static __always_inline enum parsed station_from_rarp(const struct packet *packet, __u8 *mac)
{
	struct ethhdr *eth = packet->data;
	struct arp_ipv4 *rarp = packet->network;

	if ((void *)(rarp + 1) > packet->end || (void *)(eth + 1) > packet->end)
		return PARSE_SHORT;
	if (!arp_is_for_ipv4(rarp) || (rarp->operation != bpf_htons(RARP_OPERATION_REQUEST) &&
				       rarp->operation != bpf_htons(RARP_OPERATION_REPLY)))
		return PARSE_SHORT;
	if (!mac_equal(rarp->sender_mac, rarp->target_mac) || !mac_equal(rarp->sender_mac, eth->h_source) ||
	    mac_is_group(rarp->sender_mac) || mac_is_zero(rarp->sender_mac))
		return PARSE_SHORT;
	__builtin_memcpy(mac, rarp->sender_mac, 6);
	return PARSED;
}

#endif
