/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The binding table: (subnet, address) -> who holds it. The one place that knows how it is laid out, but for command.bpf.c,
 * which gives HAVIPs their words; its twin in the loader is src/control/bindings.ts.
 *
 * `bindings` is the truth: all that announcements, commands and people ask. Packets are steered by a copy of the holders
 * alone, since a hash map costs each of them a call and two cold lines more: in `steering` one cache line has a HAVIP's
 * index and its holder. Whatever does not fit its bucket there is looked up in `bindings` after all. */
#ifndef HAVIP_TABLE_H
#define HAVIP_TABLE_H

#include "maps.h"

/* A hash and no array: an update through bpf(2) replaces the element, where an array's is copied over piece by
 * piece under the readers. */
HAVIP_MAP(bindings, BPF_MAP_TYPE_HASH, struct havip_key, struct havip_binding, 1, 0);

/* hash of (subnet, address) -> HAVIPs and their holders. Written by programs alone, a word at a time: holders with the
 * binding, under the HAVIP's lock. Nobody maps it; but a map that could be begins with a page, so that a bucket is one
 * cache line and not two */
HAVIP_MAP(steering, BPF_MAP_TYPE_ARRAY, __u32, struct havip_bucket, 1, BPF_F_MMAPABLE);

#define NO_HAVIP (~0U)
/* In the last word of a bucket that had more than it has room for. */
#define BUCKET_SPILLED (~0ULL)

/* Odd numbers without structure; the first is 2^32 by the golden ratio, which spreads consecutive addresses evenly. */
#define HASH_SPREAD 0x9e3779b1U
#define HASH_SUBNET 0x85ebca6bU
#define HASH_FOLD 0xc2b2ae35U
#define HASH_TAG 0x27d4eb2fU

static __always_inline struct havip_binding *binding_find(const struct havip_key *key)
{
	return bpf_map_lookup_elem(&bindings, key);
}

/* The holder's port and MAC as one word of memory order: two of them are equal exactly if both parts are. */
static __always_inline __u64 holder_word(const struct havip_holder *holder)
{
	return *(const volatile __u64 *)holder;
}

static __always_inline __u64 holder_pack(const __u8 *mac, __u32 port)
{
	struct havip_holder holder = { .port = port };

	__builtin_memcpy(holder.mac, mac, sizeof(holder.mac));
	return holder_word(&holder);
}

/* The same of a MAC in a frame, in two loads: put together on the stack, byte by byte, the word would have to wait for
 * its parts. */
static __always_inline __u64 holder_pack_frame(const __u8 *mac, __u32 port)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	return *(const __u32 *)mac | (__u64)*(const __u16 *)(mac + 4) << 32 | (__u64)port << 48;
#else
	return (__u64)*(const __u32 *)mac << 32 | (__u64)*(const __u16 *)(mac + 4) << 16 | (__u16)port;
#endif
}

/* Whether a frame is to that holder's MAC, in one load of both addresses' beginning. */
static __always_inline int is_frame_to(const void *frame, __u64 holder)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	return !((*(const __u64 *)frame ^ holder) << 16);
#else
	return !((*(const __u64 *)frame ^ holder) >> 16);
#endif
}

static __always_inline struct havip_holder holder_unpack(__u64 word)
{
	return *(struct havip_holder *)&word;
}

static __always_inline struct havip_bucket *bucket_find(__u32 hash)
{
	__u32 at = (__u64)hash * sizes.buckets >> 32;

	return bpf_map_lookup_elem(&steering, &at);
}

/* Where a HAVIP's word is, and what it is but for the index. */
struct cell {
	struct havip_bucket *bucket;
	__u64 wanted;
};

/* @address Host order. The word has it whole, and its subnet. */
static __always_inline struct cell cell_of_ipv4(__u32 subnet, __u32 address)
{
	struct cell cell = { .wanted = (__u64)address << 32 | subnet << HAVIP_INDEX_BITS };

	cell.bucket = bucket_find((address + subnet * HASH_SUBNET) * HASH_SPREAD);
	return cell;
}

/* Of an IPv6 address only a tag is in the word, in subnet 0, which no IPv4 address is in: whoever finds it compares the
 * whole with the HAVIP's own. */
static __always_inline struct cell cell_of_ipv6(__u32 subnet, const __be32 *address)
{
	__u32 hash = subnet * HASH_SUBNET, tag = hash;
	struct cell cell;

#pragma unroll
	for (int i = 0; i < 4; i++) {
		hash = hash * HASH_FOLD + bpf_ntohl(address[i]);
		tag = (tag ^ bpf_ntohl(address[i])) * HASH_TAG;
		tag ^= tag >> 15;
	}
	cell.wanted = (__u64)(tag | 1) << 32;
	cell.bucket = bucket_find(hash * HASH_SPREAD);
	return cell;
}

