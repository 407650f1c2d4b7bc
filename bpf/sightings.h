/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* When a holder was last seen, and when its successor first: what a failover is told by. A time stamp costs a good part of a
 * packet's way, so not every packet gets one. In each tick of the kernel's clock a CPU stamps the first 96 that come,
 * whosever they are: up to 24,000 a second (ticks of 4 ms) that is every packet. On a busier CPU the next 32 go to as many
 * HAVIPs, one each; and every HAVIP always has one packet of 1,024 stamped, and the first to a new holder. */
#ifndef HAVIP_SIGHTINGS_H
#define HAVIP_SIGHTINGS_H

#include "parse.h"
#include "table.h"
#include "verdict.h"

#define STAMPS_A_TICK 128
#define STAMPS_KEPT 32	 /* of those, the last: one each */
#define STAMPED_EACH 1024 /* after those; a power of two */

/* Stamps that this CPU has left in this tick, that one included which the asker takes. */
static __always_inline __u32 take_stamp(__u32 tick)
{
	__u32 zero = 0;
	struct havip_stamps *own = bpf_map_lookup_elem(&stamps, &zero);

	if (!own)
		return 0;
	if (own->tick != tick) {
		own->tick = tick;
		own->left = STAMPS_A_TICK;
	}
	return own->left ? own->left-- : 0;
}

/* @stamped Low half: tick of the kernel's clock in which there is no stamp left for it. High half: of whose packet the last
 * was, the holder's port and part of its MAC. @count Of packets so far, the last `packets` of them now. @holder Its word; 0:
 * nobody's, or nobody in particular. */
static __always_inline int is_stamped(__u64 *stamped, __u64 count, __u64 packets, __u64 holder)
{
	__u64 whose = holder & ~0ULL << 32, now = whose | (__u32)bpf_jiffies64(), last = *stamped;
	int is_due = (count & (STAMPED_EACH - 1)) < packets;
	__u32 left;

	if (likely(last == now))
		return is_due;
	if (unlikely((last ^ whose) >> 32)) {
		*stamped = whose | (__u32)last;
		return 1;
	}
	left = take_stamp(now);
	if (left <= STAMPS_KEPT)
		*stamped = now;
	return left || is_due;
}

/* The row of that binding, or, where there is none yet, the older one, emptied. */
static __always_inline struct havip_tenure *tenure_of(struct havip_sightings *seen, __u64 since_ns)
{
	struct havip_tenure *one = &seen->one, *other = &seen->other, *row;

	if (one->since_ns == since_ns)
		return one;
	if (other->since_ns == since_ns)
		return other;
	row = one->since_ns < other->since_ns ? one : other;
	row->first_to_ns = row->last_to_ns = 0;
	row->first_from_ns = row->last_from_ns = 0;
	row->missed_ns = row->missed = 0;
	*(volatile __u64 *)&row->since_ns = since_ns;
	return row;
}

/* That of whoever held it before that binding; null: not seen. */
static __always_inline struct havip_tenure *tenure_before(struct havip_sightings *seen, __u64 since_ns)
{
	struct havip_tenure *one = &seen->one, *other = &seen->other, *row;

	row = other->since_ns == since_ns || (one->since_ns != since_ns && one->since_ns > other->since_ns) ? one : other;
	return row->since_ns && row->since_ns < since_ns ? row : 0;
}

/* Where to deliver; filled for HAVIP_REDIRECT_HOLDER and the HAVIP_REWRITE_* reasons. */
struct delivery {
	struct havip_holder holder;
	struct havip_target *target;
	__u32 havip;
	__u32 length; /* of the packet, as its IP header says */
	int saved; /* the sender believed in another MAC */
};

/* A packet is missed until its holder says something. */
static __always_inline void note_missed(struct havip_tenure *tenure, __u64 now_ns)
{
	if (!tenure->missed)
		tenure->missed_ns = now_ns;
	tenure->missed++;
}

/* As the next one, by the binding itself. */
static __always_inline __u64 since_when_bound(__u32 havip, __u64 holder)
{
	struct havip_policy *policy = bpf_map_lookup_elem(&havips, &havip);
	struct havip_binding *binding;
	struct havip_key key;

	if (!policy)
		return 0;
	__builtin_memcpy(&key, &policy->key, sizeof(key));
	binding = binding_find(&key);
	return binding && holder_word(&binding->holder) == holder ? binding->since_ns : 0;
}

/* Since when that holder, by its word, has had it (0: since when nobody has); 0: it is another's by now, or never was
 * anybody's. Packets go by one copy of the binding, and this asks another: either may be a moment behind. */
static __always_inline __u64 since_when(__u32 havip, __u64 holder)
{
	struct havip_state *state = bpf_map_lookup_elem(&states, &havip);
	__u64 since_ns;

	if (!state)
		return 0;
	if (unlikely(holder_word(&state->held) != holder))
		return since_when_bound(havip, holder);
	since_ns = *(volatile __u64 *)&state->held_since_ns;
	return holder_word(&state->held) == holder ? since_ns : 0;
}

