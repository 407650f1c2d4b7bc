/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The loader's way to write a binding: a test run of this program, with a struct havip_command as the frame. Where
 * the programs decide, every store of the loader's is to be made here, under the HAVIP's lock. Attached to nothing. */
#include <linux/pkt_cls.h>

#include "decide.h"

static __always_inline int port_matches(__u32 asked, __u32 port)
{
	return port && (!asked || asked == port);
}

/* Under the lock, as the next ones. Non-zero: done, and to be told where the record has a seq. */
static __always_inline int release_locked(struct havip_command *command, struct havip_state *state,
					  struct havip_binding *binding)
{
	struct havip_record *record = &command->record;
	__u64 holder = holder_word(&binding->holder);

	if (port_matches(command->by.port, state->pending.port))
		forget_pending(state);
	if (!port_matches(command->by.port, holder_unpack(holder).port))
		return 0;
	*(__u64 *)&record->by = holder;
	*(volatile __u64 *)&binding->former = holder;
	binding->since_ns = command->ts_ns;
	*(volatile __u64 *)&binding->holder = 0;
	record->seq = ++state->seq;
	record->result = HAVIP_RESULT_RELEASED;
	return 1;
}

static __always_inline int bind_locked(struct havip_command *command, struct havip_state *state,
				       struct havip_binding *binding)
{
	struct havip_record *record = &command->record;

	if (command->seq && command->seq != state->seq)
		return 0;
	if (!writes_binding(command->result))
		return 0;
	record->by = command->by;
	rebind(binding, state, holder_word(&command->by), command->ts_ns, command->kind, command->result,
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
					   struct havip_binding *binding)
{
	struct havip_record *record = &command->record;
	int done = 0;

	bpf_spin_lock(&state->lock);
	remember_before(record, binding);
	if (command->op == HAVIP_COMMAND_RELEASE)
		done = release_locked(command, state, binding);
	else if (command->op == HAVIP_COMMAND_BIND)
		done = bind_locked(command, state, binding);
	else if (command->op == HAVIP_COMMAND_FORGET)
		done = forget_locked(command, state);
	bpf_spin_unlock(&state->lock);
	return done;
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
	own.done = command_state(&own, state);
	__builtin_memcpy(&key, &policy->key, sizeof(key));
	binding = binding_find(&key);
	if (!own.done && binding && binding->havip == own.havip)
		own.done = command_binding(&own, state, binding);
	if (own.done && writes_binding(own.record.result)) {
		own.record.done_ns = bpf_ktime_get_ns();
		note_station(key.subnet, &own.by);
	}
	command = (void *)(long)skb->data;
	if ((void *)(command + 1) > (void *)(long)skb->data_end)
		return TC_ACT_SHOT;
	__builtin_memcpy(command, &own, sizeof(own));
	return TC_ACT_OK;
}

char LICENSE[] SEC("license") __weak = "Dual BSD/GPL";
