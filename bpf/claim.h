/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a frame says about a HAVIP -> refused, a use, or a claim that counts (ANNOUNCEMENTS.md, "Frame by frame"). The
 * TypeScript twin is src/holders/rules.ts, as far as the loader decides. */
#ifndef HAVIP_CLAIM_H
#define HAVIP_CLAIM_H

#include "announce.h"
#include "decide.h"

#define REFUSAL_TOLD_EVERY_NS 1000000000ULL
#define USE_TOLD_EVERY_NS 100000000ULL

static __always_inline int is_member(const struct havip_policy *policy, __u32 havip, const struct havip_port *in)
{
	struct havip_member member = { .havip = havip, .port = in->slot };

	if (policy->flags & HAVIP_OPEN)
		return in->kind != HAVIP_HOST;
	return bpf_map_lookup_elem(&members, &member) != NULL;
}

static __always_inline int is_announcement(enum havip_claim_kind kind)
{
	return kind == HAVIP_CLAIM_ARP_REQUEST || kind == HAVIP_CLAIM_ARP_REPLY || kind == HAVIP_CLAIM_NA;
}

/* To one station: finds a holder that announced before we were here, and displaces nobody. */
static __always_inline int is_answer(enum havip_claim_kind kind)
{
	return kind == HAVIP_CLAIM_ARP_ANSWER || kind == HAVIP_CLAIM_NA_ANSWER;
}

static __always_inline int is_probe(enum havip_claim_kind kind)
{
	return kind == HAVIP_CLAIM_ARP_PROBE || kind == HAVIP_CLAIM_ND_PROBE;
}

static __always_inline int is_refusal(enum havip_claim_result result)
{
	return result == HAVIP_RESULT_REFUSED_NOT_MEMBER || result == HAVIP_RESULT_REFUSED_MALFORMED ||
	       result == HAVIP_RESULT_REFUSED_SPOOF ||
	       (result >= HAVIP_RESULT_REFUSED_HOP_LIMIT && result <= HAVIP_RESULT_REFUSED_FRAGMENT);
}

/* First into `claims`, which cannot overrun, then onto the ring, which can. */
static __always_inline void tell_claim(struct havip_record *record)
{
	struct havip_claim_key key = { .havip = record->havip, .port = record->by.port };
	struct havip_claim claim = { .ts_ns = record->ts_ns, .by = record->by, .havip = record->havip,
				     .kind = record->kind, .result = record->result };

	if (bpf_map_update_elem(&claims, &key, &claim, BPF_ANY))
		lose(1);
	ring(record);
}

/* A flood of refused claims rings once a second for each (HAVIP, port, why); the total is in the map. */
static __noinline void tell_refusal(struct havip_record *record)
{
	struct havip_refusal_key key = { .havip = record->havip, .port = record->by.port, .result = record->result };
	struct havip_refusal *refusal = bpf_map_lookup_elem(&refusals, &key);

	if (!refusal) {
		struct havip_refusal first = { .total = 1, .told_ns = record->ts_ns, .by = record->by,
					       .kind = record->kind };

		bpf_map_update_elem(&refusals, &key, &first, BPF_ANY);
	} else {
		__sync_fetch_and_add(&refusal->total, 1);
		refusal->kind = record->kind;
		*(volatile __u64 *)&refusal->by = holder_word(&record->by);
		if (record->ts_ns - refusal->told_ns < REFUSAL_TOLD_EVERY_NS)
			return;
		refusal->told_ns = record->ts_ns;
	}
	ring(record);
}

/* A use rings ten times a second at most for each (HAVIP, port): who else speaks for an address is worth hearing, how
 * often is not. */
static __noinline void tell_use(struct havip_record *record)
{
	struct havip_claim_key key = { .havip = record->havip, .port = record->by.port };
	struct havip_speaker *speaker = bpf_map_lookup_elem(&speakers, &key);

	if (!speaker) {
		struct havip_speaker first = { .ts_ns = record->ts_ns, .told_ns = record->ts_ns, .count = 1 };

		bpf_map_update_elem(&speakers, &key, &first, BPF_ANY);
	} else {
		speaker->ts_ns = record->ts_ns;
		speaker->count++;
		if (record->ts_ns - speaker->told_ns < USE_TOLD_EVERY_NS)
			return;
		speaker->told_ns = record->ts_ns;
	}
	ring(record);
}

