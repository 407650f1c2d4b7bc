// SPDX-License-Identifier: BSD-2-Clause
// Moves HAVIPs between two guests, and has a third send to each the moment that the announcement has passed the hook:
// when its own copy of the broadcast arrives. Says where those packets went.
//
//   cc -O2 -Wall -Wextra -Werror -o build/lab/race src/lab/tools/race.c
//   race NETNS-A MAC-A NETNS-B MAC-B NETNS-CLIENT MAC-CLIENT MOVES HAVIPS      device eth0 in each; one line of JSON
//
// The HAVIPs are 10.128.0.0 and up; all are to be held by A. The sender addresses its packets to the old holder's MAC.
#define _GNU_SOURCE
#include "common.h"
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#define FIRST_HAVIP 0x0a800000u
#define PROBE_BYTES 60
#define SEQ_AT 42
#define PATIENCE_MS 200

struct guest {
	int fd;
	uint8_t mac[6];
};

static struct guest open_guest(const char *netns, const char *mac)
{
	struct sockaddr_ll address = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL) };
	int one = 1, buffer = 32 << 20, ns = open(netns, O_RDONLY | O_CLOEXEC);
	struct guest guest;

	if (ns < 0 || setns(ns, CLONE_NEWNET) < 0)
		fail(netns);
	close(ns);
	guest.fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (guest.fd < 0)
		fail("socket");
	address.sll_ifindex = if_nametoindex("eth0");
	if (setsockopt(guest.fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof(one)) < 0)
		fail("PACKET_IGNORE_OUTGOING");
	// A guest is not read while it is not its turn.
	setsockopt(guest.fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof(buffer));
	if (bind(guest.fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		fail("eth0");
	if (sscanf(mac, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", &guest.mac[0], &guest.mac[1], &guest.mac[2], &guest.mac[3],
		   &guest.mac[4], &guest.mac[5]) != 6) {
		fprintf(stderr, "race: not a MAC: %s\n", mac);
		exit(2);
	}
	return guest;
}

static void put32(uint8_t *at, uint32_t value)
{
	value = htonl(value);
	memcpy(at, &value, 4);
}

static void announce(const struct guest *from, uint32_t havip)
{
	static const uint8_t types[] = { 8, 6, 0, 1, 8, 0, 6, 4, 0, 1 };
	uint8_t frame[PROBE_BYTES] = { 255, 255, 255, 255, 255, 255 };

	memcpy(frame + 6, from->mac, 6);
	memcpy(frame + 12, types, sizeof(types));
	memcpy(frame + 22, from->mac, 6);
	put32(frame + 28, havip);
	put32(frame + 38, havip);
	if (send(from->fd, frame, sizeof(frame), 0) < 0)
		fail("send");
}

static void probe(const struct guest *from, const uint8_t *stale, uint32_t havip, uint32_t seq)
{
	static const uint8_t ip[] = { 8, 0, 0x45, 0, 0, 46, 0, 0, 0x40, 0, 64, 17, 0, 0, 10, 0, 1, 10 };
	static const uint8_t udp[] = { 0, 9, 0, 9, 0, 26, 0, 0 };
	uint8_t frame[PROBE_BYTES] = { 0 };
	uint32_t sum = 0;

	memcpy(frame, stale, 6);
	memcpy(frame + 6, from->mac, 6);
	memcpy(frame + 12, ip, sizeof(ip));
	put32(frame + 30, havip);
	for (int i = 14; i < 34; i += 2)
		sum += frame[i] << 8 | frame[i + 1];
	sum = (sum & 0xffff) + (sum >> 16);
	sum = ~(sum + (sum >> 16)) & 0xffff;
	frame[24] = sum >> 8;
	frame[25] = sum;
	memcpy(frame + 34, udp, sizeof(udp));
	put32(frame + SEQ_AT, seq);
	if (send(from->fd, frame, sizeof(frame), 0) < 0)
		fail("send");
}

// Whether the next frame there is the one: of this ethertype, with this word at that place.
static int next_is(const struct guest *at, uint16_t type, int offset, uint32_t word)
{
	uint8_t frame[2048], wanted[4];
	ssize_t length = recv(at->fd, frame, sizeof(frame), MSG_DONTWAIT);

	put32(wanted, word);
	return length >= offset + 4 && (frame[12] << 8 | frame[13]) == type && memcmp(frame + offset, wanted, 4) == 0;
}

// Spins: a sleep would give the announcement time that a packet on its heels does not have.
static int await_frame(const struct guest *at, uint16_t type, int offset, uint32_t word)
{
	uint64_t end_ns = now_ns() + PATIENCE_MS * 1000000ull;

	while (now_ns() < end_ns && !stopped)
		if (next_is(at, type, offset, word))
			return 1;
	return 0;
}

static int await_either(const struct guest *right, const struct guest *wrong, uint32_t seq, int *astray)
{
	uint64_t end_ns = now_ns() + PATIENCE_MS * 1000000ull;

	while (now_ns() < end_ns && !stopped) {
		if (next_is(right, ETH_P_IP, SEQ_AT, seq))
			return 1;
		if (next_is(wrong, ETH_P_IP, SEQ_AT, seq)) {
			++*astray;
			return 1;
		}
	}
	return 0;
}

int main(int argc, char **argv)
{
	int astray = 0, lost = 0, unheard = 0;
	uint32_t moves, havips;

	if (argc != 9) {
		fprintf(stderr, "usage: race NETNS-A MAC-A NETNS-B MAC-B NETNS-CLIENT MAC-CLIENT MOVES HAVIPS\n");
		return 2;
	}
	stop_on_signals();
	struct guest guests[] = { open_guest(argv[1], argv[2]), open_guest(argv[3], argv[4]) };
	struct guest client = open_guest(argv[5], argv[6]);
	moves = strtoul(argv[7], NULL, 10);
	havips = strtoul(argv[8], NULL, 10);
	for (uint32_t move = 0; move < moves && !stopped; move++) {
		uint32_t havip = FIRST_HAVIP + move % havips;
		const struct guest *to = &guests[(move / havips + 1) % 2], *from = &guests[(move / havips) % 2];

		announce(to, havip);
		if (!await_frame(&client, ETH_P_ARP, 28, havip)) {
			unheard++;
			continue;
		}
		probe(&client, from->mac, havip, move);
		lost += !await_either(to, from, move, &astray);
	}
	printf("{\"moves\":%u,\"astray\":%d,\"lost\":%d,\"unheard\":%d}\n", moves, astray, lost, unheard);
	return 0;
}
