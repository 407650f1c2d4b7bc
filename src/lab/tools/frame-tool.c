// SPDX-License-Identifier: BSD-2-Clause
// Raw Ethernet frames for tests: sends what standard input asks for, or counts what a device receives.
//
//   cc -O2 -Wall -Wextra -Werror -o build/lab/frame-tool src/lab/tools/frame-tool.c
//   frame-tool send DEV [EVERY-US]   each line of input: HEX [REPEAT [GAP-US]]; answers each with one line of JSON;
//                                    EVERY-US apart, as long as the input keeps up
//   frame-tool sink DEV [--count N] [--seconds S] [--dst IP] [--hex]     JSON totals at the end or at SIGTERM
//
// A frame of the sink is what the kernel hands to AF_PACKET: a GRO or GSO frame counts once.
#define _GNU_SOURCE
#include "common.h"
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <unistd.h>

#define FRAME_BYTES 65600
#define MAX_MACS 1024

struct filter {
	uint64_t count; // 0: no limit
	double seconds; // 0: no limit
	int family;	// 0: every frame
	uint8_t address[16];
	bool hex;
};

struct totals {
	uint64_t frames, bytes;
	int macs;
	struct {
		uint8_t mac[6];
		uint64_t frames;
	} per_mac[MAX_MACS];
};

static int open_socket(const char *device, uint16_t protocol)
{
	int one = 1, fd = packet_socket();

	if (setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof(one)) < 0)
		fail("PACKET_IGNORE_OUTGOING");
	setsockopt(fd, SOL_PACKET, PACKET_AUXDATA, &one, sizeof(one));
	bind_to_device(fd, device, protocol);
	return fd;
}

static int from_hex(const char *text, size_t length, uint8_t *bytes)
{
	if (length % 2 != 0 || length / 2 > FRAME_BYTES)
		return -1;
	for (size_t i = 0; i < length / 2; i++) {
		unsigned int byte;
		if (sscanf(text + 2 * i, "%2x", &byte) != 1)
			return -1;
		bytes[i] = byte;
	}
	return length / 2;
}

static void send_repeated(int fd, const uint8_t *frame, int length, uint64_t repeat, uint64_t gap_us)
{
	uint64_t first = now_ns(), last = first, sent = 0, errors = 0;

	for (uint64_t i = 0; i < repeat && !stopped; i++) {
		if (gap_us && i)
			sleep_until(first + i * gap_us * 1000);
		last = now_ns();
		if (send(fd, frame, length, 0) == length)
			sent++;
		else
			errors++;
	}
	printf("{\"sent\":%lu,\"errors\":%lu,\"firstNs\":\"%lu\",\"lastNs\":\"%lu\"}\n", sent, errors, first, last);
	fflush(stdout);
}

static int send_lines(const char *device, uint64_t every_us)
{
	static uint8_t frame[FRAME_BYTES];
	int fd = open_socket(device, 0);
	char *line = NULL;
	size_t capacity = 0;
	uint64_t due_ns = now_ns();

	for (; !stopped && getline(&line, &capacity, stdin) > 0; due_ns += every_us * 1000) {
		uint64_t repeat = 1, gap_us = 0;
		size_t digits = strspn(line, "0123456789abcdefABCDEF");
		int length = from_hex(line, digits, frame);
		sscanf(line + digits, "%lu %lu", &repeat, &gap_us);
		if (length < ETH_HLEN) {
			fprintf(stderr, "frame-tool: not a frame in hex: %s", line);
			return 2;
		}
		if (every_us)
			sleep_until(due_ns);
		send_repeated(fd, frame, length, repeat, gap_us);
	}
	return 0;
}

static bool matches(const struct filter *want, const uint8_t *frame, size_t length)
{
	size_t at = 12;

	if (want->family == 0)
		return true;
	while (at + 6 <= length && ((frame[at] << 8 | frame[at + 1]) == ETH_P_8021Q ||
				    (frame[at] << 8 | frame[at + 1]) == ETH_P_8021AD))
		at += 4;
	if (at + 2 > length)
		return false;
	uint16_t type = frame[at] << 8 | frame[at + 1];
	at += 2;
	if (want->family == AF_INET)
		return type == ETH_P_IP && at + 20 <= length && memcmp(frame + at + 16, want->address, 4) == 0;
	return type == ETH_P_IPV6 && at + 40 <= length && memcmp(frame + at + 24, want->address, 16) == 0;
}

