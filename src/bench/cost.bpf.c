/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the cost of a packet is compared with: programs that do nothing, and ones that write a frame anew before another
 * runs, for those that would not find the same frame again. */
#include <bpf/bpf_endian.h>

#include "bare.h"

#define HEAD_BYTES 60
#define DESTINATION_AT (ETH_HLEN + 16) /* of an IPv4 packet */
#define SPREAD_MAX (1 << 20)
#define ARP_SENDER_AT (ETH_HLEN + 14)
#define ARP_TARGET_AT (ETH_HLEN + 24)

SEC("xdp.frags")
int empty(struct xdp_md *ctx __attribute__((unused)))
{
	return XDP_PASS;
}

SEC("tc")
int empty_skb(struct __sk_buff *skb __attribute__((unused)))
{
	return TC_ACT_UNSPEC;
}

SEC("xdp.frags")
int bare(struct xdp_md *ctx)
{
	return bare_redirect(ctx);
}

SEC("tc")
int bare_peer(struct __sk_buff *skb)
{
	return bare_redirect_peer(skb);
}

/* One cache line of a table: it begins with a page. */
struct line {
	__u64 packets;
	__u64 rest[7];
};

/* low bits of an address -> its line */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct line);
} lines SEC(".maps");

/* The bare redirect, counted in one line of memory that the packet's destination says: no table of so many addresses can
 * do with less, however it is laid out. */
SEC("xdp.frags")
int least(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;
	struct line *line;
	__u32 at;

	if (data + HEAD_BYTES > (void *)(long)ctx->data_end)
		return XDP_DROP;
	at = bpf_ntohl(*(__be32 *)(data + DESTINATION_AT)) & (SPREAD_MAX - 1);
	line = bpf_map_lookup_elem(&lines, &at);
	if (!line)
		return XDP_DROP;
	line->packets++;
	return bare_redirect(ctx);
}

struct head {
	__u8 bytes[HEAD_BYTES];
	__u32 spread; /* destinations from the head's on, at random; 0: as it is */
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct head);
} heads SEC(".maps");

/* 0 -> which program runs then */
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__array(values, int(struct xdp_md *));
} next SEC(".maps") = { .values = { [0] = &empty } };

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__array(values, int(struct __sk_buff *));
} next_skb SEC(".maps") = { .values = { [0] = &empty_skb } };

/* The checksum of the header is left wrong where the destination is chosen: nothing on a HAVIP's way reads it. */
static __always_inline int write_anew(void *data, void *end)
{
	struct head *packet = data, *head;
	__u32 zero = 0, n;

	head = bpf_map_lookup_elem(&heads, &zero);
	if (!head || data + HEAD_BYTES > end)
		return -1;
	__builtin_memcpy(packet->bytes, head->bytes, HEAD_BYTES);
	if (head->spread) {
		n = bpf_get_prandom_u32() % head->spread;
		*(__be32 *)(packet->bytes + DESTINATION_AT) |= bpf_htonl(n); /* the head's bits are 0 there */
	}
	return 0;
}

SEC("xdp.frags")
int anew(struct xdp_md *ctx)
{
	if (!write_anew((void *)(long)ctx->data, (void *)(long)ctx->data_end))
		bpf_tail_call(ctx, &next, 0);
	return XDP_ABORTED;
}

SEC("tc")
int anew_skb(struct __sk_buff *skb)
{
	if (!write_anew((void *)(long)skb->data, (void *)(long)skb->data_end))
		bpf_tail_call(skb, &next_skb, 0);
	return TC_ACT_SHOT;
}

static __u32 announced;

/* The head is an announcement of an address, and each run announces the next one. */
SEC("tc")
int announce(struct __sk_buff *skb)
{
	struct head *packet = (void *)(long)skb->data;
	__be32 n = bpf_htonl(announced++);

	if (write_anew(packet, (void *)(long)skb->data_end))
		return TC_ACT_SHOT;
	*(__be32 *)(packet->bytes + ARP_SENDER_AT) |= n;
	*(__be32 *)(packet->bytes + ARP_TARGET_AT) |= n;
	bpf_tail_call(skb, &next_skb, 0);
	return TC_ACT_SHOT;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
