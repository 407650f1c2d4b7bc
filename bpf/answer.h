/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A question about a HAVIP -> its answer on behalf of the holder, in the question's place (`arp: proxy`). Probes, DAD
 * and announcements are no questions, and nobody answers for a HAVIP that nobody holds. */
#ifndef HAVIP_ANSWER_H
#define HAVIP_ANSWER_H

#include "claim.h"

/* Each entry's own. The packet's bytes from `at` on, whether linear or not; 0: they are there, or written. */
static __always_inline int frame_load(void *ctx, __u32 at, void *to, __u32 bytes);
static __always_inline int frame_store(void *ctx, __u32 at, void *from, __u32 bytes);
/* The whole frame, also what is not linear. */
static __always_inline __u32 frame_bytes(void *ctx);
/* 0: the frame has so many bytes now. */
static __always_inline int frame_resize(void *ctx, __u32 from, __u32 to);
/* Whether this entry can send a frame out of the port that it came in by. */
static __always_inline int can_send_back(const struct havip_target *own);

#define NA_BYTES (ND_FIXED_BYTES + ND_OPTION_UNIT)

/* The MAC to answer with. 0: it is not answered here: by the holder itself, or by the host that has it. */
static __noinline int answer_with(const struct havip_key *key, const struct havip_port *in, __u8 *mac)
{
	struct havip_binding *binding = binding_find(key);
	struct havip_target *target, *own;
	struct havip_holder holder;
	struct havip_policy *policy;
	__u32 havip, slot;

	if (!binding)
		return 0;
	havip = binding->havip;
	policy = bpf_map_lookup_elem(&havips, &havip);
	if (!policy || !(policy->flags & HAVIP_ARP_PROXY))
		return 0;
	holder = holder_unpack(holder_word(&binding->holder));
	slot = holder.port;
	if (!slot || slot == in->slot)
		return 0;
	target = bpf_map_lookup_elem(&targets, &slot);
	slot = in->slot;
	own = bpf_map_lookup_elem(&targets, &slot);
	if (!target || !target->ifindex || !own || !can_send_back(own))
		return 0;
	if (in->kind == HAVIP_UPLINK && target->kind == HAVIP_UPLINK)
		return 0;
	if (mac_is_zero(policy->service_mac))
		__builtin_memcpy(mac, holder.mac, sizeof(holder.mac));
	else
		__builtin_memcpy(mac, policy->service_mac, sizeof(policy->service_mac));
	return 1;
}

/* Ethernet addresses: back to who asked, from the one that is spoken for. */
static __always_inline int store_macs(void *ctx, struct workspace *workspace, const __u8 *to, const __u8 *from)
{
	__builtin_memcpy(workspace->macs.destination, to, sizeof(workspace->macs.destination));
	__builtin_memcpy(workspace->macs.source, from, sizeof(workspace->macs.source));
	return frame_store(ctx, 0, &workspace->macs, sizeof(workspace->macs));
}

/* An ARP request. @at Where it begins in the frame. `otherwise`: it is none that is answered here. */
static __noinline enum havip_reason answer_arp(void *ctx, __u32 at, const struct havip_port *in, __u32 subnet,
					     enum havip_reason otherwise)
{
	struct havip_key key = { .subnet = subnet };
	__u32 zero = 0;
	struct workspace *workspace = bpf_map_lookup_elem(&workspaces, &zero);
	struct arp_ipv4 *arp;
	__be32 asker;
	__u8 mac[6];