// The kernel hands over a tag beside the frame; a test wants the frame as it was on the wire.
static ssize_t receive(int fd, uint8_t *frame)
{
	char control[CMSG_SPACE(sizeof(struct tpacket_auxdata))];
	struct iovec part = { frame, FRAME_BYTES };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = control,
				  .msg_controllen = sizeof(control) };
	ssize_t length = recvmsg(fd, &message, MSG_DONTWAIT);
	struct cmsghdr *found = length < ETH_HLEN ? NULL : CMSG_FIRSTHDR(&message);
	struct tpacket_auxdata beside;

	if (!found || found->cmsg_type != PACKET_AUXDATA)
		return length;
	memcpy(&beside, CMSG_DATA(found), sizeof(beside));
	if (!(beside.tp_status & TP_STATUS_VLAN_VALID))
		return length;
	uint16_t tag[2] = { htons(beside.tp_vlan_tpid), htons(beside.tp_vlan_tci) };
	memmove(frame + 16, frame + 12, length - 12);
	memcpy(frame + 12, tag, sizeof(tag));
	return length + 4;
}

static void count_mac(struct totals *totals, const uint8_t *mac)
{
	int i = 0;

	while (i < totals->macs && memcmp(totals->per_mac[i].mac, mac, 6) != 0)
		i++;
	if (i == MAX_MACS)
		return;
	if (i == totals->macs)
		memcpy(totals->per_mac[totals->macs++].mac, mac, 6);
	totals->per_mac[i].frames++;
}

static void print_hex(const uint8_t *frame, size_t length)
{
	for (size_t i = 0; i < length; i++)
		printf("%02x", frame[i]);
	putchar('\n');
	fflush(stdout);
}

static void print_totals(const struct totals *totals)
{
	printf("{\"frames\":%lu,\"bytes\":%lu,\"byDestination\":{", totals->frames, totals->bytes);
	for (int i = 0; i < totals->macs; i++) {
		const uint8_t *m = totals->per_mac[i].mac;
		printf("%s\"%02x:%02x:%02x:%02x:%02x:%02x\":%lu", i ? "," : "", m[0], m[1], m[2], m[3], m[4], m[5],
		       totals->per_mac[i].frames);
	}
	printf("}}\n");
}

static int sink(const char *device, const struct filter *want)
{
	static uint8_t frame[FRAME_BYTES + 4];
	static struct totals totals;
	int fd = open_socket(device, ETH_P_ALL);
	uint64_t end_ns = want->seconds > 0 ? now_ns() + want->seconds * 1e9 : UINT64_MAX;

	fprintf(stderr, "ready\n");
	while (want->count == 0 || totals.frames < want->count) {
		ssize_t length = receive(fd, frame);
		// The end is looked for only on an empty queue: what had arrived before the signal counts.
		if (length < 0 && (stopped || now_ns() >= end_ns))
			break;
		if (length < 0)
			poll(&(struct pollfd){ .fd = fd, .events = POLLIN }, 1, 20);
		if (length < ETH_HLEN || !matches(want, frame, length))
			continue;
		totals.frames++;
		totals.bytes += length;
		count_mac(&totals, frame);
		if (want->hex)
			print_hex(frame, length);
	}
	print_totals(&totals);
	return 0;
}

static int parse_address(struct filter *want, const char *text)
{
	want->family = strchr(text, ':') ? AF_INET6 : AF_INET;
	return inet_pton(want->family, text, want->address);
}

static int usage(void)
{
	fprintf(stderr, "usage: frame-tool send DEV [EVERY-US] | sink DEV [--count N] [--seconds S] [--dst IP] [--hex]\n");
	return 2;
}

int main(int argc, char **argv)
{
	struct filter want = { 0 };

	stop_on_signals();
	if ((argc == 3 || argc == 4) && strcmp(argv[1], "send") == 0)
		return send_lines(argv[2], argc == 4 ? strtoull(argv[3], NULL, 10) : 0);
	if (argc < 3 || strcmp(argv[1], "sink") != 0)
		return usage();
	for (int i = 3; i < argc; i++) {
		const char *value = i + 1 < argc ? argv[i + 1] : NULL;
		if (strcmp(argv[i], "--hex") == 0)
			want.hex = true;
		else if (value && strcmp(argv[i], "--count") == 0)
			want.count = strtoull(argv[++i], NULL, 10);
		else if (value && strcmp(argv[i], "--seconds") == 0)
			want.seconds = strtod(argv[++i], NULL);
		else if (!value || strcmp(argv[i], "--dst") != 0 || parse_address(&want, argv[++i]) != 1)
			return usage();
	}
	return sink(argv[2], &want);
}
