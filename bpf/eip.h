/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* EIPs: public addresses, 1:1 in front of HAVIPs. Inbound the EIP becomes the HAVIP and the packet goes to the holder,
 * outbound the HAVIP becomes the EIP and the packet goes out by a gateway. It remembers nothing, but where a packet
 * alone cannot tell its EIP: a HAVIP with several, and a client inside that uses one (`flows`). Runs behind a tail
 * call, with a stack of its own. */
#ifndef HAVIP_EIP_H
#define HAVIP_EIP_H

#include "nat.h"
#include "steer.h"

#define LINUX_AF_INET 2	   /* linux/socket.h is not for BPF */
#define LOOPBACK_IFINDEX 1 /* include/net/flow.h: in every network namespace */
#define NETWORK_BITS 32	   /* of a key of `insides`, before those of the address */

/* What is to be done with a packet. */
struct crossing {
	struct delivery to; /* the holder; of what leaves, the gateway */
	__u32 havip;
	__be32 source; /* to become; 0: stays */
	__be32 destination;
	__be32 next_hop; /* of what leaves and whose MACs are not known yet; 0: they are in `macs` */
	__u32 from_holder;
	struct macs macs;
	struct nat nat;
};

static __always_inline int address_equal(const __u8 *address, __be32 ipv4)
{
	__be32 word;

	__builtin_memcpy(&word, address, sizeof(word));
	return word == ipv4;
}

/* Leads nowhere beyond this link: multicast, broadcast and link-local (RFC 3927), where metadata services live. */
static __always_inline int is_on_link(__be32 address)
{
	return (address & bpf_htonl(0xe0000000)) == bpf_htonl(0xe0000000) ||
	       (address & bpf_htonl(0xffff0000)) == bpf_htonl(0xa9fe0000);
}

static __always_inline int is_inside(__u32 network, __be32 address)
{
	struct havip_inside key = { .prefix = NETWORK_BITS + 32, .network = bpf_htonl(network) };

	if (is_on_link(address))
		return 1;
	__builtin_memcpy(key.address, &address, sizeof(key.address));
	return bpf_map_lookup_elem(&insides, &key) != 0;
}

static __always_inline int is_in_network(__u32 subnet, __u32 network)
{
	struct havip_subnet *row = bpf_map_lookup_elem(&subnets, &subnet);

	return row && row->used && row->network_id == network;
}

/* By the packet as the HAVIP's side sees it. An ICMP error is of the flow that it quotes. */
static __always_inline void flow_of(const struct nat *nat, __u32 havip, int is_inbound, struct havip_flow_key *key)
{
	const struct ipv4_at *packet = nat->error ? &nat->quoted : &nat->outer;
	int remote_first = nat->error ? !is_inbound : is_inbound;
	__be32 remote = remote_first ? packet->ip.saddr : packet->ip.daddr;

	key->havip = havip;
	__builtin_memcpy(key->remote, &remote, sizeof(key->remote));
	key->remote_port = packet->ports[!remote_first];
	key->own_port = packet->ports[remote_first];
	key->protocol = packet->ip.protocol;
	if (!packet->first) {
		key->remote_port = packet->ip.id;
		key->own_port = 0;
		key->protocol = HAVIP_FLOW_FRAGMENT;
	}
}

/* @remote Who the answers will be for: the source, or what that becomes. */
static __noinline void flow_remember(const struct nat *nat, __u32 havip, __be32 remote, __be32 eip)
{
	struct havip_flow_key key;
	struct havip_flow flow, *known;

	if (nat->error || !nat->outer.first)
		return;
	flow_of(nat, havip, 1, &key);
	__builtin_memcpy(key.remote, &remote, sizeof(key.remote));
	__builtin_memcpy(flow.eip, &eip, sizeof(flow.eip));
	known = bpf_map_lookup_elem(&flows, &key);
	if (!known || !address_equal(known->eip, eip))
		bpf_map_update_elem(&flows, &key, &flow, BPF_ANY);
}

/* 0: not known. A first fragment leaves word for the later ones. */
static __noinline __be32 flow_recall(const struct nat *nat, __u32 havip, int is_traced)
{
	const struct ipv4_at *packet = &nat->outer;
	struct havip_flow_key key;
	struct havip_flow flow, *known;
	__be32 eip;

	flow_of(nat, havip, 0, &key);
	known = bpf_map_lookup_elem(&flows, &key);
	if (!known)
		return 0;
	flow = *known;
	if (packet->first && packet->ip.frag_off & bpf_htons(IPV4_MORE_FRAGMENTS) && !is_traced) {
		key.remote_port = packet->ip.id;
		key.own_port = 0;
		key.protocol = HAVIP_FLOW_FRAGMENT;
		bpf_map_update_elem(&flows, &key, &flow, BPF_ANY);
	}
	__builtin_memcpy(&eip, flow.eip, sizeof(eip));
	return eip;
}

