/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* An announcement that may count -> what becomes of the binding. Everything that is read or written between lock and
 * unlock is one HAVIP's, so that two CPUs with two claims end with one of them, and `seq` says in which order. The
 * outcome's TypeScript twin is src/holders/rules.ts. */
#ifndef HAVIP_DECIDE_H
#define HAVIP_DECIDE_H

#include "parse.h"
#include "table.h"
#include "verdict.h"

#define REFLECTED_WITHIN_NS 1000000000ULL

/* Linux has it in time.h, which a BPF target has not. */
#define BPF_CLOCK_MONOTONIC 1

/* What a claim is judged by, gathered before the lock: no helper may be called under it. */
struct deciding {
	struct havip_binding *binding;
	struct havip_holder *steered;  /* where packets find the holder; null: in the binding */
	struct havip_policy *policy;
	struct havip_target *claimant; /* the target of the port it came in by */
	struct havip_record *record;
	__u32 generation;	       /* of that port, when the frame came in */
	__u32 local_holder;	       /* slot of the holder, if that is no uplink; 0: it is, or there is none */
	int uplink;		       /* the claimant's port is one */
};

static __always_inline enum havip_claim_result outcome_of(const struct havip_binding *binding, __u64 claimant,
							  int uplink)
{
	__u64 holder = holder_word(&binding->holder);
	__u64 last = holder_unpack(holder).port ? holder : holder_word(&binding->former);
	__u32 last_port = holder_unpack(last).port;

	if (!last_port)
		return HAVIP_RESULT_BIND;
	if (last_port != holder_unpack(claimant).port || (last != claimant && uplink))
		return HAVIP_RESULT_MOVE;
	if (!holder_unpack(holder).port)
		return HAVIP_RESULT_BIND;
	return last == claimant ? HAVIP_RESULT_REFRESH : HAVIP_RESULT_MAC_CHANGE;
}

/* When the next move is allowed: `now_ns` or earlier means at once. */
static __always_inline __u64 budget_opens_ns(const struct havip_state *state, const struct havip_policy *policy)
{
	__u32 moves = policy->moves;

	if (state->moved < moves)
		return 0;
	return state->moved_ns[(state->moved - moves) & (HAVIP_MOVES_MAX - 1)] + policy->window_ns;
}

static __always_inline void remember_before(struct havip_record *record, const struct havip_binding *binding)
{
	*(__u64 *)&record->holder = holder_word(&binding->holder);
	*(__u64 *)&record->former = holder_word(&binding->former);
	record->moves = binding->moves;
}

static __always_inline void forget_pending(struct havip_state *state)
{
	*(__u64 *)&state->pending = 0;
}

/* Under the lock, which readers do not take: between one holder and the next there is no time (sightings.h). */
static __always_inline void state_follow(struct havip_state *state, __u64 holder, __u64 since_ns)
{
	*(volatile __u64 *)&state->held_since_ns = 0;
	*(volatile __u64 *)&state->held = holder;
	*(volatile __u64 *)&state->held_since_ns = since_ns;
}

/* Under the lock. What packets go by is written last: they find the rest in place. */
static __always_inline void write_holder(struct havip_binding *binding, struct havip_holder *steered,
					 struct havip_state *state, __u64 holder, __u64 since_ns)
{
	binding->since_ns = since_ns;
	state_follow(state, holder, since_ns);
	*(volatile __u64 *)&binding->holder = holder;
	if (steered)
		*(volatile __u64 *)steered = holder;
}

static __always_inline void rebind(struct havip_binding *binding, struct havip_holder *steered,
				   struct havip_state *state, __u64 by, __u64 ts_ns, __u32 kind,
				   enum havip_claim_result outcome, __u64 spent_ns)
{
	__u64 holder = holder_word(&binding->holder);

	if (holder_unpack(holder).port)
		*(volatile __u64 *)&binding->former = holder;
	if (outcome == HAVIP_RESULT_MOVE) {
		binding->moves++;
		state->moved_ns[state->moved & (HAVIP_MOVES_MAX - 1)] = spent_ns;
		state->moved++;
	}
	binding->by = kind;
	write_holder(binding, steered, state, by, ts_ns);
	forget_pending(state);
	state->spoke_ns = ts_ns;
}

static __always_inline int writes_binding(enum havip_claim_result result)
{
	return result == HAVIP_RESULT_BIND || result == HAVIP_RESULT_MOVE || result == HAVIP_RESULT_MAC_CHANGE;
}

/* Where this MAC is to be looked for when a RARP speaks of it. */
static __always_inline void note_station(__u32 subnet, const struct havip_holder *by)
{
	struct havip_station_key key = { .subnet = subnet };
	struct havip_stationed at = { .port = by->port };

	__builtin_memcpy(key.mac, by->mac, sizeof(key.mac));
	bpf_map_update_elem(&stationed, &key, &at, BPF_ANY);
}

