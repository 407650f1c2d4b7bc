/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The entry for vNICs (ingress) and for the bridge device (egress): skbs that a local stack made, with checksums and
 * segmentation still owed. A redirect at this level hands those debts on; XDP's would lose them, and the guest would
 * drop every segment. */
#include <linux/in.h>
#include <linux/pkt_cls.h>
#include <linux/if_packet.h>

#define FRAME struct __sk_buff

#include "eip.h"
#include "skb.h"

enum tc_tail {
	TC_TAIL_EIP,
	TC_TAIL_WRITE,
};
int havip_tc_eip(struct __sk_buff *skb);
int havip_tc_write(struct __sk_buff *skb);

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__array(values, int(struct __sk_buff *));
} tc_tails SEC(".maps") = { .values = { [TC_TAIL_EIP] = &havip_tc_eip, [TC_TAIL_WRITE] = &havip_tc_write } };

static __always_inline int can_send_back(__attribute__((unused)) const struct havip_target *own)
{
	return 1;
}

static __always_inline int tc_send(struct __sk_buff *skb, __u32 ifindex, int at_peer)
{
	if (!at_peer)
		return bpf_redirect(ifindex, 0);
	/* The skb still counts as another station's, as it came by another port; the guest would drop it. */
	bpf_skb_change_type(skb, PACKET_HOST);
	return bpf_redirect_peer(ifindex, 0);
}

static __always_inline int is_at_peer(const struct havip_target *target, int at_ingress)
{
	return at_ingress && target->flags & HAVIP_TARGET_PEER;
}

static __always_inline int tc_redirect(struct __sk_buff *skb, const struct havip_target *target, int at_ingress)
{
	return tc_send(skb, target->ifindex, is_at_peer(target, at_ingress));
}

/* A frame's new destination, and its way: in the room that an skb has for whoever handles it. */
static __always_inline void tc_hand_over(struct __sk_buff *skb, const struct delivery *to, int at_ingress)
{
	__u64 holder = holder_word(&to->holder);

	skb->cb[0] = holder;
	skb->cb[1] = holder >> 32;
	skb->cb[2] = to->target->ifindex;
	skb->cb[3] = is_at_peer(to->target, at_ingress);
}

/* Non-zero: the kernel would not (no memory). Unlike a store through the packet pointer, it unshares this skb alone. */
static __always_inline int tc_write_mac(struct __sk_buff *skb, const struct delivery *to)
{
	return bpf_skb_store_bytes(skb, 0, to->holder.mac, sizeof(to->holder.mac), 0);
}

static __always_inline int tc_deliver(struct __sk_buff *skb, const struct packet *packet, const struct havip_port *in,
				      struct delivery *to, enum havip_reason reason, int at_ingress)
{
	const struct havip_target *target = to->target;
	struct wire wire = on_the_wire(skb, packet);
	int direct;

	if (reason == HAVIP_REDIRECT_HOLDER && !skb->gso_size && skb->len > target_frame_max(target))
		reason = HAVIP_REWRITE_TOO_LONG;
	direct = to->saved && reason == HAVIP_REDIRECT_HOLDER && !is_shared(skb);
	if (to->saved && !direct && tc_write_mac(skb, to)) {
		count_frame(in, HAVIP_PASS_NOT_WRITABLE);
		return TC_ACT_UNSPEC;
	}
	count_way(in, reason, to, wire.packets, wire.bytes);
	if (direct) {
		tc_hand_over(skb, to, at_ingress);
		bpf_tail_call(skb, &tc_tails, TC_TAIL_WRITE);
		/* The kernel has emptied the slot: nobody has the map open or pinned any more. */
		skb->cb[0] = 0;
		if (tc_write_mac(skb, to))
			return TC_ACT_SHOT;
	}
	return reason == HAVIP_REDIRECT_HOLDER ? tc_redirect(skb, target, at_ingress) : TC_ACT_UNSPEC;
}