/* Somebody means to take it: of a failover, the first that is seen of whoever comes. */
static __noinline void note_probe(const struct havip_record *record)
{
	struct havip_claim_key key = { .havip = record->havip, .port = record->by.port };
	struct havip_speaker *speaker = bpf_map_lookup_elem(&speakers, &key);
	struct havip_speaker first = { .probed_ns = record->ts_ns };

	if (speaker)
		speaker->probed_ns = record->ts_ns;
	else
		bpf_map_update_elem(&speakers, &key, &first, BPF_ANY);
}

/* Decides, writes and tells. */
static __noinline enum havip_claim_result decide(struct deciding *on, __u32 subnet)
{
	struct havip_record *record = on->record;
	__u32 havip = record->havip;
	struct havip_state *state = bpf_map_lookup_elem(&states, &havip);
	enum havip_claim_result result;
	__u64 opens_ns = 0;

	if (!state)
		return HAVIP_RESULT_PORT_GONE;
	bpf_spin_lock(&state->lock);
	result = decide_locked(on, state, &opens_ns);
	bpf_spin_unlock(&state->lock);

	if (writes_binding(result)) {
		record->done_ns = bpf_ktime_get_ns();
		note_station(subnet, &record->by);
	}
	if (result == HAVIP_RESULT_HELD_BACK)
		wait_for_window(state, opens_ns - record->ts_ns);
	record->result = result;
	if (record->seq)
		ring(record);
	return result;
}

/* `rebind: loader`. A holder that repeats itself is a refresh, unless somebody else has announced since: then the
 * loader may be about to move the address away, and has to hear that its holder is back. */
static __always_inline enum havip_claim_result ask_loader(const struct deciding *on)
{
	struct havip_record *record = on->record;
	__u32 havip = record->havip;
	struct havip_state *state = bpf_map_lookup_elem(&states, &havip);
	__u64 claimant = holder_word(&record->by), holder = holder_word(&on->binding->holder), newest;

	if (state && is_announcement(record->kind)) {
		newest = holder_word(&state->newest);
		if (on->uplink && on->local_holder && mac_equal(on->binding->holder.mac, record->by.mac) &&
		    record->ts_ns - state->spoke_ns < REFLECTED_WITHIN_NS)
			return HAVIP_RESULT_REFLECTED;
		if (holder == claimant)
			state->spoke_ns = record->ts_ns;
		if (newest != claimant)
			*(volatile __u64 *)&state->newest = claimant;
		if (holder == claimant && newest == claimant)
			return HAVIP_RESULT_REFRESH;
	}
	remember_before(record, on->binding);
	record->result = HAVIP_RESULT_CLAIM;
	tell_claim(record);
	return HAVIP_RESULT_CLAIM;
}

static __always_inline enum havip_claim_result judge_claim(struct deciding *on, const struct havip_port *in,
							   __u32 subnet)
{
	__u32 slot = in->slot, holder = on->binding->holder.port;
	struct havip_target *target;

	on->generation = in->generation;
	on->record->generation = in->generation;
	on->uplink = in->kind == HAVIP_UPLINK;
	on->claimant = bpf_map_lookup_elem(&targets, &slot);
	if (!on->claimant)
		return HAVIP_RESULT_PORT_GONE;
	target = bpf_map_lookup_elem(&targets, &holder);
	on->local_holder = target && target->kind != HAVIP_UPLINK ? holder : 0;
	return on->policy->flags & HAVIP_REBIND_KERNEL ? decide(on, subnet) : ask_loader(on);
}