VERIFIED_ALONE int note_delivered(__u32 havip, __u64 holder)
{
	struct havip_sightings *seen = bpf_map_lookup_elem(&sightings, &havip);
	__u64 now_ns = bpf_ktime_get_ns(), since_ns = since_when(havip, holder);
	struct havip_tenure *tenure;

	if (!seen || !since_ns)
		return 0;
	tenure = tenure_of(seen, since_ns);
	tenure->last_to_ns = now_ns;
	if (!tenure->first_to_ns)
		tenure->first_to_ns = now_ns;
	note_missed(tenure, now_ns);
	return 0;
}

/* Nobody holds it since then: whoever did is missed. */
VERIFIED_ALONE int note_unheld(__u32 havip)
{
	struct havip_sightings *seen = bpf_map_lookup_elem(&sightings, &havip);
	__u64 since_ns = since_when(havip, 0);
	struct havip_tenure *tenure;

	if (!seen || !since_ns)
		return 0;
	tenure = tenure_before(seen, since_ns);
	if (tenure)
		note_missed(tenure, bpf_ktime_get_ns());
	return 0;
}

/* This CPU's counters. */
static __always_inline struct havip_traffic *traffic_of(__u32 havip)
{
	__u32 at = bpf_get_smp_processor_id() * sizes.havips + havip;

	return bpf_map_lookup_elem(&havip_counters, &at);
}

static __always_inline void count_delivered(const struct delivery *to, __u64 packets, __u64 bytes)
{
	struct havip_traffic *traffic = traffic_of(to->havip);

	if (unlikely(!traffic))
		return;
	traffic->packets += packets;
	traffic->bytes += bytes;
	if (to->saved)
		traffic->saved += packets;
	if (unlikely(is_stamped(&traffic->stamped, traffic->packets, packets, holder_word(&to->holder))))
		note_delivered(to->havip, holder_word(&to->holder));
}

/* A frame that went to the holder. */
static __always_inline void count_way(const struct havip_port *in, enum havip_reason reason, const struct delivery *to,
				      __u64 packets, __u64 bytes)
{
	if (unlikely(is_traced(in))) {
		trace_end(reason);
		return;
	}
	count_reason(in->slot, reason);
	count_delivered(to, packets, bytes);
}

static __always_inline void count_unheld(const struct havip_port *in, __u32 havip)
{
	struct havip_traffic *traffic = traffic_of(havip);

	if (!traffic || is_traced(in))
		return;
	traffic->unheld++;
	if (is_stamped(&traffic->stamped, traffic->unheld, 1, 0))
		note_unheld(havip);
}

/* A packet that may be the present holder's or the last one's, as the HAVIP; LVS real servers, which lawfully send the
 * same from their own ports, are neither. */
static __noinline void note_sent(const struct packet *packet, const struct havip_port *in, __u32 subnet)
{
	struct havip_key key = { .subnet = subnet };
	struct ethhdr *eth = packet->data;
	struct havip_tenure *tenure;
	struct havip_binding *binding;
	struct havip_sightings *seen;
	__u64 sender, holder, since_ns;
	__u32 havip;

	if ((void *)(eth + 1) > packet->end || parse_address(packet, key.address, 1) != PARSED)
		return;
	binding = binding_find(&key);
	if (!binding)
		return;
	havip = binding->havip;
	seen = bpf_map_lookup_elem(&sightings, &havip);
	if (!seen)
		return;
	sender = holder_pack(eth->h_source, in->slot);
	holder = holder_word(&binding->holder);
	since_ns = binding->since_ns;
	if (holder == sender || (in->kind != HAVIP_UPLINK && holder_unpack(holder).port == in->slot))
		tenure = tenure_of(seen, since_ns);
	else if (holder_word(&binding->former) == sender || (in->kind != HAVIP_UPLINK && binding->former.port == in->slot))
		tenure = tenure_before(seen, since_ns);
	else
		return;
	if (!tenure)
		return;
	tenure->missed = 0;
	tenure->last_from_ns = bpf_ktime_get_ns();
	if (!tenure->first_from_ns)
		tenure->first_from_ns = tenure->last_from_ns;
}

/* An IP packet of a port that has held a HAVIP, whoever it is to. */
static __always_inline void watch_sender(const struct packet *packet, const struct havip_port *in, __u32 subnet)
{
	struct havip_port_counters *counters;
	__u32 slot = in->slot;

	if (is_traced(in))
		return;
	counters = bpf_map_lookup_elem(&port_counters, &slot);
	if (counters && is_stamped(&counters->stamped, ++counters->watched, 1, 0)) {
		struct packet copy = *packet;

		note_sent(&copy, in, subnet);
	}
}

#endif
