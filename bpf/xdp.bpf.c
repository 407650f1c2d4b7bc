/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The entry for NICs: frames from the wire, complete, without an skb. Also for vNICs whose guest sends finished
 * frames, where the operator forces it (`hooks: { NAME: xdp }`). */
#define FRAME struct xdp_md

#include "eip.h"

static __always_inline int frame_load(void *ctx, __u32 at, void *to, __u32 bytes)
{
	return bpf_xdp_load_bytes(ctx, at, to, bytes);
}

static __always_inline int frame_store(void *ctx, __u32 at, void *from, __u32 bytes)
{
	return bpf_xdp_store_bytes(ctx, at, from, bytes);
}

static __always_inline __u32 frame_bytes(void *ctx)
{
	return bpf_xdp_get_buff_len(ctx);
}

static __always_inline int frame_resize(void *ctx, __u32 from, __u32 to)
{
	return from == to ? 0 : bpf_xdp_adjust_tail(ctx, (int)to - (int)from);
}

static __always_inline int frame_fix_transport(void *ctx, __u32 at, __be32 from, __be32 to, int is_udp)
{
	__sum16 check;

	if (frame_load(ctx, at, &check, sizeof(check)))
		return -1;
	check = transport_replace(check, from, to, is_udp);
	return frame_store(ctx, at, &check, sizeof(check));
}

static __always_inline int can_send_back(const struct havip_target *own)
{
	return own->flags & HAVIP_TARGET_XDP;
}

/* Out of the port that it came in by. A veth forgets to wake its peer after XDP_TX unless that has a program too
 * (drivers/net/veth.c, veth_xdp_flush); after a redirect it does not. */
static __always_inline int xdp_out_again(__u32 slot)
{
	struct havip_target *own = bpf_map_lookup_elem(&targets, &slot);

	if (own && own->flags & HAVIP_TARGET_PEER)
		return bpf_redirect_map(&redirects, slot, XDP_PASS);
	return XDP_TX;
}

/* @bytes Of the whole frame. */
static __always_inline enum havip_reason xdp_limits(const struct packet *packet, __u32 bytes,
						    const struct havip_target *target)
{
	__u32 linear = packet->end - packet->data;

	/* The kernel would drop these after the program, where no reason is counted. Too long first: the bridge will
	 * not deliver those either, and the operator should read that and not "slower". */
	if (bytes > target_frame_max(target))
		return HAVIP_REWRITE_TOO_LONG;
	if (!(target->flags & HAVIP_TARGET_XDP))
		return HAVIP_REWRITE_NO_REDIRECT;
	if (bytes > linear && !(target->flags & HAVIP_TARGET_XDP_FRAGS))
		return HAVIP_REWRITE_NO_REDIRECT;
	return HAVIP_REDIRECT_HOLDER;
}

/* Whether it is in one buffer, fits, and may be redirected. To ask for the whole frame's length is a call, a quarter of a
 * packet's way; it is saved where the IP header's own length is in the first buffer, so that nothing but a trailer can be
 * in another, and the holder's port takes several. */
static __always_inline int is_plain(const struct packet *packet, const struct delivery *to)
{
	const __u32 takes_any = HAVIP_TARGET_XDP | HAVIP_TARGET_XDP_FRAGS;
	__u64 linear = packet->end - packet->data;

	return (to->target->flags & takes_any) == takes_any && linear <= target_frame_max(to->target) &&
	       packet->network - packet->data + (__u64)to->length <= linear;
}

static __always_inline int xdp_deliver(void *ctx, struct packet *packet, const struct havip_port *in,
				       struct delivery *to, enum havip_reason reason)
{
	struct ethhdr *eth = packet->data;
	__u64 bytes = packet->end - packet->data;
	int action = XDP_PASS;

	if (unlikely(!is_plain(packet, to))) {
		bytes = frame_bytes(ctx);
		if (reason == HAVIP_REDIRECT_HOLDER)
			reason = xdp_limits(packet, bytes, to->target);
	}
	if (likely(reason == HAVIP_REDIRECT_HOLDER)) {
		action = bpf_redirect_map(&redirects, to->holder.port, XDP_PASS);
		if (unlikely(action != XDP_REDIRECT)) /* the device left between the two maps */
			reason = SELDOM(HAVIP_REWRITE_NO_REDIRECT);
	}
	mac_copy(eth->h_dest, to->holder.mac);
	count_way(in, reason, to, 1, bytes);
	return action;
}

