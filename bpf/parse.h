/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Bounds-checked cursors over a frame: Ethernet, up to two VLAN tags, ARP, IPv4, IPv6. Knows no map and no policy. */
#ifndef HAVIP_PARSE_H
#define HAVIP_PARSE_H

#include <linux/types.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

/* Most packets of a busy host are plain ones, to a HAVIP that somebody holds: registers and fall-through are theirs. */
#define likely(CONDITION) __builtin_expect(!!(CONDITION), 1)
#define unlikely(CONDITION) __builtin_expect(!!(CONDITION), 0)

/* What such a way begins with: a value that the compiler would else prepare before it asks, on everybody's way. */
#define SELDOM(VALUE)                                                                                              \
	({                                                                                                         \
		__u32 seldom = VALUE;                                                                              \
		asm volatile("" : "+r"(seldom));                                                                   \
		seldom;                                                                                            \
	})

/* A function of its own to the verifier too, which so walks it once, and not for every way there; weak, so that the compiler
 * as well knows nothing of its answer where it is called. Those that read a frame, as each entry does in its own way, take
 * the entry's FRAME. */
#define VERIFIED_ALONE __weak __noinline

#define VLAN_ID_MASK 0x0fff
#define VLAN_TAGS_MAX 2

/* linux/if_arp.h reaches into libc, which a BPF target has not; RFC 826 is short enough. */
struct arp_ipv4 {
	__be16 hardware_type;
	__be16 protocol_type;
	__u8 hardware_bytes;
	__u8 protocol_bytes;
	__be16 operation;
	__u8 sender_mac[6];
	__be32 sender_ip;
	__u8 target_mac[6];
	__be32 target_ip;
} __attribute__((packed));

#define ARP_HARDWARE_ETHERNET 1
#define ARP_OPERATION_REQUEST 1
#define ARP_OPERATION_REPLY 2
#define RARP_OPERATION_REQUEST 3
#define RARP_OPERATION_REPLY 4

struct vlan_tag {
	__be16 control;
	__be16 protocol;
};

/* A frame as far as it has been read. Pointers are into the packet and die with any helper that may move it. */
struct packet {
	void *data;
	void *end;
	__u16 outer;	 /* VLAN ids in host order; 0: none, priority tags included */
	__u16 inner;
	__be16 protocol; /* ethertype behind the tags */
	void *network;	 /* what follows them */
};

enum parsed {
	PARSED,
	PARSE_SHORT,	/* not enough linear bytes for the headers */
	PARSE_TOO_DEEP, /* more tags than any subnet of ours can have */
};

static __always_inline int is_vlan(__be16 protocol)
{
	return protocol == bpf_htons(ETH_P_8021Q) || protocol == bpf_htons(ETH_P_8021AD);
}

/* A tag with id 0 carries a priority only, and belongs to no VLAN (IEEE 802.1Q clause 9.6). */
static __always_inline enum parsed packet_push_tag(struct packet *packet, __u16 control)
{
	__u16 id = control & VLAN_ID_MASK;

	if (!id)
		return PARSED;
	if (packet->inner)
		return PARSE_TOO_DEEP;
	if (packet->outer)
		packet->inner = id;
	else
		packet->outer = id;
	return PARSED;
}

/* Ethernet and the tags in the frame; a tag that the NIC or the kernel took off was pushed by the caller. */
static __always_inline enum parsed parse_ethernet(struct packet *packet)
{
	struct ethhdr *eth = packet->data;
	struct vlan_tag *tag = (void *)(eth + 1);
	__be16 protocol;

	if (unlikely((void *)(eth + 1) > packet->end))
		return SELDOM(PARSE_SHORT);
	protocol = ((const __be16 *)packet->data)[ETH_ALEN]; /* h_proto, which is packed: byte by byte otherwise */
#pragma unroll
	for (int i = 0; i < VLAN_TAGS_MAX; i++) {
		if (likely(!is_vlan(protocol)))
			break;
		if ((void *)(tag + 1) > packet->end)
			return PARSE_SHORT;
		if (packet_push_tag(packet, bpf_ntohs(tag->control)) != PARSED)
			return PARSE_TOO_DEEP;
		protocol = tag->protocol;
		tag++;
	}
	if (unlikely(is_vlan(protocol)))
		return PARSE_TOO_DEEP;
	packet->protocol = protocol;
	packet->network = tag;
	return PARSED;
}

