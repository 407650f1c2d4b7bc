/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A frame -> what it says about which address. Judges nothing: claim.h does. */
#ifndef HAVIP_ANNOUNCE_H
#define HAVIP_ANNOUNCE_H

#include "havip.h"
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

#endif
