/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What stands behind an IP header, read from a copy that begins with it: IPv6 extension headers, neighbour discovery,
 * VRRP. Plain C over bytes and lengths; knows no map and no helper, so that it also runs under a fuzzer. */
#ifndef HAVIP_MESSAGE_H
#define HAVIP_MESSAGE_H

#include "havip.h"
#include "parse.h"

#define NEXT_HOP_BY_HOP 0
#define NEXT_ROUTING 43
#define NEXT_FRAGMENT 44
#define NEXT_ICMPV6 58
#define NEXT_DESTINATION 60
#define PROTOCOL_VRRP 112

#define IPV6_HEADER_BYTES 40
#define IPV6_EXTENSIONS_MAX 8
#define HOP_LIMIT_ON_LINK 255

#define ND_SOLICITATION 135
#define ND_ADVERTISEMENT 136
#define ND_FIXED_BYTES 24
#define ND_FLAG_SOLICITED 0x40
#define ND_FLAG_OVERRIDE 0x20
#define ND_OPTION_TARGET_MAC 2
#define ND_OPTION_UNIT 8

#define VRRP_TYPE_ADVERT 1
#define VRRP_FIXED_BYTES 8

#define SCRATCH_OFFSETS 2048

/* A message that is read byte by byte: a copy, since half of it may lie in fragments. Longer than the largest offset,
 * so that a wide read there stays inside. */
struct scratch {
	__u8 bytes[SCRATCH_OFFSETS + 64];
};

/* Any offset is inside, and without a branch, which would double the verifier's ways through a loop. */
static __always_inline const __u8 *bytes_at(const struct scratch *from, __u32 at)
{
	at &= SCRATCH_OFFSETS - 1;
	asm volatile("" : "+r"(at));
	return from->bytes + at;
}

/* Offsets are from the start of the IP header. */
struct upper {
	__u32 at;	/* the upper layer's header */
	__u32 end;	/* of the IP payload, as its header says; may lie past what is there */
	__u32 there;	/* bytes of the frame from the IP header on */
	__u32 mac;	/* an advertisement's first target link-layer address; 0: it has none */
	__u8 protocol;
	__u8 hop_limit;
	__u8 fragmented;
	__u8 version; /* 4 or 6 */
};

static __always_inline __u32 read_u16(const __u8 *bytes)
{
	return bytes[0] << 8 | bytes[1];
}

static __always_inline int is_extension(__u8 header)
{
	return header == NEXT_HOP_BY_HOP || header == NEXT_DESTINATION || header == NEXT_ROUTING ||
	       header == NEXT_FRAGMENT;
}

/* Walks to the upper layer's header. PARSE_SHORT: it cannot be read, and the packet is data. */
VERIFIED_ALONE int upper_of_ipv6(const struct scratch *from, __u32 copied, struct upper *up)
{
	const __u8 *bytes;

	if (!from || !up || copied < IPV6_HEADER_BYTES)
		return PARSE_SHORT;
	bytes = from->bytes;
	up->version = 6;
	up->protocol = bytes[6];
	up->hop_limit = bytes[7];
	up->end = IPV6_HEADER_BYTES + read_u16(bytes + 4);
	up->at = IPV6_HEADER_BYTES;
	up->fragmented = 0;
	for (int i = 0; i < IPV6_EXTENSIONS_MAX; i++) {
		__u32 at = up->at;

		if (!is_extension(up->protocol))
			return PARSED;
		if (at > HAVIP_MESSAGE_BYTES - 8 || at + 8 > copied)
			return PARSE_SHORT;
		if (up->protocol == NEXT_FRAGMENT) {
			if (read_u16(bytes + at + 2) >> 3)
				return PARSE_SHORT;
			up->fragmented = 1;
			up->at = at + 8;
		} else {
			up->at = at + (bytes[at + 1] + 1) * 8;
		}
		up->protocol = bytes[at];
	}
	return is_extension(up->protocol) ? PARSE_SHORT : PARSED;
}

static __always_inline enum parsed upper_of_ipv4(const __u8 *bytes, __u32 copied, struct upper *up)
{
	if (copied < sizeof(struct iphdr))
		return PARSE_SHORT;
	up->version = 4;
	up->protocol = bytes[9];
	up->hop_limit = bytes[8];
	up->at = (bytes[0] & 0x0f) * 4;
	up->end = read_u16(bytes + 2);
	up->fragmented = (read_u16(bytes + 6) & 0x3fff) != 0;
	return up->at < sizeof(struct iphdr) ? PARSE_SHORT : PARSED;
}

/* --- neighbour discovery (RFC 4861) ---------------------------------------------------------------------------- */

/* Notes the first target link-layer address. Non-zero: all options up to `stop` are whole. What is found stays in memory:
 * in a register, the verifier would walk the rest anew for each option that it may have been. */
