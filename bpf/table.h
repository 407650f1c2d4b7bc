/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The binding table: (subnet, address) -> who holds it. The one place that knows how it is laid out; its twin in
 * the loader is src/control/bindings.ts. */
#ifndef HAVIP_TABLE_H
#define HAVIP_TABLE_H

#include "maps.h"

/* A hash and no array: an update through bpf(2) replaces the element, where an array's is copied over piece by
 * piece under the readers. */
HAVIP_MAP(bindings, BPF_MAP_TYPE_HASH, struct havip_key, struct havip_binding, 1, 0);

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

static __always_inline struct havip_holder holder_unpack(__u64 word)
{
	return *(struct havip_holder *)&word;
}

#endif
