/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A claim -> refuse, refresh, or hand to the loader's model. The rules are ANNOUNCEMENTS.md's; the TypeScript model
 * in src/holders/rules.ts is their twin. */
#ifndef HAVIP_CLAIM_H
#define HAVIP_CLAIM_H

#include "announce.h"
#include "table.h"
#include "verdict.h"

#define REFUSAL_TOLD_EVERY_NS 1000000000ULL

static __always_inline int is_member(const struct havip_policy *policy, __u32 havip, const struct havip_port *in)
{
	struct havip_member member = { .havip = havip, .port = in->slot };

	if (policy->flags & HAVIP_OPEN)
		return in->kind != HAVIP_HOST;
	return bpf_map_lookup_elem(&members, &member) != NULL;
}

static __always_inline int is_announcement(enum havip_claim_kind kind)
{
	return kind == HAVIP_CLAIM_ARP_REQUEST || kind == HAVIP_CLAIM_ARP_REPLY;
}

/* A holder that repeats itself is a refresh, unless somebody else has announced since: then the loader may be about
 * to move the address away, and has to hear that its holder is back. */
static __always_inline enum havip_claim_result judge_announcement(__u32 havip, __u64 holder, __u64 claimant)
{
	struct havip_state *state = bpf_map_lookup_elem(&states, &havip);
	__u64 newest;

	if (!state)
		return HAVIP_RESULT_CLAIM;
	newest = holder_word(&state->newest);
	if (newest != claimant)
		*(volatile __u64 *)&state->newest = claimant;
	return holder == claimant && newest == claimant ? HAVIP_RESULT_REFRESH : HAVIP_RESULT_CLAIM;
}

static __always_inline enum havip_claim_result judge(const struct announcement *said, __u32 havip, __u64 holder,
						     __u64 claimant)
{
	if (said->kind == HAVIP_CLAIM_ARP_PROBE)
		return HAVIP_RESULT_INTENT;
	if (said->fault != HAVIP_RESULT_CLAIM)
		return said->fault;
	if (is_announcement(said->kind))
		return judge_announcement(havip, holder, claimant);
	if (holder == claimant)
		return HAVIP_RESULT_LIVENESS;
	/* An answer to a question finds a holder that announced before we were here. */
	if (said->kind == HAVIP_CLAIM_ARP_ANSWER && !holder_unpack(holder).port)
		return HAVIP_RESULT_CLAIM;
	return HAVIP_RESULT_EVIDENCE;
}

static __always_inline int is_refusal(enum havip_claim_result result)
{
	return result >= HAVIP_RESULT_REFUSED_NOT_MEMBER;
}

static __always_inline void lose(int claims_full)
{
	__u32 zero = 0;
	struct havip_losses *lost = bpf_map_lookup_elem(&losses, &zero);

	if (!lost)
		return;
	if (claims_full)
		lost->claims_full++;
	else
		lost->ring_full++;
}

/* First into `claims`, which cannot overrun, then onto the ring, which can. */
static __always_inline void tell_claim(struct havip_claim *claim)
{
	struct havip_claim_key key = { .havip = claim->havip, .port = claim->by.port };

	if (bpf_map_update_elem(&claims, &key, claim, BPF_ANY))
		lose(1);
	if (bpf_ringbuf_output(&events, claim, sizeof(*claim), 0))
		lose(0);
}

/* A flood of refused claims rings once a second for each (HAVIP, port, why); the total is in the map. */
static __always_inline void tell_refusal(struct havip_claim *claim)
{
	struct havip_refusal_key key = { .havip = claim->havip, .port = claim->by.port, .result = claim->result };
	struct havip_refusal *refusal = bpf_map_lookup_elem(&refusals, &key);

	if (!refusal) {
		struct havip_refusal first = { .total = 1, .told_ns = claim->ts_ns, .by = claim->by,
					       .kind = claim->kind };

		bpf_map_update_elem(&refusals, &key, &first, BPF_ANY);
	} else {
		__sync_fetch_and_add(&refusal->total, 1);
		refusal->kind = claim->kind;
		*(volatile __u64 *)&refusal->by = holder_word(&claim->by);
		if (claim->ts_ns - refusal->told_ns < REFUSAL_TOLD_EVERY_NS)
			return;
		refusal->told_ns = claim->ts_ns;
	}
	if (bpf_ringbuf_output(&events, claim, sizeof(*claim), 0))
		lose(0);
}

static __always_inline enum havip_reason refusal_reason(enum havip_claim_result result, int monitor)
{
	switch (result) {
	case HAVIP_RESULT_REFUSED_NOT_MEMBER:
		return monitor ? HAVIP_PASS_REFUSED_NOT_MEMBER : HAVIP_DROP_REFUSED_NOT_MEMBER;
	case HAVIP_RESULT_REFUSED_MALFORMED:
		return monitor ? HAVIP_PASS_REFUSED_MALFORMED : HAVIP_DROP_REFUSED_MALFORMED;
	default:
		return monitor ? HAVIP_PASS_REFUSED_SPOOF : HAVIP_DROP_REFUSED_SPOOF;
	}
}

static __always_inline enum havip_reason claim_reason(enum havip_claim_result result, const struct havip_policy *policy)
{
	if (is_refusal(result))
		return refusal_reason(result, policy->flags & HAVIP_GUARD_MONITOR);
	if (result == HAVIP_RESULT_CLAIM || result == HAVIP_RESULT_REFRESH)
		return HAVIP_PASS_ANNOUNCEMENT;
	return result == HAVIP_RESULT_INTENT ? HAVIP_PASS_INTENT : HAVIP_PASS_EVIDENCE;
}

/* One ARP frame, in by `in`, in the broadcast domain `subnet`. */
static __always_inline enum havip_reason claim_from_arp(const struct packet *packet, const struct havip_port *in,
							__u32 subnet)
{
	struct announcement said = {};
	struct havip_key key = { .subnet = subnet };
	struct havip_claim claim = { .ts_ns = bpf_ktime_get_ns() };
	enum havip_claim_result result;
	struct havip_binding *binding;
	struct havip_policy *policy;
	__u64 claimant;

	if (announcement_from_arp(packet, &said) != PARSED)
		return HAVIP_PASS_TRUNCATED;
	__builtin_memcpy(key.address, said.address, sizeof(key.address));
	binding = binding_find(&key);
	if (!binding)
		return HAVIP_PASS_NOT_HAVIP;
	claim.havip = binding->havip;
	policy = bpf_map_lookup_elem(&havips, &claim.havip);
	if (!policy)
		return HAVIP_PASS_NOT_HAVIP;

	claimant = holder_pack(said.mac, in->slot);
	if (said.kind != HAVIP_CLAIM_ARP_PROBE && !is_member(policy, claim.havip, in))
		result = HAVIP_RESULT_REFUSED_NOT_MEMBER;
	else
		result = judge(&said, claim.havip, holder_word(&binding->holder), claimant);

	claim.by = holder_unpack(claimant);
	claim.kind = said.kind;
	claim.result = result;
	count_claim(in->slot, said.kind, result);
	if (is_refusal(result))
		tell_refusal(&claim);
	else if (result == HAVIP_RESULT_CLAIM)
		tell_claim(&claim);
	return claim_reason(result, policy);
}

#endif