VERIFIED_ALONE int nd_read_options(const struct scratch *from, struct upper *up, __u32 at, __u32 stop)
{
	if (!from || !up)
		return 0;
	up->mac = 0;
	for (int i = 0; i < HAVIP_MESSAGE_BYTES / ND_OPTION_UNIT; i++) {
		const __u8 *option;
		__u32 units;

		if (at >= stop)
			return 1;
		if (at > HAVIP_MESSAGE_BYTES - ND_OPTION_UNIT || at + ND_OPTION_UNIT > stop)
			break;
		option = bytes_at(from, at);
		units = option[1];
		if (!units || at + units * ND_OPTION_UNIT > stop)
			break;
		if (option[0] == ND_OPTION_TARGET_MAC) {
			if (units != 1)
				break;
			if (!up->mac)
				up->mac = at + 2;
		}
		at += units * ND_OPTION_UNIT;
	}
	return 0;
}

/* RFC 4443 section 2.3, in the order of memory: over a pseudo header and the message, zero bytes behind `end` making up
 * the last words. */
VERIFIED_ALONE int icmpv6_sum(const struct scratch *from, __u32 at, __u32 end)
{
	__u64 sum = bpf_htonl(end - at) + (__u64)bpf_htonl(NEXT_ICMPV6);
	const __u32 *addresses;

	if (!from)
		return 0;
	addresses = (const __u32 *)(from->bytes + 8);
	for (int i = 0; i < 8; i++)
		sum += addresses[i];
	for (int i = 0; i < HAVIP_MESSAGE_BYTES / 8; i++) {
		const __u32 *words;

		if (at >= end || at > HAVIP_MESSAGE_BYTES - 8)
			break;
		words = (const __u32 *)bytes_at(from, at);
		sum += words[0];
		sum += words[1];
		at += 8;
	}
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

/* The first rule that a neighbour advertisement breaks (RFC 4861 section 7.1.2, RFC 6980). */
static __always_inline enum havip_claim_result nd_fault(const struct scratch *from, const struct upper *up, int malformed,
							int whole)
{
	const __u8 *message = bytes_at(from, up->at);

	if (malformed)
		return HAVIP_RESULT_REFUSED_MALFORMED;
	if (up->fragmented)
		return HAVIP_RESULT_REFUSED_FRAGMENT;
	if (up->hop_limit != HOP_LIMIT_ON_LINK)
		return HAVIP_RESULT_REFUSED_HOP_LIMIT;
	if (icmpv6_sum(from, up->at, up->end) != 0xffff)
		return HAVIP_RESULT_REFUSED_CHECKSUM;
	if (message[1])
		return HAVIP_RESULT_REFUSED_CODE;
	if (message[4] & ND_FLAG_SOLICITED && from->bytes[24] == 0xff)
		return HAVIP_RESULT_REFUSED_SOLICITED;
	return whole ? HAVIP_RESULT_CLAIM : HAVIP_RESULT_REFUSED_OPTION;
}

/* --- VRRP (RFC 3768, RFC 5798, RFC 9568) ------------------------------------------------------------------------ */

struct advert {
	__u32 addresses; /* offset of the first */
	__u32 stop;	 /* where the addresses end at the latest */
	__u32 count;
	__u32 interval_cs;
	__u8 version;
	__u8 vrid;
	__u8 priority;
	__u8 address_bytes;
};

/* The checksum is not looked at: the dialects of version 3 over IPv4 differ in it. */
static __always_inline enum parsed advert_read(const __u8 *bytes, __u32 copied, const struct upper *up,
					       struct advert *out)
{
	__u32 at = up->at;
	const __u8 *vrrp;

	if (up->fragmented || up->hop_limit != HOP_LIMIT_ON_LINK || up->end > up->there)
		return PARSE_SHORT;
	if (at > HAVIP_MESSAGE_BYTES - VRRP_FIXED_BYTES || at + VRRP_FIXED_BYTES > copied ||
	    at + VRRP_FIXED_BYTES > up->end)
		return PARSE_SHORT;
	vrrp = bytes + at;
	out->version = vrrp[0] >> 4;
	if ((vrrp[0] & 0x0f) != VRRP_TYPE_ADVERT)
		return PARSE_SHORT;
	if (out->version != 3 && !(out->version == 2 && up->version == 4))
		return PARSE_SHORT;
	out->vrid = vrrp[1];
	out->priority = vrrp[2];
	out->count = vrrp[3];
	out->interval_cs = out->version == 2 ? vrrp[5] * 100 : (read_u16(vrrp + 4) & 0x0fff);
	out->address_bytes = up->version == 4 ? 4 : 16;
	out->addresses = at + VRRP_FIXED_BYTES;
	out->stop = up->end < copied ? up->end : copied;
	return PARSED;
}

#endif