static __always_inline enum havip_claim_result judge_use(const struct deciding *on)
{
	struct havip_record *record = on->record;
	__u32 havip = record->havip;
	struct havip_state *state = bpf_map_lookup_elem(&states, &havip);
	int holds = holder_word(&on->binding->holder) == holder_word(&record->by);

	record->result = holds ? HAVIP_RESULT_LIVENESS : HAVIP_RESULT_EVIDENCE;
	if (is_answer(record->kind) && (!holds || (state && record->ts_ns < state->asked_until_ns))) {
		remember_before(record, on->binding);
		tell_use(record);
	}
	return record->result;
}

static __always_inline enum havip_claim_result judge(const struct announcement *said, struct deciding *on,
						     const struct havip_port *in, __u32 subnet)
{
	enum havip_claim_result refused = said->fault;

	if (is_probe(said->kind)) {
		if (is_member(on->policy, on->record->havip, in))
			note_probe(on->record);
		return HAVIP_RESULT_INTENT;
	}
	if (!is_member(on->policy, on->record->havip, in))
		refused = HAVIP_RESULT_REFUSED_NOT_MEMBER;
	if (refused != HAVIP_RESULT_CLAIM) {
		on->record->result = refused;
		remember_before(on->record, on->binding);
		tell_refusal(on->record);
		return refused;
	}
	if (is_announcement(said->kind) || (is_answer(said->kind) && !on->binding->holder.port))
		return judge_claim(on, in, subnet);
	return judge_use(on);
}

static __always_inline enum havip_reason refusal_reason(enum havip_claim_result result, int monitor)
{
	switch (result) {
	case HAVIP_RESULT_REFUSED_NOT_MEMBER:
		return monitor ? HAVIP_PASS_REFUSED_NOT_MEMBER : HAVIP_DROP_REFUSED_NOT_MEMBER;
	case HAVIP_RESULT_REFUSED_MALFORMED:
		return monitor ? HAVIP_PASS_REFUSED_MALFORMED : HAVIP_DROP_REFUSED_MALFORMED;
	case HAVIP_RESULT_REFUSED_SPOOF:
		return monitor ? HAVIP_PASS_REFUSED_SPOOF : HAVIP_DROP_REFUSED_SPOOF;
	case HAVIP_RESULT_REFUSED_HOP_LIMIT:
		return monitor ? HAVIP_PASS_REFUSED_HOP_LIMIT : HAVIP_DROP_REFUSED_HOP_LIMIT;
	case HAVIP_RESULT_REFUSED_CHECKSUM:
		return monitor ? HAVIP_PASS_REFUSED_CHECKSUM : HAVIP_DROP_REFUSED_CHECKSUM;
	case HAVIP_RESULT_REFUSED_OPTION:
		return monitor ? HAVIP_PASS_REFUSED_OPTION : HAVIP_DROP_REFUSED_OPTION;
	case HAVIP_RESULT_REFUSED_CODE:
		return monitor ? HAVIP_PASS_REFUSED_CODE : HAVIP_DROP_REFUSED_CODE;
	case HAVIP_RESULT_REFUSED_SOLICITED:
		return monitor ? HAVIP_PASS_REFUSED_SOLICITED : HAVIP_DROP_REFUSED_SOLICITED;
	default:
		return monitor ? HAVIP_PASS_REFUSED_FRAGMENT : HAVIP_DROP_REFUSED_FRAGMENT;
	}
}

static __always_inline enum havip_reason claim_reason(enum havip_claim_result result, const struct havip_policy *policy)
{
	if (is_refusal(result))
		return refusal_reason(result, policy->flags & HAVIP_GUARD_MONITOR);
	switch (result) {
	case HAVIP_RESULT_INTENT:
		return HAVIP_PASS_INTENT;
	case HAVIP_RESULT_EVIDENCE:
	case HAVIP_RESULT_LIVENESS:
		return HAVIP_PASS_EVIDENCE;
	case HAVIP_RESULT_REFLECTED:
		return HAVIP_PASS_REFLECTED;
	default:
		return HAVIP_PASS_ANNOUNCEMENT;
	}
}

static __always_inline int may_hold(enum havip_claim_result result)
{
	return writes_binding(result) || result == HAVIP_RESULT_CLAIM || result == HAVIP_RESULT_HELD_BACK;
}