/* Of an IPv4 or IPv6 packet: the header as far as every packet has it. */
static __always_inline int has_ip_header(const struct packet *packet)
{
	if (likely(packet->protocol == bpf_htons(ETH_P_IP)))
		return packet->network + sizeof(struct iphdr) <= packet->end;
	return packet->network + sizeof(struct ipv6hdr) <= packet->end;
}

static __always_inline void address_from_ipv4(__u8 *address, __be32 ipv4)
{
	__builtin_memset(address, 0, 10);
	__builtin_memset(address + 10, 0xff, 2);
	__builtin_memcpy(address + 12, &ipv4, 4);
}

/* ::ffff:a.b.c.d is no address on the wire (RFC 4291 section 2.5.5.2), yet an IPv4 HAVIP's key looks like it. */
static __always_inline int is_mapped_ipv4(const struct in6_addr *address)
{
	const __be32 *word = address->in6_u.u6_addr32;

	return !(word[0] | word[1] | (word[2] ^ bpf_htonl(0xffff)));
}

/* An address of the header as a key's 16 bytes; all zeros, which no HAVIP is, for one that nobody can have. */
static __always_inline enum parsed parse_address(const struct packet *packet, __u8 *address, int is_source)
{
	if (packet->protocol == bpf_htons(ETH_P_IP)) {
		struct iphdr *ip = packet->network;

		if ((void *)(ip + 1) > packet->end)
			return PARSE_SHORT;
		address_from_ipv4(address, is_source ? ip->saddr : ip->daddr);
	} else {
		struct ipv6hdr *ip6 = packet->network;
		struct in6_addr *found = is_source ? &ip6->saddr : &ip6->daddr;

		if ((void *)(ip6 + 1) > packet->end)
			return PARSE_SHORT;
		if (is_mapped_ipv4(found))
			__builtin_memset(address, 0, 16);
		else
			__builtin_memcpy(address, found, 16);
	}
	return PARSED;
}

/* TTL or hop limit; 0 where the header is not there. */
static __always_inline __u8 packet_ttl(const struct packet *packet)
{
	__u8 *header = packet->network;

	if (packet->protocol == bpf_htons(ETH_P_IP))
		return (void *)(header + sizeof(struct iphdr)) <= packet->end ? header[8] : 0;
	return (void *)(header + sizeof(struct ipv6hdr)) <= packet->end ? header[7] : 0;
}

/* An IPv4 header's checksum once its TTL is one less (RFC 1624; net/ip.h, ip_decrease_ttl). */
static __always_inline __sum16 checksum_after_hop(__sum16 check)
{
	__u32 sum = (__u32)check + bpf_htons(0x0100);

	return (__sum16)(sum + (sum >= 0xffff));
}

static __always_inline int mac_is_group(const __u8 *mac)
{
	return mac[0] & 1;
}

static __always_inline int mac_is_broadcast(const __u8 *mac)
{
	return (mac[0] & mac[1] & mac[2] & mac[3] & mac[4] & mac[5]) == 0xff;
}

static __always_inline int mac_is_zero(const __u8 *mac)
{
	return !(mac[0] | mac[1] | mac[2] | mac[3] | mac[4] | mac[5]);
}

static __always_inline int mac_equal(const __u8 *a, const __u8 *b)
{
	return !((a[0] ^ b[0]) | (a[1] ^ b[1]) | (a[2] ^ b[2]) | (a[3] ^ b[3]) | (a[4] ^ b[4]) | (a[5] ^ b[5]));
}

/* Instead of six bytes two words, where a MAC is at an even place, as those of a frame and of our own structs are. */
static __always_inline void mac_copy(__u8 *to, const __u8 *from)
{
	*(__u32 *)to = *(const __u32 *)from;
	*(__u16 *)(to + 4) = *(const __u16 *)(from + 4);
}

/* 00:00:5e:00:01:xx, which a VRRP master for IPv4 may announce from any station (RFC 9568 section 7.3). */
static __always_inline int mac_is_vrrp_ipv4(const __u8 *mac)
{
	return !mac[0] && !mac[1] && mac[2] == 0x5e && !mac[3] && mac[4] == 1;
}

/* 00:00:5e:00:02:xx, the same for IPv6. */
static __always_inline int mac_is_vrrp_ipv6(const __u8 *mac)
{
	return !mac[0] && !mac[1] && mac[2] == 0x5e && !mac[3] && mac[4] == 2;
}

#endif