/* A frame from the wire may be a copy that a switch has flooded: only what is sent to this host, as the guests' router,
 * or to a guest that is theirs. */
static __noinline int is_for_us(const struct macs *macs, const struct havip_port *in)
{
	const __u8 *mac = macs->destination;
	struct havip_target *target;
	struct havip_port *host;
	__u32 bridge = in->bridge, slot;

	if (in->kind != HAVIP_UPLINK)
		return 1;
	if (mac_equal(mac, macs->source))
		return 0;
	host = bpf_map_lookup_elem(&ports, &bridge);
	if (host) {
		slot = host->slot;
		target = bpf_map_lookup_elem(&targets, &slot);
		if (target && mac_equal(mac, target->mac))
			return 1;
	}
	return is_own_guest(mac, in->subnet);
}

/* An ICMP error goes to who sent what it quotes; one about somebody else's packet would tell them who is behind. */
static __always_inline int is_misquoted(const struct nat *nat, int is_inbound)
{
	if (!nat->error)
		return 0;
	return is_inbound ? nat->quoted.ip.saddr != nat->outer.ip.daddr :
			    nat->quoted.ip.daddr != nat->outer.ip.saddr;
}

/* Towards the holder. */
static __always_inline enum havip_reason cross_in(struct crossing *crossing, const struct havip_port *in,
						  const struct havip_key *key)
{
	struct nat *nat = &crossing->nat;
	struct havip_binding *binding = binding_find(key);
	struct havip_target *target;
	__u32 slot;

	if (is_traced(in))
		trace_found(key->subnet, binding ? binding->havip : NO_HAVIP,
			    binding ? holder_word(&binding->holder) : 0);
	if (!binding)
		return HAVIP_DROP_EIP_UNHELD;
	crossing->to.havip = binding->havip;
	crossing->to.holder = holder_unpack(holder_word(&binding->holder));
	slot = crossing->to.holder.port;
	if (!slot) {
		count_unheld(in, binding->havip);
		return HAVIP_DROP_EIP_UNHELD;
	}
	crossing->to.target = target = bpf_map_lookup_elem(&targets, &slot);
	if (!target || !target->ifindex)
		return HAVIP_DROP_EIP_UNHELD;
	if (nat->outer.ip.ttl <= 1)
		return HAVIP_PASS_EIP_TTL;
	if (is_misquoted(nat, 1))
		return HAVIP_DROP_EIP_MISQUOTED;
	__builtin_memcpy(&crossing->destination, key->address + 12, sizeof(crossing->destination));
	__builtin_memcpy(crossing->macs.destination, crossing->to.holder.mac, sizeof(crossing->macs.destination));
	__builtin_memcpy(crossing->macs.source, target->mac, sizeof(crossing->macs.source));
	return HAVIP_REDIRECT_HOLDER;
}

/* The way out. Routes are looked up as the host's own are, so that it need not forward for anybody else; the device
 * that they lead to must be a gateway. @segmented It is to be cut to length yet. */
static __noinline enum havip_reason find_way(void *ctx, struct crossing *crossing, int segmented)
{
	struct bpf_fib_lookup fib = { .family = LINUX_AF_INET, .ifindex = LOOPBACK_IFINDEX };
	struct havip_port *gateway;
	long found;
	__u32 slot;

	fib.tot_len = segmented ? 0 : bpf_ntohs(crossing->nat.outer.ip.tot_len);
	fib.ipv4_src = crossing->source;
	fib.ipv4_dst = crossing->nat.outer.ip.daddr;
	found = bpf_fib_lookup(ctx, &fib, sizeof(fib), 0);
	if (found == BPF_FIB_LKUP_RET_FRAG_NEEDED)
		return HAVIP_DROP_EIP_TOO_LONG;
	if (found != BPF_FIB_LKUP_RET_SUCCESS && found != BPF_FIB_LKUP_RET_NO_NEIGH)
		return HAVIP_DROP_EIP_NO_ROUTE;
	gateway = bpf_map_lookup_elem(&ports, &fib.ifindex);
	if (!gateway || gateway->kind != HAVIP_GATEWAY)
		return HAVIP_DROP_EIP_NO_ROUTE;
	slot = gateway->slot;
	crossing->to.target = bpf_map_lookup_elem(&targets, &slot);
	if (!crossing->to.target || !crossing->to.target->ifindex)
		return HAVIP_DROP_EIP_NO_ROUTE;
	crossing->to.holder.port = slot;
	crossing->next_hop = found == BPF_FIB_LKUP_RET_NO_NEIGH ? fib.ipv4_dst : 0;
	__builtin_memcpy(crossing->macs.destination, fib.dmac, sizeof(crossing->macs.destination));
	__builtin_memcpy(crossing->macs.source, fib.smac, sizeof(crossing->macs.source));
	return HAVIP_REDIRECT_OUT;
}

