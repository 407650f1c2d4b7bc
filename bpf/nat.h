/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* An IPv4 packet's addresses, read and replaced: checksums by their difference (RFC 1624), and in an ICMP error the
 * packet that it quotes too (RFC 5508 section 4.2). Knows no map and no policy. */
#ifndef HAVIP_NAT_H
#define HAVIP_NAT_H

#include <linux/in.h>

#include "parse.h"

/* Each entry's own. The packet's bytes from `at` on, whether linear or not; 0: they are there, or written. */
static __always_inline int frame_load(void *ctx, __u32 at, void *to, __u32 bytes);
static __always_inline int frame_store(void *ctx, __u32 at, void *from, __u32 bytes);
/* A transport's checksum at `at`, with one address of its pseudo header replaced. */
static __always_inline int frame_fix_transport(void *ctx, __u32 at, __be32 from, __be32 to, int is_udp);

#define IPV4_DONT_FRAGMENT 0x4000
#define IPV4_MORE_FRAGMENTS 0x2000
#define IPV4_OFFSET_MASK 0x1fff

#define ICMP_ECHO_REPLY 0
#define ICMP_UNREACHABLE 3
#define ICMP_SOURCE_QUENCH 4
#define ICMP_REDIRECT 5
#define ICMP_ECHO_REQUEST 8
#define ICMP_TIME_EXCEEDED 11
#define ICMP_PARAMETER_PROBLEM 12
#define ICMP_HEADER_BYTES 8

#define PROTOCOL_DCCP 33
#define PROTOCOL_UDPLITE 136

/* An IPv4 packet and where its upper layer begins in the frame. */
struct ipv4_at {
	struct iphdr ip;
	__u32 at;
	__u32 upper;
	__be16 ports[2]; /* source, destination; of an ICMP query its identifier, twice */
	__u32 first;	 /* its upper layer's header is here, and not in an earlier fragment */
};

struct nat {
	__u32 error; /* an ICMP error, which quotes */
	struct ipv4_at outer;
	struct ipv4_at quoted;
};

static __always_inline int is_icmp_error(__u8 type)
{
	return type == ICMP_UNREACHABLE || type == ICMP_SOURCE_QUENCH || type == ICMP_REDIRECT ||
	       type == ICMP_TIME_EXCEEDED || type == ICMP_PARAMETER_PROBLEM;
}

/* Where the transport's checksum is, from its header's start; 0: it has none over addresses. */
static __always_inline __u32 checksum_offset(__u8 protocol)
{
	if (protocol == IPPROTO_TCP)
		return 16;
	return protocol == IPPROTO_UDP || protocol == PROTOCOL_UDPLITE || protocol == PROTOCOL_DCCP ? 6 : 0;
}

/* @end Where the bytes that may be read end. */
static __noinline enum parsed read_ipv4(void *ctx, __u32 at, __u32 end, struct ipv4_at *to)
{
	__u32 header, length;

	if (frame_load(ctx, at, &to->ip, sizeof(to->ip)))
		return PARSE_SHORT;
	header = to->ip.ihl * 4;
	length = bpf_ntohs(to->ip.tot_len);
	if (to->ip.version != 4 || header < sizeof(to->ip) || length < header || at + header > end)
		return PARSE_SHORT;
	to->at = at;
	to->upper = at + header;
	to->first = !(to->ip.frag_off & bpf_htons(IPV4_OFFSET_MASK));
	to->ports[0] = to->ports[1] = 0;
	return PARSED;
}

/* The header behind, as far as translating needs it. */
static __noinline enum parsed read_upper(void *ctx, __u32 end, struct ipv4_at *packet, __u32 *icmp_type)
{
	__u8 protocol = packet->ip.protocol;
	struct {
		__u8 type, code;
		__be16 checksum, id, sequence;
	} icmp;

	*icmp_type = ICMP_ECHO_REQUEST;
	if (!packet->first)
		return PARSED;
	if (protocol == IPPROTO_ICMP) {
		if (packet->upper + sizeof(icmp) > end || frame_load(ctx, packet->upper, &icmp, sizeof(icmp)))
			return PARSE_SHORT;
		packet->ports[0] = packet->ports[1] = icmp.id;
		*icmp_type = icmp.type;
		return PARSED;
	}
	if (protocol != IPPROTO_TCP && !checksum_offset(protocol))
		return PARSED;
	/* A quoted packet brings eight bytes at least (RFC 792): the ports, and UDP's checksum. */
	if (packet->upper + 8 > end || frame_load(ctx, packet->upper, packet->ports, sizeof(packet->ports)))
		return PARSE_SHORT;
	return PARSED;
}