	if (!workspace)
		return otherwise;
	arp = &workspace->arp;
	if (frame_load(ctx, at, arp, sizeof(*arp)) || frame_load(ctx, 0, &workspace->macs, sizeof(workspace->macs)))
		return otherwise;
	if (!arp_is_for_ipv4(arp) || arp->operation != bpf_htons(ARP_OPERATION_REQUEST))
		return otherwise;
	asker = arp->sender_ip;
	if (!asker || asker == arp->target_ip || mac_is_group(workspace->macs.source))
		return otherwise;
	address_from_ipv4(key.address, arp->target_ip);
	if (!answer_with(&key, in, mac))
		return otherwise;
	arp->operation = bpf_htons(ARP_OPERATION_REPLY);
	__builtin_memcpy(arp->target_mac, arp->sender_mac, sizeof(arp->target_mac));
	__builtin_memcpy(arp->sender_mac, mac, sizeof(arp->sender_mac));
	arp->sender_ip = arp->target_ip;
	arp->target_ip = asker;
	if (frame_store(ctx, at, arp, sizeof(*arp)))
		return HAVIP_PASS_NOT_WRITABLE;
	__builtin_memcpy(workspace->said.mac, workspace->macs.source, sizeof(workspace->said.mac));
	return store_macs(ctx, workspace, workspace->said.mac, mac) ? HAVIP_PASS_NOT_WRITABLE : HAVIP_REDIRECT_ANSWER;
}

/* A neighbour solicitation (RFC 4861 section 4.3), read into the workspace. PASS_NOT_HAVIP: it is not answered here. */
static __noinline enum havip_reason answer_nd(void *ctx, struct workspace *workspace, const struct havip_port *in,
					      __u32 subnet)
{
	__u8 *bytes = workspace->message.bytes, *message = bytes + IPV6_HEADER_BYTES;
	struct havip_key key = { .subnet = subnet };
	const struct upper *up = &workspace->upper;
	__u32 at = workspace->packet.at;
	__u64 *asker = (__u64 *)(bytes + 8);
	__u16 checksum;
	__u8 mac[6];

	if (up->at != IPV6_HEADER_BYTES || message[0] != ND_SOLICITATION || !(asker[0] | asker[1]))
		return HAVIP_PASS_NOT_HAVIP;
	if (up->end < up->at + ND_FIXED_BYTES || up->end > up->there || up->end > HAVIP_MESSAGE_BYTES)
		return HAVIP_PASS_NOT_HAVIP;
	__builtin_memcpy(key.address, message + 8, sizeof(key.address));
	if (is_mapped_ipv4((const struct in6_addr *)key.address) || mac_is_group(workspace->packet.source))
		return HAVIP_PASS_NOT_HAVIP;
	if (!answer_with(&key, in, mac))
		return HAVIP_PASS_NOT_HAVIP;
	__builtin_memset((__u8 *)bytes_at(&workspace->message, up->end), 0, 8);
	if (nd_fault(&workspace->message, up, 0, 1) != HAVIP_RESULT_CLAIM)
		return HAVIP_PASS_NOT_HAVIP;

	bytes[4] = 0;
	bytes[5] = NA_BYTES;
	__builtin_memcpy(bytes + 24, bytes + 8, 16);
	__builtin_memcpy(bytes + 8, key.address, 16);
	message[0] = ND_ADVERTISEMENT;
	message[2] = message[3] = 0;
	message[4] = ND_FLAG_SOLICITED | ND_FLAG_OVERRIDE;
	message[5] = message[6] = message[7] = 0;
	message[ND_FIXED_BYTES] = ND_OPTION_TARGET_MAC;
	message[ND_FIXED_BYTES + 1] = 1;
	__builtin_memcpy(message + ND_FIXED_BYTES + 2, mac, sizeof(mac));
	checksum = ~icmpv6_sum(&workspace->message, IPV6_HEADER_BYTES, IPV6_HEADER_BYTES + NA_BYTES);
	__builtin_memcpy(message + 2, &checksum, sizeof(checksum));

	if (frame_resize(ctx, at + up->there, at + IPV6_HEADER_BYTES + NA_BYTES))
		return HAVIP_PASS_NOT_WRITABLE;
	if (frame_store(ctx, at, bytes, IPV6_HEADER_BYTES + NA_BYTES))
		return HAVIP_PASS_NOT_WRITABLE;
	return store_macs(ctx, workspace, workspace->packet.source, mac) ? HAVIP_PASS_NOT_WRITABLE :
									   HAVIP_REDIRECT_ANSWER;
}

#endif
