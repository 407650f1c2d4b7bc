/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The barest ways to pass a frame on, which nothing that decides can be faster than: no look-up, no count, a MAC that is
 * known at compile time. */
#ifndef HAVIP_BENCH_BARE_H
#define HAVIP_BENCH_BARE_H

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>

/* Of the guest that frames go to; its twin is HOLDER_MAC of packet-site.ts. */
static const __u8 holder[ETH_ALEN] = { 0x02, 0, 0, 0, 0xbe, 0x0c };

/* 0 -> the guest's port */
struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} way SEC(".maps");

/* The same for tc: a variable is read without a look-up. The only one in .data, where it is set. */
__u32 way_ifindex = 1;

static __always_inline int bare_redirect(struct xdp_md *ctx)
{
	struct ethhdr *eth = (void *)(long)ctx->data;

	if ((void *)(eth + 1) > (void *)(long)ctx->data_end)
		return XDP_DROP;
	__builtin_memcpy(eth->h_dest, holder, ETH_ALEN);
	return bpf_redirect_map(&way, 0, XDP_DROP);
}

static __always_inline int bare_redirect_peer(struct __sk_buff *skb)
{
	struct ethhdr *eth = (void *)(long)skb->data;

	if ((void *)(eth + 1) > (void *)(long)skb->data_end)
		return TC_ACT_SHOT;
	__builtin_memcpy(eth->h_dest, holder, ETH_ALEN);
	return bpf_redirect_peer(way_ifindex, 0);
}

#endif