/* @at Of the IPv4 header. */
VERIFIED_ALONE int nat_read(FRAME *ctx, __u32 at, __u32 bytes, struct nat *nat)
{
	struct ipv4_at *outer, *quoted;
	__u32 type, end, offset;

	if (!nat)
		return PARSE_SHORT;
	outer = &nat->outer;
	quoted = &nat->quoted;
	nat->error = 0;
	if (read_ipv4(ctx, at, bytes, outer) != PARSED)
		return PARSE_SHORT;
	end = at + bpf_ntohs(outer->ip.tot_len);
	if (end > bytes || read_upper(ctx, end, outer, &type) != PARSED)
		return PARSE_SHORT;
	offset = checksum_offset(outer->ip.protocol);
	if (outer->first && offset && offset + 2 > end - outer->upper)
		return PARSE_SHORT;
	if (outer->ip.protocol != IPPROTO_ICMP || !is_icmp_error(type))
		return PARSED;
	nat->error = 1;
	if (read_ipv4(ctx, outer->upper + ICMP_HEADER_BYTES, end, quoted) != PARSED)
		return PARSE_SHORT;
	return quoted->upper + 8 > end ? PARSE_SHORT : read_upper(ctx, end, quoted, &type);
}

static __always_inline __u16 sum_fold(__u32 sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	return sum + (sum >> 16);
}

/* RFC 1624, equation 3. */
static __always_inline __sum16 checksum_replace(__sum16 check, __be32 from, __be32 to)
{
	__u32 sum = (__u16)~check;

	sum += (__u16)~from + (__u16)(~from >> 16);
	sum += (to & 0xffff) + (to >> 16);
	return ~sum_fold(sum);
}

static __always_inline __sum16 checksum_replace_word(__sum16 check, __be16 from, __be16 to)
{
	return ~sum_fold((__u32)(__u16)~check + (__u16)~from + to);
}

/* UDP's zero means that there is none, so that a sum which comes to zero is written as its other self (RFC 768). */
static __always_inline __sum16 transport_replace(__sum16 check, __be32 from, __be32 to, int is_udp)
{
	if (is_udp && !check)
		return 0;
	check = checksum_replace(check, from, to);
	return is_udp && !check ? 0xffff : check;
}

static __always_inline int replace_address(struct iphdr *ip, int is_source, __be32 to)
{
	__be32 from = is_source ? ip->saddr : ip->daddr;

	ip->check = checksum_replace(ip->check, from, to);
	if (is_source)
		ip->saddr = to;
	else
		ip->daddr = to;
	return 0;
}

/* What an ICMP error quotes. Its IPv4 header's sum stays what it was, and so does the ICMP checksum over it; the
 * transport's checksum, where it is quoted at all, changes that too. */
static __noinline int quoted_replace(void *ctx, struct nat *nat, int is_source, __be32 to)
{
	struct ipv4_at *quoted = &nat->quoted;
	__be32 from = is_source ? quoted->ip.saddr : quoted->ip.daddr;
	__u32 offset = checksum_offset(quoted->ip.protocol), at = quoted->upper + offset;
	__u32 icmp_at = nat->outer.upper + 2;
	__sum16 before, after, icmp;

	replace_address(&quoted->ip, is_source, to);
	if (frame_store(ctx, quoted->at, &quoted->ip, sizeof(quoted->ip)))
		return -1;
	if (!offset || !quoted->first || at + 2 > nat->outer.at + bpf_ntohs(nat->outer.ip.tot_len))
		return 0;
	if (frame_load(ctx, at, &before, sizeof(before)) || frame_load(ctx, icmp_at, &icmp, sizeof(icmp)))
		return -1;
	after = transport_replace(before, from, to, quoted->ip.protocol == IPPROTO_UDP);
	icmp = checksum_replace_word(icmp, before, after);
	return frame_store(ctx, at, &after, sizeof(after)) || frame_store(ctx, icmp_at, &icmp, sizeof(icmp));
}

/* One address, its transport's checksum with it; the IPv4 header is stored by nat_finish. */
static __noinline int nat_replace(void *ctx, struct nat *nat, int is_source, __be32 to)
{
	struct ipv4_at *outer = &nat->outer;
	__be32 from = is_source ? outer->ip.saddr : outer->ip.daddr;
	__u32 offset = checksum_offset(outer->ip.protocol);

	replace_address(&outer->ip, is_source, to);
	if (!offset || !outer->first)
		return 0;
	return frame_fix_transport(ctx, outer->upper + offset, from, to, outer->ip.protocol == IPPROTO_UDP);
}

static __always_inline int nat_finish(void *ctx, struct nat *nat, __u32 hops)
{
	if (hops) {
		nat->outer.ip.ttl--;
		nat->outer.ip.check = checksum_after_hop(nat->outer.ip.check);
	}
	return frame_store(ctx, nat->outer.at, &nat->outer.ip, sizeof(nat->outer.ip));
}

#endif