/* What its port sends is watched from now on. The loader keeps the flag when it writes the row anew. */
static __always_inline void note_holder(const struct havip_port *in)
{
	if (!(in->flags & HAVIP_PORT_HOLDS))
		__sync_fetch_and_or((__u32 *)&in->flags, HAVIP_PORT_HOLDS);
}

/* What was said, by a frame that came in by `in`, in the broadcast domain `subnet`: an enum havip_reason. */
VERIFIED_ALONE int take_up(struct announcement *said, const struct havip_port *in, __u32 subnet, __u64 ts_ns)
{
	struct havip_key key = { .subnet = subnet };
	struct deciding on = {};
	enum havip_claim_result result;
	struct workspace *workspace;
	struct havip_record *record;
	__u32 zero = 0;

	if (!said || !in)
		return HAVIP_PASS_NOT_HAVIP;
	__builtin_memcpy(key.address, said->address, sizeof(key.address));
	on.binding = binding_find(&key);
	if (!on.binding)
		return HAVIP_PASS_NOT_HAVIP;
	workspace = bpf_map_lookup_elem(&workspaces, &zero);
	if (!workspace)
		return HAVIP_PASS_NOT_HAVIP;
	record = on.record = &workspace->record;
	__builtin_memset(record, 0, sizeof(*record));
	record->ts_ns = ts_ns;
	record->kind = said->kind;
	record->havip = on.binding->havip;
	on.policy = bpf_map_lookup_elem(&havips, &record->havip);
	if (!on.policy)
		return HAVIP_PASS_NOT_HAVIP;
	*(__u64 *)&record->by = holder_pack(said->mac, in->slot);
	on.steered = steered_by(&key, record->havip);
	result = judge(said, &on, in, subnet);
	if (may_hold(result))
		note_holder(in);
	count_claim(in->slot, said->kind, result);
	return claim_reason(result, on.policy);
}

/* To the verifier the other's answer is any number; none of those that lead somewhere is among a claim's. */
static __always_inline enum havip_reason claim(struct announcement *said, const struct havip_port *in, __u32 subnet,
					       __u64 ts_ns)
{
	__u32 reason = take_up(said, in, subnet, ts_ns);

	if (reason < HAVIP_REWRITE_LEARN)
		return reason;
	asm volatile("" : "+r"(reason)); /* one comparison at a time, on this very register */
	if (reason <= HAVIP_REDIRECT_HOLDER)
		return HAVIP_PASS_NOT_HAVIP;
	asm volatile("" : "+r"(reason));
	return reason <= HAVIP_PASS_REFLECTED ? reason : HAVIP_PASS_NOT_HAVIP;
}

/* RFC 903's frame, as hypervisors use it: the station of that MAC is now behind this port. Which HAVIPs it holds only
 * the loader knows. */
static __noinline enum havip_reason claim_from_rarp(const __u8 *mac, const struct havip_port *in, __u32 subnet)
{
	struct havip_station_key key = { .subnet = subnet };
	struct havip_record record = { .ts_ns = bpf_ktime_get_ns(), .havip = subnet, .kind = HAVIP_CLAIM_RARP,
				       .result = HAVIP_RESULT_CLAIM, .generation = in->generation };
	struct havip_stationed *at;

	__builtin_memcpy(key.mac, mac, sizeof(key.mac));
	at = bpf_map_lookup_elem(&stationed, &key);
	if (!at)
		return HAVIP_PASS_NOT_HAVIP;
	if (at->port == in->slot) {
		count_claim(in->slot, HAVIP_CLAIM_RARP, HAVIP_RESULT_LIVENESS);
		return HAVIP_PASS_EVIDENCE;
	}
	count_claim(in->slot, HAVIP_CLAIM_RARP, HAVIP_RESULT_CLAIM);
	if (record.ts_ns - at->told_ns >= USE_TOLD_EVERY_NS) {
		at->told_ns = record.ts_ns;
		*(__u64 *)&record.by = holder_pack(mac, in->slot);
		ring(&record);
	}
	return HAVIP_PASS_ANNOUNCEMENT;
}

#endif
