/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Counts the named reason of every way out. What the reason means to the kernel is each entry's own affair, since
 * XDP and tc number their actions differently. */
#ifndef HAVIP_VERDICT_H
#define HAVIP_VERDICT_H

#include "maps.h"

static __always_inline int is_traced(const struct havip_port *in)
{
	return unlikely(in->flags & HAVIP_PORT_TRACED);
}

static __always_inline int is_delivered(enum havip_reason reason)
{
	return reason >= HAVIP_REWRITE_LEARN && reason <= HAVIP_REDIRECT_HOLDER;
}

/* Reasons up to 63, as bits. */
#define REASON_BIT(REASON) (1ULL << (REASON))
#define DROPS                                                                                                      \
	(REASON_BIT(HAVIP_DROP_UNHELD) | REASON_BIT(HAVIP_DROP_REFUSED_NOT_MEMBER) |                               \
	 REASON_BIT(HAVIP_DROP_REFUSED_MALFORMED) | REASON_BIT(HAVIP_DROP_REFUSED_SPOOF) |                         \
	 REASON_BIT(HAVIP_DROP_REFUSED_HOP_LIMIT) | REASON_BIT(HAVIP_DROP_REFUSED_CHECKSUM) |                      \
	 REASON_BIT(HAVIP_DROP_REFUSED_OPTION) | REASON_BIT(HAVIP_DROP_REFUSED_CODE) |                             \
	 REASON_BIT(HAVIP_DROP_REFUSED_SOLICITED) | REASON_BIT(HAVIP_DROP_REFUSED_FRAGMENT) |                      \
	 REASON_BIT(HAVIP_DROP_PORT_SECURITY) | REASON_BIT(HAVIP_DROP_TTL) | REASON_BIT(HAVIP_DROP_EIP_UNHELD) |    \
	 REASON_BIT(HAVIP_DROP_EIP_MALFORMED) | REASON_BIT(HAVIP_DROP_EIP_MISQUOTED) |                             \
	 REASON_BIT(HAVIP_DROP_EIP_NOT_HOLDER) | REASON_BIT(HAVIP_DROP_EIP_TOO_LONG) |                             \
	 REASON_BIT(HAVIP_DROP_EIP_NO_ROUTE) | REASON_BIT(HAVIP_DROP_EIP_NO_NEIGHBOUR) |                           \
	 REASON_BIT(HAVIP_DROP_EIP_NOT_WRITABLE) | REASON_BIT(HAVIP_DROP_EIP_NO_REDIRECT) |                         \
	 REASON_BIT(HAVIP_DROP_EIP_SPOOF))
_Static_assert(HAVIP_REASON_COUNT < 64, "a reason is a bit above, and so is the one that steer.h adds");

static __always_inline int is_drop(enum havip_reason reason)
{
	return DROPS >> reason & 1;
}

VERIFIED_ALONE int trace_end(__u32 reason)
{
	__u32 zero = 0;
	struct havip_trace *trace = bpf_map_lookup_elem(&traces, &zero);

	if (trace)
		trace->reason = reason;
	return 0;
}

static __always_inline void count_reason(__u32 slot, enum havip_reason reason)
{
	struct havip_port_counters *counters = bpf_map_lookup_elem(&port_counters, &slot);

	if (likely(counters) && (__u32)reason < HAVIP_REASON_COUNT)
		counters->frames[reason]++;
}

static __always_inline void count_frame(const struct havip_port *in, enum havip_reason reason)
{
	if (unlikely(is_traced(in)))
		trace_end(reason);
	else
		count_reason(in->slot, reason);
}

static __always_inline void count_claim(__u32 slot, __u32 kind, __u32 result)
{
	struct havip_claim_counters *counters = bpf_map_lookup_elem(&claim_counters, &slot);
	__u32 index = kind * HAVIP_RESULT_COUNT + result;

	asm volatile("" : "+r"(index)); /* what is checked and what is used must be one register */
	if (counters && index < HAVIP_CLAIM_COUNT * HAVIP_RESULT_COUNT)
		counters->claims[index]++;
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

static __always_inline void ring(const struct havip_record *record)
{
	if (bpf_ringbuf_output(&events, (void *)record, sizeof(*record), 0))
		lose(0);
}

#endif