/* Under the lock. The record's seq stays 0 where nothing is to be told. */
static __always_inline enum havip_claim_result decide_locked(const struct deciding *on, struct havip_state *state,
							     __u64 *opens_ns)
{
	struct havip_binding *binding = on->binding;
	struct havip_record *record = on->record;
	__u64 claimant = holder_word(&record->by), ts_ns = record->ts_ns;
	enum havip_claim_result outcome;
	struct havip_holder holder;

	/* The loader empties the slot before it releases what was held there: whoever sees it filled is released. */
	if (!*(volatile __u32 *)&on->claimant->ifindex || on->claimant->generation != on->generation)
		return HAVIP_RESULT_PORT_GONE;
	if (ts_ns < state->newest_ns || ts_ns < binding->since_ns)
		return HAVIP_RESULT_OVERTAKEN;
	holder = holder_unpack(holder_word(&binding->holder));
	if (on->uplink && holder.port && holder.port == on->local_holder && mac_equal(holder.mac, record->by.mac) &&
	    ts_ns - state->spoke_ns < REFLECTED_WITHIN_NS)
		return HAVIP_RESULT_REFLECTED;

	remember_before(record, binding);
	record->decided_ns = ts_ns;
	state->newest_ns = ts_ns;
	*(volatile __u64 *)&state->newest = claimant;
	outcome = outcome_of(binding, claimant, on->uplink);
	if (outcome == HAVIP_RESULT_REFRESH) {
		state->spoke_ns = ts_ns;
		if (!state->pending.port)
			return outcome;
		forget_pending(state);
		record->seq = ++state->seq;
		return HAVIP_RESULT_WITHDRAWN;
	}
	if (outcome == HAVIP_RESULT_MOVE && budget_opens_ns(state, on->policy) > ts_ns) {
		int again = holder_word(&state->pending) == claimant;

		*opens_ns = budget_opens_ns(state, on->policy);
		*(volatile __u64 *)&state->pending = claimant;
		state->pending_ns = ts_ns;
		state->pending_kind = record->kind;
		if (!again)
			record->seq = ++state->seq;
		return HAVIP_RESULT_HELD_BACK;
	}
	rebind(binding, on->steered, state, claimant, ts_ns, record->kind, outcome, ts_ns);
	record->seq = ++state->seq;
	return outcome;
}

static int window_opened(void *map, __u32 *havip, struct havip_state *state);

static __always_inline void wait_for_window(struct havip_state *state, __u64 wait_ns)
{
	bpf_timer_init(&state->window, &states, BPF_CLOCK_MONOTONIC);
	bpf_timer_set_callback(&state->window, window_opened);
	bpf_timer_start(&state->window, wait_ns, 0);
}

/* A claimant that was held back has its turn: the callback of the HAVIP's timer, with or without a loader. */
static int window_opened(__attribute__((unused)) void *map, __u32 *havip, struct havip_state *state)
{
	struct havip_policy *policy = bpf_map_lookup_elem(&havips, havip);
	__u64 now_ns = bpf_ktime_get_ns(), opens_ns = 0;
	struct havip_record record = { .havip = *havip, .cause = HAVIP_CAUSE_WINDOW };
	enum havip_claim_result outcome = HAVIP_RESULT_WITHDRAWN;
	struct havip_holder *steered;
	struct havip_target *target;
	struct havip_binding *binding;
	struct havip_key key;
	__u32 slot;

	if (!policy)
		return 0;
	__builtin_memcpy(&key, &policy->key, sizeof(key));
	binding = binding_find(&key);
	slot = state->pending.port;
	target = bpf_map_lookup_elem(&targets, &slot);
	if (!binding || binding->havip != *havip || !target)
		return 0;
	steered = steered_by(&key, *havip);

	bpf_spin_lock(&state->lock);
	if (state->pending.port != slot || !slot) {
		/* Another has come since: its own start of the timer is on its way. */
	} else if (budget_opens_ns(state, policy) > now_ns) {
		opens_ns = budget_opens_ns(state, policy);
	} else {
		*(__u64 *)&record.by = holder_word(&state->pending);
		record.ts_ns = state->pending_ns;
		record.decided_ns = now_ns;
		record.kind = state->pending_kind;
		record.generation = target->generation;
		remember_before(&record, binding);
		if (*(volatile __u32 *)&target->ifindex)
			outcome = outcome_of(binding, holder_word(&record.by), target->kind == HAVIP_UPLINK);
		if (writes_binding(outcome)) {
			rebind(binding, steered, state, holder_word(&record.by), record.ts_ns, record.kind, outcome,
			       now_ns);
		} else {
			outcome = HAVIP_RESULT_WITHDRAWN;
			forget_pending(state);
		}
		record.seq = ++state->seq;
	}
	bpf_spin_unlock(&state->lock);

	if (opens_ns)
		wait_for_window(state, opens_ns - now_ns);
	if (!record.seq)
		return 0;
	record.result = outcome;
	if (writes_binding(outcome)) {
		record.done_ns = bpf_ktime_get_ns();
		note_station(key.subnet, &record.by);
	}
	ring(&record);
	return 0;
}

#endif
