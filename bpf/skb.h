/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A frame that is an skb: reading and writing it, its headers pulled where they lie in fragments, and how many packets of
 * the wire it stands for. */
#ifndef HAVIP_SKB_H
#define HAVIP_SKB_H

#include <linux/in.h>
#include <bpf/bpf_core_read.h>

#include "parse.h"

static __always_inline int frame_load(void *ctx, __u32 at, void *to, __u32 bytes)
{
	return bpf_skb_load_bytes(ctx, at, to, bytes);
}

static __always_inline int frame_store(void *ctx, __u32 at, void *from, __u32 bytes)
{
	return bpf_skb_store_bytes(ctx, at, from, bytes, 0);
}

static __always_inline __u32 frame_bytes(void *ctx)
{
	return ((struct __sk_buff *)ctx)->len;
}

static __always_inline int frame_resize(void *ctx, __u32 from, __u32 to)
{
	return from == to ? 0 : bpf_skb_change_tail(ctx, to, 0);
}

/* Half a checksum, where the device is to do the rest, needs the same. */
static __always_inline int frame_fix_transport(void *ctx, __u32 at, __be32 from, __be32 to, int is_udp)
{
	return bpf_l4_csum_replace(ctx, at, from, to,
				   sizeof(to) | BPF_F_PSEUDO_HDR | (is_udp ? BPF_F_MARK_MANGLED_0 : 0));
}

/* The kernel's own view of an skb, as far as it is asked for here (include/linux/skbuff.h). */
struct sk_buff {
	__u8 cloned : 1;
} __attribute__((preserve_access_index));
extern void *bpf_cast_to_kern_ctx(void *) __ksym __weak; /* Linux 6.2 */

/* Others hold the same bytes too, as TCP does until they are acknowledged; or nobody can tell. */
static __always_inline int is_shared(struct __sk_buff *skb)
{
	struct sk_buff *own;

	if (!bpf_cast_to_kern_ctx)
		return 1;
	own = bpf_cast_to_kern_ctx(skb);
	return BPF_CORE_READ_BITFIELD(own, cloned);
}

static __always_inline enum parsed tc_parse(struct __sk_buff *skb, struct packet *packet)
{
	packet->data = (void *)(long)skb->data;
	packet->end = (void *)(long)skb->data_end;
	packet->outer = 0;
	packet->inner = 0;
	if (skb->vlan_present)
		packet_push_tag(packet, skb->vlan_tci);
	return parse_ethernet(packet);
}

/* Bytes from the frame's start to the end of the header that decides. */
static __always_inline __u32 header_bytes(const struct packet *packet, enum parsed parsed)
{
	__u32 network = packet->network - packet->data;

	if (parsed != PARSED)
		return ETH_HLEN + VLAN_TAGS_MAX * sizeof(struct vlan_tag);
	if (packet->protocol == bpf_htons(ETH_P_IP))
		return network + sizeof(struct iphdr);
	if (packet->protocol == bpf_htons(ETH_P_IPV6))
		return network + sizeof(struct ipv6hdr);
	if (packet->protocol == bpf_htons(ETH_P_ARP) || packet->protocol == bpf_htons(ETH_P_RARP))
		return network + sizeof(struct arp_ipv4);
	return 0;
}

/* The header may be in a fragment; pull it where it is, and no more: TCP's payload must stay where it lies. Non-zero:
 * an attempt was made, and all pointers into the packet are void. */
static __always_inline int tc_pull(struct __sk_buff *skb, const struct packet *packet, enum parsed parsed)
{
	__u32 linear = packet->end - packet->data;
	__u32 wanted = header_bytes(packet, parsed);

	if (linear >= wanted || linear >= skb->len)
		return 0;
	bpf_skb_pull_data(skb, wanted < skb->len ? wanted : skb->len);
	return 1;
}

/* Bytes of headers that each wire segment of a GSO skb repeats; 0 where they cannot be told. */
static __always_inline __u32 gso_header_bytes(const struct packet *packet)
{
	__u32 network = packet->network - packet->data;
	__u8 *cursor = packet->network;
	__u32 transport;
	__u8 protocol;

	if (packet->protocol == bpf_htons(ETH_P_IP)) {
		if ((void *)(cursor + sizeof(struct iphdr)) > packet->end)
			return 0;
		protocol = cursor[9];
		transport = (cursor[0] & 0x0f) * 4;
	} else {
		if ((void *)(cursor + sizeof(struct ipv6hdr)) > packet->end)
			return 0;
		protocol = cursor[6];
		transport = sizeof(struct ipv6hdr);
	}
	if (protocol == IPPROTO_UDP)
		return network + transport + 8;
	cursor += transport;
	if (protocol != IPPROTO_TCP || (void *)(cursor + 20) > packet->end)
		return 0;
	return network + transport + (cursor[12] >> 4) * 4;
}

struct wire {
	__u64 packets;
	__u64 bytes;
	__u32 segment_bytes; /* of the longest one, where they are to be cut yet; without headers that cannot be told */
};

/* What the wire would carry; computed, since a tap's GSO skb does not say its number of segments
 * (include/linux/virtio_net.h). */
static __always_inline struct wire on_the_wire(struct __sk_buff *skb, const struct packet *packet)
{
	struct wire wire = { .packets = 1, .bytes = skb->len };
	__u32 header, size = skb->gso_size;

	if (!size)
		return wire;
	header = gso_header_bytes(packet);
	wire.segment_bytes = header + size;
	if (header && header < skb->len) {
		wire.packets = (skb->len - header + size - 1) / size;
		wire.bytes += (wire.packets - 1) * header;
	}
	return wire;
}

/* As far as its headers; what of them lies in fragments is pulled, twice at most: for the tags, then for what is
 * behind them. */
static __always_inline enum parsed tc_parse_pulled(struct __sk_buff *skb, struct packet *packet)
{
	enum parsed parsed = tc_parse(skb, packet);

	if (likely(parsed == PARSED && packet->network + sizeof(struct ipv6hdr) <= packet->end))
		return parsed;
	if (tc_pull(skb, packet, parsed)) {
		parsed = tc_parse(skb, packet);
		if (tc_pull(skb, packet, parsed))
			parsed = tc_parse(skb, packet);
	}
	return parsed;
}

#endif
