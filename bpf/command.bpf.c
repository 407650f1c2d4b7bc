/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The loader's way to write a binding, and to have packets find a HAVIP: a test run of this program, with a struct
 * havip_command as the frame. Where the programs decide, every store of the loader's is to be made here, under the
 * HAVIP's lock. Attached to nothing. */
#include <linux/pkt_cls.h>

#include "decide.h"

static __always_inline int port_matches(__u32 asked, __u32 port)
{
	return port && (!asked || asked == port);
}

/* Under the lock, as the next ones. Non-zero: done, and to be told where the record has a seq. */
static __always_inline int release_locked(struct havip_command *command, struct havip_state *state,
					  struct havip_binding *binding, struct havip_holder *steered)
{
	struct havip_record *record = &command->record;
	__u64 holder = holder_word(&binding->holder);

	if (port_matches(command->by.port, state->pending.port))
		forget_pending(state);
	if (!port_matches(command->by.port, holder_unpack(holder).port))
		return 0;
	*(__u64 *)&record->by = holder;
	*(volatile __u64 *)&binding->former = holder;
	write_holder(binding, steered, state, 0, command->ts_ns);
	record->seq = ++state->seq;
	record->result = HAVIP_RESULT_RELEASED;
	return 1;
}

static __always_inline int bind_locked(struct havip_command *command, struct havip_state *state,
				       struct havip_binding *binding, struct havip_holder *steered)
{
	struct havip_record *record = &command->record;

	if (command->seq && command->seq != state->seq)
		return 0;
	if (!writes_binding(command->result))
		return 0;
	record->by = command->by;
	rebind(binding, steered, state, holder_word(&command->by), command->ts_ns, command->kind, command->result,
	       command->ts_ns);
	record->seq = ++state->seq;
	record->result = command->result;
	record->kind = command->kind;
	return 1;
}

static __always_inline int forget_locked(struct havip_command *command, struct havip_state *state)
{
	if (!port_matches(command->by.port, state->pending.port))
		return 0;
	*(__u64 *)&command->record.by = holder_word(&state->pending);
	forget_pending(state);
	command->record.seq = ++state->seq;
	command->record.result = HAVIP_RESULT_WITHDRAWN;
	return 1;
}

static __always_inline void reset_locked(struct havip_state *state)
{
	state->seq = 0;
	*(volatile __u64 *)&state->newest = 0;
	state->newest_ns = 0;
	state->spoke_ns = 0;
	state->pending_ns = 0;
	state->pending_kind = 0;
	state->moved = 0;
	state->asked_until_ns = 0;
	forget_pending(state);
	state_follow(state, 0, 0);
}

/* What touches no binding. */
static __always_inline int command_state(struct havip_command *command, struct havip_state *state)
{
	if (command->op == HAVIP_COMMAND_RESET) {
		bpf_timer_cancel(&state->window);
		bpf_spin_lock(&state->lock);
		reset_locked(state);
		bpf_spin_unlock(&state->lock);
		return 1;
	}
	if (command->op == HAVIP_COMMAND_CLEAR) {
		bpf_spin_lock(&state->lock);
		state->moved = 0;
		bpf_spin_unlock(&state->lock);
		return 1;
	}
	if (command->op != HAVIP_COMMAND_ASK)
		return 0;
	state->asked_until_ns = command->ts_ns;
	return 1;
}

static __always_inline int command_binding(struct havip_command *command, struct havip_state *state,
					   struct havip_binding *binding, struct havip_holder *steered)
{
	struct havip_record *record = &command->record;
	int done = 0;

	bpf_spin_lock(&state->lock);
	remember_before(record, binding);
	if (command->op == HAVIP_COMMAND_RELEASE)
		done = release_locked(command, state, binding, steered);
	else if (command->op == HAVIP_COMMAND_BIND)
		done = bind_locked(command, state, binding, steered);
	else if (command->op == HAVIP_COMMAND_FORGET)
		done = forget_locked(command, state);
	bpf_spin_unlock(&state->lock);
	return done;
}

/* Nobody's yet, before whoever finds the word can read it. */
static __always_inline void place_in(struct havip_bucket *bucket, __u32 at, __u64 word)
{
	at &= HAVIP_BUCKET_WORDS - 1;
	*(volatile __u64 *)&bucket->holders[at] = 0;
	*(volatile __u64 *)&bucket->words[at] = word;
}

/* Under the lock: the holder as it is now. */
static __always_inline void follow_binding(__u32 havip, struct havip_binding *binding, struct havip_holder *steered)
{
	struct havip_state *state = bpf_map_lookup_elem(&states, &havip);

	if (!state)
		return;
	bpf_spin_lock(&state->lock);
	state_follow(state, holder_word(&binding->holder), binding->since_ns);
	if (steered)
		*(volatile __u64 *)steered = holder_word(&binding->holder);
	bpf_spin_unlock(&state->lock);
}