/* As xdp_send_back does, for an uplink that has no XDP of its own. */
static __always_inline int tc_send_back(struct __sk_buff *skb, const struct packet *packet,
					const struct havip_port *in, struct delivery *to)
{
	int ipv4 = packet->protocol == bpf_htons(ETH_P_IP);
	__u32 network = packet->network - packet->data, ttl_at = network + (ipv4 ? 8 : 7);
	struct macs macs;
	struct hop {
		__u8 ttl, protocol;
		__sum16 check;
	} hop;

	__builtin_memcpy(macs.destination, to->holder.mac, sizeof(macs.destination));
	__builtin_memcpy(macs.source, to->target->mac, sizeof(macs.source));
	if (bpf_skb_load_bytes(skb, ttl_at, &hop, sizeof(hop)))
		goto unwritable;
	hop.ttl--;
	hop.check = checksum_after_hop(hop.check);
	if (bpf_skb_store_bytes(skb, ttl_at, &hop, ipv4 ? sizeof(hop) : 1, 0) ||
	    bpf_skb_store_bytes(skb, 0, &macs, sizeof(macs), 0))
		goto unwritable;
	count_frame(in, HAVIP_REDIRECT_BACK);
	return bpf_redirect(to->target->ifindex, 0);
unwritable:
	count_frame(in, HAVIP_PASS_NOT_WRITABLE);
	return TC_ACT_UNSPEC;
}

/* To the guest that asked; or to the host itself, whose question was on its way out. */
static __always_inline int tc_answer(struct __sk_buff *skb, const struct havip_port *in, int at_ingress)
{
	__u32 ifindex = skb->ifindex;

	count_frame(in, HAVIP_REDIRECT_ANSWER);
	if (at_ingress)
		return bpf_redirect(ifindex, 0);
	bpf_skb_change_type(skb, PACKET_HOST);
	return bpf_redirect(ifindex, BPF_F_INGRESS);
}

/* The kernel's own room in the skb, which nothing that sends can write. */
static __always_inline int is_question(const struct __sk_buff *skb)
{
	return unlikely(skb->cb[0] == HAVIP_TRACE_MARK && skb->cb[1] == HAVIP_TRACE_MARK);
}

static __always_inline struct havip_port *tc_port(const struct __sk_buff *skb)
{
	return port_find(is_question(skb) ? HAVIP_TRACE_IFINDEX : skb->ifindex);
}

/* As steered. TC_ACT_UNSPEC leaves the frame to whatever else is attached here, then to the bridge. */
static __always_inline int tc_finish(struct __sk_buff *skb, const struct packet *packet, const struct havip_port *in,
				     struct delivery *to, enum havip_reason reason, int at_ingress)
{
	if (is_delivered(reason))
		return tc_deliver(skb, packet, in, to, reason, at_ingress);
	if (reason == HAVIP_REDIRECT_ANSWER)
		return tc_answer(skb, in, at_ingress);
	if (reason == HAVIP_REDIRECT_BACK)
		return tc_send_back(skb, packet, in, to);
	count_frame(in, reason);
	return is_drop(reason) ? TC_ACT_SHOT : TC_ACT_UNSPEC;
}

/* Out by the gateway; the kernel asks for a MAC that it does not know yet, and keeps the packet until then. */
static __always_inline int tc_leave(const struct crossing *crossing)
{
	struct bpf_redir_neigh hop = { .nh_family = LINUX_AF_INET, .ipv4_nh = crossing->next_hop };

	if (crossing->next_hop)
		return bpf_redirect_neigh(crossing->to.target->ifindex, &hop, sizeof(hop), 0);
	return bpf_redirect(crossing->to.target->ifindex, 0);
}

static __always_inline int tc_enter(struct __sk_buff *skb, const struct havip_target *target)
{
	if (target->kind != HAVIP_HOST)
		return tc_redirect(skb, target, 1);
	bpf_skb_change_type(skb, PACKET_HOST);
	return bpf_redirect(target->ifindex, BPF_F_INGRESS);
}

/* Longer than the device's MTU, also once it is cut into segments. */
static __always_inline int is_too_long(const struct __sk_buff *skb, const struct wire *wire,
				       const struct havip_target *target, enum havip_reason reason)
{
	if (!skb->gso_size)
		return skb->len > target_frame_max(target);
	/* A guest takes segments uncut, whatever their length; who is outside does not. */
	return reason == HAVIP_REDIRECT_OUT && wire->segment_bytes > target->mtu + ETH_HLEN;
}