/* Back out with the holder's MAC. With the sender's as source, the switch would look for the sender behind this port
 * and lose its answers: the uplink's own takes its place. */
static __noinline int xdp_send_back(struct packet *packet, const struct havip_port *in, struct delivery *to)
{
	struct ethhdr *eth = packet->data;
	__u8 *header = packet->network;
	int action;

	action = can_send_back(to->target) ? xdp_out_again(in->slot) : XDP_PASS;
	if (action == XDP_PASS) {
		count_frame(in, HAVIP_PASS_NO_WAY_BACK);
		return XDP_PASS;
	}
	if ((void *)(eth + 1) > packet->end || (void *)(header + sizeof(struct iphdr)) > packet->end)
		return XDP_PASS;
	if (packet->protocol == bpf_htons(ETH_P_IP)) {
		struct iphdr *ip = (void *)header;

		ip->ttl--;
		ip->check = checksum_after_hop(ip->check);
	} else {
		header[7]--;
	}
	__builtin_memcpy(eth->h_dest, to->holder.mac, sizeof(eth->h_dest));
	__builtin_memcpy(eth->h_source, to->target->mac, sizeof(eth->h_source));
	count_frame(in, HAVIP_REDIRECT_BACK);
	return action;
}

/* Metadata in front of the frame, which on a device only another program of the host's could have written. */
static __always_inline int is_question(const struct xdp_md *ctx)
{
	__u32 *mark = (void *)(long)ctx->data_meta;

	if (likely((void *)(mark + 2) > (void *)(long)ctx->data))
		return 0;
	return mark[0] == HAVIP_TRACE_MARK && mark[1] == HAVIP_TRACE_MARK;
}

static __always_inline struct havip_port *xdp_port(const struct xdp_md *ctx)
{
	return port_find(is_question(ctx) ? HAVIP_TRACE_IFINDEX : ctx->ingress_ifindex);
}

/* As steered. */
static __always_inline int xdp_finish(void *ctx, struct packet *packet, const struct havip_port *in, struct delivery *to,
				      enum havip_reason reason)
{
	if (likely(is_delivered(reason)))
		return xdp_deliver(ctx, packet, in, to, reason);
	if (reason == HAVIP_REDIRECT_ANSWER) {
		count_frame(in, reason);
		return xdp_out_again(in->slot);
	}
	if (reason == HAVIP_REDIRECT_BACK) {
		struct packet copy = *packet;
		struct delivery back = *to;

		return xdp_send_back(&copy, in, &back);
	}
	count_frame(in, reason);
	return is_drop(reason) ? XDP_DROP : XDP_PASS;
}

static __always_inline int xdp_parse(const struct xdp_md *ctx, struct packet *packet)
{
	packet->data = (void *)(long)ctx->data;
	packet->end = (void *)(long)ctx->data_end;
	packet->outer = packet->inner = 0;
	return parse_ethernet(packet);
}

static __noinline void ask_for(__be32 next_hop, __u32 ifindex)
{
	struct havip_eip_key key;

	__builtin_memcpy(key.address, &next_hop, sizeof(key.address));
	bpf_map_update_elem(&unresolved, &key, &ifindex, BPF_ANY);
}

/* To or from an EIP; where it cannot be redirected to the holder, the host may route it there. */
static __always_inline enum havip_reason xdp_way(const struct packet *packet, __u32 bytes,
						 const struct havip_port *in, struct crossing *crossing, enum havip_reason reason)
{
	if (reason == HAVIP_REDIRECT_HOLDER) {
		reason = crossing->to.target->kind == HAVIP_HOST ? HAVIP_PASS_EIP_ROUTED :
								   xdp_limits(packet, bytes, crossing->to.target);
		if (reason == HAVIP_REWRITE_TOO_LONG)
			return HAVIP_DROP_EIP_TOO_LONG;
		return reason == HAVIP_REWRITE_NO_REDIRECT ? HAVIP_PASS_EIP_ROUTED : reason;
	}
	if (reason != HAVIP_REDIRECT_OUT)
		return reason;
	if (crossing->next_hop) {
		if (!is_traced(in))
			ask_for(crossing->next_hop, crossing->to.target->ifindex);
		return HAVIP_DROP_EIP_NO_NEIGHBOUR;
	}
	switch (xdp_limits(packet, bytes, crossing->to.target)) {
	case HAVIP_REDIRECT_HOLDER:
		return reason;
	case HAVIP_REWRITE_TOO_LONG:
		return HAVIP_DROP_EIP_TOO_LONG;
	default:
		return HAVIP_DROP_EIP_NO_REDIRECT;
	}
}

