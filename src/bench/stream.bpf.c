/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A stream of one frame, and where it ends. As fast as a CPU can hand it to a device: what a live test run is given goes
 * out of the device that the run is said to be on. Frames come back from where they went, and so are written anew. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define FRAME_BYTES 60 /* Ethernet's shortest, without its checksum */

struct frame {
	__u8 bytes[FRAME_BYTES];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct frame);
} frames SEC(".maps");

SEC("xdp")
int generate(struct xdp_md *ctx)
{
	struct frame *packet = (void *)(long)ctx->data, *frame;
	__u32 zero = 0;

	frame = bpf_map_lookup_elem(&frames, &zero);
	if (!frame || (void *)(packet + 1) > (void *)(long)ctx->data_end)
		return XDP_DROP;
	__builtin_memcpy(packet, frame, sizeof(*packet));
	return XDP_TX;
}

/* Frames of the stream that came; on this CPU, as all of a live run does. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} arrived SEC(".maps");

/* UDP to port 9 (discard). */
SEC("xdp")
int sink(struct xdp_md *ctx)
{
	__u8 *frame = (void *)(long)ctx->data;
	__u64 *count;
	__u32 zero = 0;

	if (frame + 42 > (__u8 *)(long)ctx->data_end || frame[23] != 17 || frame[36] || frame[37] != 9)
		return XDP_PASS;
	count = bpf_map_lookup_elem(&arrived, &zero);
	if (count)
		__sync_fetch_and_add(count, 1);
	return XDP_DROP;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