/* Who sends it, and what as. No reason: HAVIP_REASON_COUNT. */
static __always_inline enum havip_reason cross_from(struct crossing *crossing, const struct havip_port *in,
						    const struct havip_public *public)
{
	struct nat *nat = &crossing->nat;
	struct havip_key key = { .subnet = in->subnet };
	struct havip_binding *binding;
	struct havip_holder holder;
	__be32 eip = 0;

	address_from_ipv4(key.address, nat->outer.ip.saddr);
	binding = binding_find(&key);
	if (is_traced(in))
		trace_found(in->subnet, binding ? binding->havip : NO_HAVIP,
			    binding ? holder_word(&binding->holder) : 0);
	if (binding) {
		holder = holder_unpack(holder_word(&binding->holder));
		crossing->from_holder = holder.port == in->slot &&
					(in->kind == HAVIP_VNIC || mac_equal(holder.mac, crossing->macs.source));
	}
	crossing->havip = public->havip;
	if (public->flags & HAVIP_PUBLIC_HOLDER && !crossing->from_holder)
		return HAVIP_DROP_EIP_NOT_HOLDER;
	if (nat->outer.ip.ttl <= 1)
		return HAVIP_PASS_EIP_TTL;
	if (is_misquoted(nat, 0))
		return HAVIP_DROP_EIP_MISQUOTED;
	if (public->flags & HAVIP_PUBLIC_MANY)
		eip = flow_recall(nat, public->havip, is_traced(in));
	if (!eip)
		__builtin_memcpy(&eip, public->eip, sizeof(eip));
	crossing->source = eip;
	return HAVIP_REASON_COUNT;
}

VERIFIED_ALONE int trace_eip(__be32 eip)
{
	__u32 zero = 0;
	struct havip_trace *trace = bpf_map_lookup_elem(&traces, &zero);

	if (trace)
		__builtin_memcpy(trace->eip, &eip, sizeof(trace->eip));
	return 0;
}

/* From outside. @eip null: to none. */
static __always_inline enum havip_reason cross_at_gateway(struct crossing *crossing, const struct havip_port *in,
							  const struct havip_eip *eip, int parsed)
{
	__u32 slot = in->slot;
	struct havip_target *own = bpf_map_lookup_elem(&targets, &slot);

	if (!eip || !own || !mac_equal(own->mac, crossing->macs.destination))
		return HAVIP_PASS_NOT_HAVIP;
	if (parsed != PARSED)
		return HAVIP_DROP_EIP_MALFORMED;
	if (is_inside(eip->network, crossing->nat.outer.ip.saddr))
		return HAVIP_DROP_EIP_SPOOF;
	return cross_in(crossing, in, &eip->havip);
}

/* From inside: by a HAVIP, or by anybody to an EIP. */
static __always_inline enum havip_reason cross_at_port(void *ctx, struct crossing *crossing, const struct havip_port *in,
						       const struct havip_eip *eip, int parsed, int segmented)
{
	struct nat *nat = &crossing->nat;
	struct havip_public *public = public_find(in->subnet, nat->outer.ip.saddr);
	enum havip_reason reason;

	if (!is_for_us(&crossing->macs, in))
		return HAVIP_PASS_NOT_HAVIP;
	if (!public) {
		if (!eip || !is_in_network(in->subnet, eip->network))
			return HAVIP_PASS_NOT_HAVIP;
		return parsed == PARSED ? cross_in(crossing, in, &eip->havip) : HAVIP_DROP_EIP_MALFORMED;
	}
	if (!eip && is_inside(public->network, nat->outer.ip.daddr)) {
		if (parsed == PARSED)
			crossing->source = flow_recall(nat, public->havip, is_traced(in));
		return HAVIP_PASS_NOT_HAVIP;
	}
	if (!eip && public->flags & HAVIP_PUBLIC_AWAY)
		return HAVIP_PASS_NOT_HAVIP;
	if (parsed != PARSED)
		return HAVIP_DROP_EIP_MALFORMED;
	reason = cross_from(crossing, in, public);
	if (reason != HAVIP_REASON_COUNT)
		return reason;
	return eip ? cross_in(crossing, in, &eip->havip) : find_way(ctx, crossing, segmented);
}

