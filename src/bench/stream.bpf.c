/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A stream of frames, the barest ways to pass one on, and where it ends. As fast as a CPU can hand it to a device: what
 * a live test run is given goes out of the device that the run is said to be on. */
#include <linux/ip.h>
#include <linux/udp.h>
#include <bpf/bpf_endian.h>

#include "bare.h"

#define HEAD_BYTES 60 /* Ethernet's shortest frame, without its checksum */
#define PROTOCOL_UDP 17
#define PORT_DISCARD 9

/* What to send. */
struct stream {
	__u8 head[HEAD_BYTES];
	__u32 spread; /* mask: destinations from the head's on, by turns */
	__u32 bytes;  /* of a whole frame */
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct stream);
} streams SEC(".maps");

static __u32 turn;

/* Frames come back from where they went, with another's MAC and TTL in them, and so are written anew: as the head has
 * it, but for destination, lengths and checksum. */
static __always_inline int write_head(struct xdp_md *ctx, const struct stream *stream, __u32 n, __u32 bytes)
{
	struct stream *packet = (void *)(long)ctx->data;
	struct udphdr *udp;
	struct iphdr *ip;
	__u32 sum;

	if ((void *)packet + HEAD_BYTES > (void *)(long)ctx->data_end)
		return XDP_DROP;
	__builtin_memcpy(packet->head, stream->head, HEAD_BYTES);
	ip = (void *)packet + ETH_HLEN;
	udp = (void *)(ip + 1);
	n = bpf_htons(n & stream->spread);
	sum = (__u16)~ip->check + (__u16)~ip->tot_len + n;
	ip->daddr += n << 16; /* the low half, in the order of the wire: the head's is 0 there, if it is spread */
	ip->tot_len = bpf_htons(bytes - ETH_HLEN);
	udp->len = bpf_htons(bytes - ETH_HLEN - sizeof(*ip));
	sum += ip->tot_len;
	sum = (sum & 0xffff) + (sum >> 16);
	ip->check = ~((sum & 0xffff) + (sum >> 16));
	return XDP_TX;
}

SEC("xdp")
int generate(struct xdp_md *ctx)
{
	__u32 zero = 0;
	struct stream *stream = bpf_map_lookup_elem(&streams, &zero);

	return stream ? write_head(ctx, stream, turn++, stream->bytes) : XDP_DROP;
}

/* By twelves seven short ones, four of 512 bytes, and one as long as it was given, which is the longest. */
SEC("xdp")
int generate_mix(struct xdp_md *ctx)
{
	__u32 zero = 0, n = turn++, of_twelve = n % 12, bytes;
	struct stream *stream = bpf_map_lookup_elem(&streams, &zero);

	if (!stream)
		return XDP_DROP;
	bytes = of_twelve < 7 ? HEAD_BYTES : of_twelve < 11 ? 508 : stream->bytes;
	if (bytes != stream->bytes && bpf_xdp_adjust_tail(ctx, (int)bytes - (int)stream->bytes))
		return XDP_DROP;
	return write_head(ctx, stream, n, bytes);
}

SEC("xdp")
int bare(struct xdp_md *ctx)
{
	return bare_redirect(ctx);
}

SEC("tc")
int bare_peer(struct __sk_buff *skb)
{
	return bare_redirect_peer(skb);
}

/* Frames of the stream that came: 0 -> to the guest's MAC, 1 -> to another. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, __u64);
} arrived SEC(".maps");

/* Whether it is of the stream, and so ends here. */
static __always_inline int end_of_stream(const __u8 *frame, const __u8 *end)
{
	const struct ethhdr *eth = (void *)frame;
	const struct iphdr *ip = (void *)(eth + 1);
	const __be16 *ports = (void *)(ip + 1);
	__u32 other = 0;
	__u64 *count;

	if ((void *)(ports + 2) > (void *)end || eth->h_proto != bpf_htons(ETH_P_IP))
		return 0;
	if (ip->protocol != PROTOCOL_UDP || ports[1] != bpf_htons(PORT_DISCARD))
		return 0;
	for (int i = 0; i < ETH_ALEN; i++)
		other |= eth->h_dest[i] ^ holder[i];
	other = other != 0;
	count = bpf_map_lookup_elem(&arrived, &other);
	if (count)
		__sync_fetch_and_add(count, 1);
	return 1;
}

SEC("xdp")
int sink(struct xdp_md *ctx)
{
	return end_of_stream((void *)(long)ctx->data, (void *)(long)ctx->data_end) ? XDP_DROP : XDP_PASS;
}

SEC("tc")
int sink_skb(struct __sk_buff *skb)
{
	return end_of_stream((void *)(long)skb->data, (void *)(long)skb->data_end) ? TC_ACT_SHOT : TC_ACT_UNSPEC;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