static __always_inline struct cell cell_of(const struct havip_key *key)
{
	const __be32 *words = (const __be32 *)key->address;

	if (is_mapped_ipv4((const struct in6_addr *)key->address))
		return cell_of_ipv4(key->subnet, bpf_ntohl(words[3]));
	return cell_of_ipv6(key->subnet, words);
}

/* Which HAVIP a packet is to, and who holds that. */
struct found {
	__u64 holder; /* its word */
	__u32 havip;  /* NO_HAVIP: it is to none */
	__u32 length; /* bytes from the IP header on, as that says */
};

/* No two words of a bucket differ in the index alone. */
static __always_inline struct found bucket_match(const struct cell *cell)
{
	const struct havip_bucket *bucket = cell->bucket;
	struct found found = { .havip = NO_HAVIP };

#pragma unroll
	for (int i = 0; i < HAVIP_BUCKET_WORDS; i++) {
		__u64 index = bucket->words[i] ^ cell->wanted;

		if (index < 1 << HAVIP_INDEX_BITS) {
			found.havip = index;
			found.holder = holder_word(&bucket->holders[i]);
			break;
		}
	}
	return found;
}

static __always_inline int bucket_spilled(const struct havip_bucket *bucket)
{
	return unlikely(bucket->words[HAVIP_BUCKET_WORDS - 1] == BUCKET_SPILLED);
}

/* As it is in `bindings`. */
static __noinline void find_spilled(const struct packet *packet, __u32 subnet, struct found *found)
{
	struct havip_key key = { .subnet = subnet };
	struct havip_binding *binding;

	found->havip = NO_HAVIP;
	found->holder = 0;
	if (parse_address(packet, key.address, 0) != PARSED)
		return;
	binding = binding_find(&key);
	if (!binding)
		return;
	found->havip = binding->havip;
	found->holder = holder_word(&binding->holder);
}

static __always_inline int is_key_ipv6(const struct havip_key *key, __u32 subnet, const __be32 *address)
{
	const __be32 *own = (const __be32 *)key->address;

	return !((key->subnet ^ subnet) | (own[0] ^ address[0]) | (own[1] ^ address[1]) | (own[2] ^ address[2]) |
		 (own[3] ^ address[3]));
}

static __always_inline int is_other_ipv6(__u32 havip, __u32 subnet, const __be32 *address)
{
	struct havip_policy *policy = bpf_map_lookup_elem(&havips, &havip);

	return !policy || !is_key_ipv6(&policy->key, subnet, address);
}

/* The HAVIP that a packet of that subnet is to. Its IP header is there. */
static __always_inline void find_havip(const struct packet *packet, __u32 subnet, struct found *found)
{
	struct cell cell;

	if (likely(packet->protocol == bpf_htons(ETH_P_IP))) {
		struct iphdr *ip = packet->network;

		cell = cell_of_ipv4(subnet, bpf_ntohl(ip->daddr));
		if (unlikely(!cell.bucket))
			return;
		*found = bucket_match(&cell);
		found->length = bpf_ntohs(ip->tot_len);
	} else {
		struct ipv6hdr *ip6 = packet->network;
		const __be32 *address = ip6->daddr.in6_u.u6_addr32;

		if (unlikely((void *)(ip6 + 1) > packet->end)) /* never, but the verifier has forgotten */
			return;
		cell = cell_of_ipv6(subnet, address);
		if (unlikely(!cell.bucket))
			return;
		*found = bucket_match(&cell);
		found->length = sizeof(*ip6) + bpf_ntohs(ip6->payload_len);
		if (found->havip != NO_HAVIP && is_other_ipv6(found->havip, subnet, address))
			found->havip = NO_HAVIP;
	}
	if (unlikely(found->havip == NO_HAVIP) && bucket_spilled(cell.bucket)) {
		struct packet copy = *packet;
		struct found spilled;

		find_spilled(&copy, subnet, &spilled);
		found->havip = spilled.havip;
		found->holder = spilled.holder;
	}
}

/* Which word of its bucket is a HAVIP's; negative: none. */
static __always_inline int cell_place(const struct cell *cell, __u32 havip)
{
#pragma unroll
	for (int i = 0; i < HAVIP_BUCKET_WORDS; i++)
		if (cell->bucket->words[i] == (cell->wanted | havip))
			return i;
	return -1;
}

/* Where packets to a HAVIP find its holder; null: in `bindings`. */
static __always_inline struct havip_holder *steered_by(const struct havip_key *key, __u32 havip)
{
	struct cell cell = cell_of(key);
	int at;

	if (!cell.bucket)
		return 0;
	at = cell_place(&cell, havip);
	return at < 0 ? 0 : &cell.bucket->holders[at & (HAVIP_BUCKET_WORDS - 1)];
}

#endif