/* Non-zero: there is such a HAVIP; its key, and where packets look for it. */
static __always_inline int find_cell(__u32 havip, struct havip_key *key, struct cell *cell)
{
	struct havip_policy *policy = bpf_map_lookup_elem(&havips, &havip);

	if (!policy || !policy->key.subnet)
		return 0;
	__builtin_memcpy(key, &policy->key, sizeof(*key));
	*cell = cell_of(key);
	return cell->bucket != 0;
}

/* Gives a HAVIP a word in its bucket, unless it has one; readers look on. Where none is free, or another one would be
 * taken for it, the bucket says that it has spilled, at the cost of the word that was there. One that is bound already
 * stays out of a bucket that has spilled: a CPU that is deciding about it looked for its word before there was one. */
VERIFIED_ALONE int place_havip(__u32 havip)
{
	struct havip_binding *binding;
	struct havip_key key;
	struct cell cell;
	int free = -1, taken = 0;

	if (!find_cell(havip, &key, &cell))
		return 0;
	binding = binding_find(&key);
	if (binding && binding->havip != havip)
		binding = 0;
	if (cell_place(&cell, havip) < 0 && !(binding && bucket_spilled(cell.bucket))) {
#pragma unroll
		for (int i = HAVIP_BUCKET_WORDS - 1; i >= 0; i--) {
			__u64 word = cell.bucket->words[i];

			if (!word)
				free = i;
			else if ((word ^ cell.wanted) < 1 << HAVIP_INDEX_BITS)
				taken = 1;
		}
		if (free >= 0 && !taken)
			place_in(cell.bucket, free, cell.wanted | havip);
		else
			*(volatile __u64 *)&cell.bucket->words[HAVIP_BUCKET_WORDS - 1] = BUCKET_SPILLED;
	}
	if (binding)
		follow_binding(havip, binding, steered_by(&key, havip));
	return 1;
}

/* Before its row in `bindings` goes. A bucket that has spilled stays so: slower, never wrong. */
VERIFIED_ALONE int displace_havip(__u32 havip)
{
	struct havip_key key;
	struct cell cell;
	int at;

	if (!find_cell(havip, &key, &cell))
		return 0;
	at = cell_place(&cell, havip);
	if (at >= 0)
		*(volatile __u64 *)&cell.bucket->words[at & (HAVIP_BUCKET_WORDS - 1)] = 0;
	return 1;
}

/* What works without a row in `bindings`. */
static __always_inline int command_places(const struct havip_command *command)
{
	if (command->op == HAVIP_COMMAND_DISPLACE) {
		displace_havip(command->havip);
		return 1;
	}
	if (command->op != HAVIP_COMMAND_PLACE)
		return 0;
	for (__u32 i = 0; i < HAVIP_PLACED_AT_ONCE; i++) {
		if (i >= command->count)
			break;
		place_havip(command->havip + i);
	}
	return 1;
}

SEC("tc")
int havip_command(struct __sk_buff *skb)
{
	struct havip_command *command = (void *)(long)skb->data;
	struct havip_command own;
	struct havip_binding *binding;
	struct havip_policy *policy;
	struct havip_state *state;
	struct havip_key key;

	if ((void *)(command + 1) > (void *)(long)skb->data_end)
		return TC_ACT_SHOT;
	__builtin_memcpy(&own, command, sizeof(own));
	own.done = 0;
	__builtin_memset(&own.record, 0, sizeof(own.record));
	own.record.havip = own.havip;
	own.record.ts_ns = own.ts_ns;
	own.record.decided_ns = own.ts_ns;
	own.record.cause = HAVIP_CAUSE_COMMAND;
	state = bpf_map_lookup_elem(&states, &own.havip);
	policy = bpf_map_lookup_elem(&havips, &own.havip);
	if (!state || !policy)
		return TC_ACT_SHOT;
	own.done = command_places(&own) || command_state(&own, state);
	__builtin_memcpy(&key, &policy->key, sizeof(key));
	binding = binding_find(&key);
	if (!own.done && binding && binding->havip == own.havip)
		own.done = command_binding(&own, state, binding, steered_by(&key, own.havip));
	if (own.done && (own.op == HAVIP_COMMAND_PLACE || writes_binding(own.record.result)))
		own.record.done_ns = bpf_ktime_get_ns();
	if (own.done && writes_binding(own.record.result))
		note_station(key.subnet, &own.by);
	command = (void *)(long)skb->data;
	if ((void *)(command + 1) > (void *)(long)skb->data_end)
		return TC_ACT_SHOT;
	__builtin_memcpy(command, &own, sizeof(own));
	return TC_ACT_OK;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