static __always_inline int tc_cross(struct __sk_buff *skb, const struct wire *wire, const struct havip_port *in,
				    struct crossing *crossing, enum havip_reason reason)
{
	if (reason != HAVIP_REDIRECT_HOLDER && reason != HAVIP_REDIRECT_OUT)
		goto end;
	if (is_too_long(skb, wire, crossing->to.target, reason)) {
		reason = HAVIP_DROP_EIP_TOO_LONG;
		goto end;
	}
	if (cross_write(skb, crossing, 1) || bpf_skb_store_bytes(skb, 0, &crossing->macs, sizeof(crossing->macs), 0)) {
		reason = HAVIP_DROP_EIP_NOT_WRITABLE;
		goto end;
	}
	count_frame(in, reason);
	if (crossing->source)
		count_left(in, crossing, wire->packets);
	if (reason == HAVIP_REDIRECT_OUT)
		return tc_leave(crossing);
	if (!is_traced(in))
		count_delivered(&crossing->to, wire->packets, wire->bytes);
	return tc_enter(skb, crossing->to.target);
end:
	count_frame(in, reason);
	return is_drop(reason) ? TC_ACT_SHOT : TC_ACT_UNSPEC;
}

SEC("tc")
int havip_tc_eip(struct __sk_buff *skb)
{
	struct havip_port *in = tc_port(skb);
	struct packet packet = {};
	struct crossing crossing = {};
	enum havip_reason reason;
	struct wire wire;

	if (!in || tc_parse_pulled(skb, &packet) != PARSED)
		return TC_ACT_UNSPEC;
	if (packet.protocol == bpf_htons(ETH_P_ARP)) {
		reason = answer_for_eip(skb, &packet, in);
		return tc_finish(skb, &packet, in, &crossing.to, reason, 1);
	}
	wire = on_the_wire(skb, &packet);
	reason = cross(skb, &crossing, &packet, in, skb->gso_size != 0);
	if (reason != HAVIP_PASS_NOT_HAVIP)
		return tc_cross(skb, &wire, in, &crossing, reason);
	if (crossing.source && cross_write(skb, &crossing, 0)) {
		count_frame(in, HAVIP_DROP_EIP_NOT_WRITABLE);
		return TC_ACT_SHOT;
	}
	if (in->kind != HAVIP_GATEWAY && tc_parse(skb, &packet) == PARSED && has_ip_header(&packet))
		reason = steer_ip(&packet, in, in->subnet, &crossing.to);
	return tc_finish(skb, &packet, in, &crossing.to, reason, 1);
}

/* The rest of tc_deliver, where the kernel lets the MAC be written in place: it makes an skb the program's own before such
 * a program begins, so that one is kept from those that pass. */
SEC("tc")
int havip_tc_write(struct __sk_buff *skb)
{
	__u32 words[2] = { skb->cb[0], skb->cb[1] }, ifindex = skb->cb[2], at_peer = skb->cb[3];
	struct ethhdr *eth = (void *)(long)skb->data;

	if ((void *)(eth + 1) > (void *)(long)skb->data_end)
		return TC_ACT_SHOT; /* never: its headers have been read */
	mac_copy(eth->h_dest, (const __u8 *)words);
	skb->cb[0] = 0; /* nothing that the next program could take for a question */
	return tc_send(skb, ifindex, at_peer);
}

static __always_inline int tc_frame(struct __sk_buff *skb, int at_ingress)
{
	struct havip_port *in = tc_port(skb);
	struct packet packet = {};
	struct delivery to = {};
	enum havip_reason reason;
	enum parsed parsed;

	if (unlikely(!in)) {
		count_reason(0, HAVIP_PASS_NO_PORT);
		return TC_ACT_UNSPEC;
	}
	parsed = tc_parse_pulled(skb, &packet);
	if (unlikely(parsed != PARSED))
		reason = parsed == PARSE_SHORT ? HAVIP_PASS_TRUNCATED : HAVIP_PASS_OTHER_DOMAIN;
	else
		reason = steer(skb, &packet, in, &to);
	if (at_ingress && unlikely(reason == CROSSES)) {
		bpf_tail_call(skb, &tc_tails, TC_TAIL_EIP);
		reason = HAVIP_DROP_EIP_NO_ROUTE; /* the slot has been emptied, as in tc_deliver */
	}
	return tc_finish(skb, &packet, in, &to, reason, at_ingress);
}

SEC("tc")
int havip_ingress(struct __sk_buff *skb)
{
	return tc_frame(skb, 1);
}

SEC("tc")
int havip_egress(struct __sk_buff *skb)
{
	return tc_frame(skb, 0);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