static __always_inline int xdp_cross(struct xdp_md *ctx, const struct havip_port *in, struct crossing *crossing,
				     enum havip_reason reason, __u32 bytes)
{
	int redirected = reason == HAVIP_REDIRECT_HOLDER || reason == HAVIP_REDIRECT_OUT;
	int action = XDP_PASS;

	if (redirected) {
		action = bpf_redirect_map(&redirects, crossing->to.holder.port, XDP_DROP);
		if (action != XDP_REDIRECT)
			reason = HAVIP_DROP_EIP_NO_ROUTE;
	}
	if (redirected || reason == HAVIP_PASS_EIP_ROUTED) {
		if (cross_write(ctx, crossing, redirected) ||
		    (redirected && frame_store(ctx, 0, &crossing->macs, sizeof(crossing->macs)))) {
			count_frame(in, HAVIP_DROP_EIP_NOT_WRITABLE);
			return XDP_DROP;
		}
	}
	count_frame(in, reason);
	if ((reason == HAVIP_REDIRECT_HOLDER || reason == HAVIP_PASS_EIP_ROUTED) && !is_traced(in))
		count_delivered(&crossing->to, 1, bytes);
	if (crossing->source && (redirected || reason == HAVIP_PASS_EIP_ROUTED))
		count_left(in, crossing, 1);
	return is_drop(reason) ? XDP_DROP : action;
}

SEC("xdp.frags")
int havip_xdp_eip(struct xdp_md *ctx)
{
	struct havip_port *in = xdp_port(ctx);
	struct packet packet;
	struct crossing crossing = {};
	__u32 bytes = frame_bytes(ctx);
	enum havip_reason reason;

	if (!in)
		return XDP_PASS;
	if (xdp_parse(ctx, &packet) != PARSED)
		return XDP_PASS;
	if (packet.protocol == bpf_htons(ETH_P_ARP)) {
		reason = answer_for_eip(ctx, &packet, in);
		return xdp_finish(ctx, &packet, in, &crossing.to, reason);
	}
	reason = cross(ctx, &crossing, &packet, in, 0);
	if (reason != HAVIP_PASS_NOT_HAVIP)
		return xdp_cross(ctx, in, &crossing, xdp_way(&packet, bytes, in, &crossing, reason), bytes);
	if (crossing.source && cross_write(ctx, &crossing, 0)) {
		count_frame(in, HAVIP_DROP_EIP_NOT_WRITABLE);
		return XDP_DROP;
	}
	if (in->kind != HAVIP_GATEWAY && xdp_parse(ctx, &packet) == PARSED && has_ip_header(&packet))
		reason = steer_ip(&packet, in, in->subnet, &crossing.to);
	return xdp_finish(ctx, &packet, in, &crossing.to, reason);
}

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__array(values, int(struct xdp_md *));
} xdp_tails SEC(".maps") = { .values = { [0] = &havip_xdp_eip } };

SEC("xdp.frags")
int havip_xdp(struct xdp_md *ctx)
{
	struct havip_port *in = xdp_port(ctx);
	struct packet packet;
	struct delivery to = {};
	enum havip_reason reason;
	enum parsed parsed;

	if (unlikely(!in)) {
		count_reason(0, HAVIP_PASS_NO_PORT);
		return XDP_PASS;
	}
	parsed = xdp_parse(ctx, &packet);
	if (unlikely(parsed != PARSED))
		reason = parsed == PARSE_SHORT ? HAVIP_PASS_TRUNCATED : HAVIP_PASS_OTHER_DOMAIN;
	else
		reason = steer(ctx, &packet, in, &to);
	if (unlikely(reason == CROSSES)) {
		bpf_tail_call(ctx, &xdp_tails, 0);
		reason = HAVIP_DROP_EIP_NO_ROUTE; /* the kernel has emptied the slot: nobody has the map any more */
	}
	return xdp_finish(ctx, &packet, in, &to, reason);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