/* PASS_NOT_HAVIP: no crossing, though `source` may be set: an answer to a client inside, who asked by the EIP. */
static __always_inline enum havip_reason cross(void *ctx, struct crossing *crossing, const struct packet *packet,
					       const struct havip_port *in, int segmented)
{
	struct nat *nat = &crossing->nat;
	struct havip_eip *eip;
	enum havip_reason reason;
	__be32 address, remote;
	int parsed;

	if (frame_load(ctx, 0, &crossing->macs, sizeof(crossing->macs)) || mac_is_group(crossing->macs.destination))
		return HAVIP_PASS_NOT_HAVIP;
	parsed = nat_read(ctx, packet->network - packet->data, frame_bytes(ctx), nat);
	address = nat->outer.ip.daddr;
	eip = eip_find(address);
	if (in->kind == HAVIP_GATEWAY)
		reason = cross_at_gateway(crossing, in, eip, parsed);
	else
		reason = cross_at_port(ctx, crossing, in, eip, parsed, segmented);
	if (is_traced(in) && reason != HAVIP_PASS_NOT_HAVIP)
		trace_eip(eip ? address : crossing->source);
	if (reason != HAVIP_REDIRECT_HOLDER || !eip || is_traced(in))
		return reason;
	/* Answers to who is outside, or comes as if, leave as the first EIP, unless there are several. */
	remote = crossing->source ? crossing->source : nat->outer.ip.saddr;
	if (eip->flags & HAVIP_PUBLIC_MANY || (in->kind != HAVIP_GATEWAY && !crossing->source))
		flow_remember(nat, crossing->to.havip, remote, address);
	return reason;
}

/* Non-zero: the kernel would not let us write. */
static __always_inline int cross_write(void *ctx, struct crossing *crossing, __u32 hops)
{
	struct nat *nat = &crossing->nat;

	if (crossing->source) {
		if (nat->error && quoted_replace(ctx, nat, 0, crossing->source))
			return -1;
		if (nat_replace(ctx, nat, 1, crossing->source))
			return -1;
	}
	if (crossing->destination) {
		if (nat->error && quoted_replace(ctx, nat, 1, crossing->destination))
			return -1;
		if (nat_replace(ctx, nat, 0, crossing->destination))
			return -1;
	}
	return nat_finish(ctx, nat, hops);
}

static __always_inline void count_left(const struct havip_port *in, const struct crossing *crossing, __u64 packets)
{
	__u32 havip = crossing->havip;
	struct havip_traffic *traffic = traffic_of(havip);

	if (!traffic || is_traced(in))
		return;
	if (crossing->from_holder)
		traffic->from_holder += packets;
	else
		traffic->from_others += packets;
}

/* ARP at a gateway: who asks for an EIP is told the gateway's own MAC, a prober too: the address is in use (RFC 5227
 * section 2.1.1). Not who announces it, and not where it is routed here (`proxyArp: false`). */
static __always_inline enum havip_reason answer_for_eip(void *ctx, const struct packet *packet,
						       const struct havip_port *in)
{
	__u32 at = packet->network - packet->data, slot = in->slot;
	struct havip_target *own = bpf_map_lookup_elem(&targets, &slot);
	struct arp_ipv4 arp;
	struct macs macs;
	__be32 asker;

	if (!(in->flags & HAVIP_PORT_EIP_ARP) || !own || !can_send_back(own))
		return HAVIP_PASS_NOT_HAVIP;
	if (frame_load(ctx, at, &arp, sizeof(arp)) || frame_load(ctx, 0, &macs, sizeof(macs)))
		return HAVIP_PASS_TRUNCATED;
	asker = arp.sender_ip;
	if (!arp_is_for_ipv4(&arp) || arp.operation != bpf_htons(ARP_OPERATION_REQUEST) || asker == arp.target_ip)
		return HAVIP_PASS_NOT_HAVIP;
	if (mac_is_group(macs.source) || !eip_find(arp.target_ip))
		return HAVIP_PASS_NOT_HAVIP;
	arp.operation = bpf_htons(ARP_OPERATION_REPLY);
	__builtin_memcpy(arp.target_mac, arp.sender_mac, sizeof(arp.target_mac));
	__builtin_memcpy(arp.sender_mac, own->mac, sizeof(arp.sender_mac));
	arp.sender_ip = arp.target_ip;
	arp.target_ip = asker;
	__builtin_memcpy(macs.destination, macs.source, sizeof(macs.destination));
	__builtin_memcpy(macs.source, own->mac, sizeof(macs.source));
	if (frame_store(ctx, at, &arp, sizeof(arp)) || frame_store(ctx, 0, &macs, sizeof(macs)))
		return HAVIP_PASS_NOT_WRITABLE;
	return HAVIP_REDIRECT_ANSWER;
}

#endif
