/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* VRRP adverts: who says to be master of which HAVIP, at what interval. Observations, never claims: they tell the
 * loader of two masters before either announces. */
#ifndef HAVIP_OBSERVE_H
#define HAVIP_OBSERVE_H

#include "claim.h"

#define RESIGNATION_TOLD_EVERY_NS 10000000ULL
#define NS_PER_CS 10000000ULL
#define SERIES_INTERVALS 4 /* a master is down after three and a bit (RFC 9568 section 6.1) */

/* When a series of adverts began, went on and ended: a master's reign, as far as VRRP tells. */
static __always_inline void note_series(struct havip_advert *known, __u64 ts_ns, const struct advert *advert)
{
	__u64 silence_ns = SERIES_INTERVALS * NS_PER_CS * (__u64)advert->interval_cs;

	if (!advert->priority) {
		known->resigned_ns = ts_ns;
		return;
	}
	if (known->resigned_ns >= known->master_ns || ts_ns - known->ts_ns > silence_ns)
		known->first_ns = ts_ns;
	known->master_ns = ts_ns;
	known->master_priority = advert->priority;
}

/* Whether an advert is worth ringing for; notes it in any case. */
static __always_inline int note_advert(struct havip_record *record, const struct advert *advert, __u32 holder)
{
	struct havip_claim_key key = { .havip = record->havip, .port = record->by.port };
	struct havip_advert *known = bpf_map_lookup_elem(&adverts, &key);
	__u64 quiet_ns = USE_TOLD_EVERY_NS;
	int changed;

	if (!known) {
		struct havip_advert first = { .ts_ns = record->ts_ns, .told_ns = record->ts_ns, .by = record->by,
					      .count = 1, .vrid = advert->vrid, .priority = advert->priority,
					      .interval_cs = advert->interval_cs, .version = advert->version };

		note_series(&first, record->ts_ns, advert);
		bpf_map_update_elem(&adverts, &key, &first, BPF_ANY);
		return 1;
	}
	changed = known->vrid != advert->vrid || known->priority != advert->priority ||
		  known->interval_cs != advert->interval_cs || holder_word(&known->by) != holder_word(&record->by);
	if (changed && !advert->priority)
		quiet_ns = RESIGNATION_TOLD_EVERY_NS;
	note_series(known, record->ts_ns, advert);
	known->ts_ns = record->ts_ns;
	known->count++;
	known->vrid = advert->vrid;
	known->priority = advert->priority;
	known->interval_cs = advert->interval_cs;
	known->version = advert->version;
	*(volatile __u64 *)&known->by = holder_word(&record->by);
	if (!changed && record->result == HAVIP_RESULT_OBSERVED && record->by.port == holder)
		return 0;
	if (record->ts_ns - known->told_ns < quiet_ns)
		return 0;
	known->told_ns = record->ts_ns;
	return 1;
}

/* One address of an advert. Non-zero: it is a HAVIP. */
VERIFIED_ALONE int observe_address(const struct heard_advert *heard)
{
	const struct advert *advert;
	const struct havip_port *in;
	struct havip_binding *binding;
	struct havip_policy *policy;
	struct havip_record record = {};

	if (!heard)
		return 0;
	advert = &heard->advert;
	in = &heard->in;
	binding = binding_find(&heard->key);
	record = (struct havip_record) { .ts_ns = bpf_ktime_get_ns(), .kind = HAVIP_CLAIM_VRRP_ADVERT,
				       .result = HAVIP_RESULT_OBSERVED, .generation = in->generation };
	if (!binding)
		return 0;
	record.havip = binding->havip;
	policy = bpf_map_lookup_elem(&havips, &record.havip);
	if (!policy)
		return 0;
	if (!is_member(policy, record.havip, in))
		record.result = HAVIP_RESULT_STRANGER;
	*(__u64 *)&record.by = holder_word(&heard->by);
	remember_before(&record, binding);
	record.vrid = advert->vrid;
	record.priority = advert->priority;
	record.interval_cs = advert->interval_cs;
	record.version = advert->version;
	count_claim(in->slot, HAVIP_CLAIM_VRRP_ADVERT, record.result);
	if (note_advert(&record, advert, binding->holder.port))
		ring(&record);
	return 1;
}

/* The address at this place in the list. */
VERIFIED_ALONE int observe_nth(const struct scratch *from, struct heard_advert *heard, __u32 place)
{
	const __u8 *address;
	__u32 at, step;

	if (!from || !heard)
		return 0;
	step = heard->advert.address_bytes;
	at = heard->advert.addresses + place * step;
	if (place >= heard->advert.count || at + step > heard->advert.stop)
		return 0;
	address = bytes_at(from, at);
	if (step == 4)
		address_from_ipv4(heard->key.address, *(const __be32 *)address);
	else if (is_mapped_ipv4((const struct in6_addr *)address))
		return 0;
	else
		__builtin_memcpy(heard->key.address, address, 16);
	return observe_address(heard);
}

/* Every address that an advert lists. @returns how many are HAVIPs of this subnet. */
VERIFIED_ALONE int observe_advert(const struct scratch *from, struct heard_advert *heard)
{
	int found = 0;

	if (!from || !heard)
		return 0;
	for (__u32 place = 0; place < HAVIP_ADVERT_ADDRESSES; place++) {
		if (place >= heard->advert.count)
			break;
		found += observe_nth(from, heard, place);
	}
	return found;
}

#endif
