// SPDX-License-Identifier: BSD-2-Clause
// What one guest's NIC saw of a failover, with the kernel's stamps: when it advertised and announced, which probes of a
// stream it got, which it answered. All times are CLOCK_MONOTONIC nanoseconds. What they mean is for the reader.
//
//   cc -O2 -Wall -Wextra -Werror -pthread -o build/lab/witness src/lab/tools/witness.c
//   witness DEV VIP PORT FILE
//
// FILE gets a line "KIND NS SEQ" for each: advert (VRRP, its priority for SEQ), announce (ARP, gratuitous), probe (in)
// and answer (out), both UDP of the stream. A line "flows SEQ" goes to standard output whenever probes come again
// after a silence. SIGTERM ends it.
#define _GNU_SOURCE
#include "common.h"
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <unistd.h>

#define SILENCE_NS 5000000ull
#define VRRP 112
#define HEAD_BYTES 128

struct subject {
	uint32_t vip; // network order
	uint16_t port; // host order
	FILE *out;
	uint64_t last_probe_ns;
};

struct sight {
	const uint8_t *bytes; // from the Ethernet header on
	ssize_t length;
	bool is_sent;
	uint64_t at_ns;
};

static int open_socket(const char *device)
{
	struct timeval tick = { .tv_usec = 20000 };
	int one = 1, fd = packet_socket();

	if (setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &one, sizeof(one)) < 0)
		fail("SO_TIMESTAMPNS");
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tick, sizeof(tick));
	bind_to_device(fd, device, ETH_P_ALL);
	return fd;
}

// The kernel stamps frames by the wall clock. Both clocks are read at once, so a step of the one does no harm.
static uint64_t stamp_ns(struct msghdr *message)
{
	struct timespec wall, stamp;
	uint64_t now = now_ns();

	clock_gettime(CLOCK_REALTIME, &wall);
	for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SO_TIMESTAMPNS)
			continue;
		memcpy(&stamp, CMSG_DATA(c), sizeof(stamp));
		return now - ((wall.tv_sec - stamp.tv_sec) * 1000000000ll + wall.tv_nsec - stamp.tv_nsec);
	}
	return now;
}

static void note(const struct subject *s, const char *kind, uint64_t at_ns, uint64_t seq)
{
	fprintf(s->out, "%s %lu %lu\n", kind, at_ns, seq);
}

// Hardware 8 + sender's MAC 6 into it, the sender's protocol address; 24 into it, the target's.
static void see_arp(const struct subject *s, const struct sight *sight)
{
	const uint8_t *arp = sight->bytes + ETH_HLEN;

	if (sight->length < ETH_HLEN + 28 || !sight->is_sent)
		return;
	if (memcmp(arp + 14, &s->vip, 4) == 0 && memcmp(arp + 24, &s->vip, 4) == 0)
		note(s, "announce", sight->at_ns, 0);
}

static void see_stream(struct subject *s, const struct sight *sight, const struct iphdr *ip, const uint8_t *udp)
{
	struct udphdr header;
	uint64_t seq;

	if (udp + sizeof(header) + sizeof(seq) > sight->bytes + sight->length)
		return;
	memcpy(&header, udp, sizeof(header));
	memcpy(&seq, udp + sizeof(header), sizeof(seq));
	if (sight->is_sent) {
		if (ip->saddr == s->vip && ntohs(header.source) == s->port)
			note(s, "answer", sight->at_ns, seq);
		return;
	}
	if (ip->daddr != s->vip || ntohs(header.dest) != s->port)
		return;
	note(s, "probe", sight->at_ns, seq);
	if (sight->at_ns > s->last_probe_ns + SILENCE_NS)
		printf("flows %lu\n", seq);
	s->last_probe_ns = sight->at_ns;
}

static void see_ip(struct subject *s, const struct sight *sight)
{
	const uint8_t *bytes = sight->bytes + ETH_HLEN;
	struct iphdr ip;

	if (sight->length < (ssize_t)(ETH_HLEN + sizeof(ip)))
		return;
	memcpy(&ip, bytes, sizeof(ip));
	bytes += ip.ihl * 4;
	if (ip.protocol == IPPROTO_UDP)
		see_stream(s, sight, &ip, bytes);
	else if (ip.protocol == VRRP && sight->is_sent && bytes + 3 <= sight->bytes + sight->length)
		note(s, "advert", sight->at_ns, bytes[2]);
}

// A bridge that has forgotten a MAC floods: what is meant for another does not count as come.
static void watch(struct subject *s, int fd)
{
	uint8_t bytes[HEAD_BYTES];
	char control[128];

	while (!stopped) {
		struct sockaddr_ll from;
		struct iovec part = { bytes, sizeof(bytes) };
		struct msghdr message = { .msg_name = &from, .msg_namelen = sizeof(from), .msg_iov = &part,
					  .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control) };
		ssize_t length = recvmsg(fd, &message, 0);
		if (length < ETH_HLEN || from.sll_pkttype == PACKET_OTHERHOST)
			continue;
		struct sight sight = { bytes, length, from.sll_pkttype == PACKET_OUTGOING, stamp_ns(&message) };
		if (from.sll_protocol == htons(ETH_P_ARP))
			see_arp(s, &sight);
		else if (from.sll_protocol == htons(ETH_P_IP))
			see_ip(s, &sight);
	}
}

int main(int argc, char **argv)
{
	struct subject s = { 0 };

	if (argc != 5 || inet_pton(AF_INET, argv[2], &s.vip) != 1 || atoi(argv[3]) < 1) {
		fprintf(stderr, "usage: witness DEV VIP PORT FILE\n");
		return 2;
	}
	s.port = atoi(argv[3]);
	s.out = fopen(argv[4], "w");
	if (!s.out)
		fail(argv[4]);
	setvbuf(stdout, NULL, _IOLBF, 0);
	stop_on_signals();
	int fd = open_socket(argv[1]);
	fprintf(stderr, "ready\n");
	watch(&s, fd);
	if (fclose(s.out) != 0)
		fail(argv[4]);
	return 0;
}
