// SPDX-License-Identifier: BSD-2-Clause
// A paced stream of numbered UDP packets that measures outages: sender, echo and receiver. All times are
// CLOCK_MONOTONIC nanoseconds, which every namespace of a machine shares. What a gap means is for the reader.
//
//   cc -O2 -Wall -Wextra -Werror -pthread -o build/lab/stream src/lab/tools/stream.c
//   stream send --to IP --port P --rate HZ --seconds S [--size BYTES] [--linger MS]
//   stream echo --port P [--out FILE]      answers from the address that was asked
//   stream recv --port P [--out FILE]      only listens
//
// FILE gets a line "SEQ SEND-NS RECEIVE-NS" for each packet. SIGINT and SIGTERM end any of them with totals.
#define _GNU_SOURCE
#include "common.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAX_PACKETS (64u << 20)
#define MAX_GAPS 1000
#define GAP_INTERVALS 3
#define MAX_BYTES 65000
#define MIN_BYTES ((int)sizeof(struct packet))

struct packet {
	uint64_t seq; // both in host order: they never leave the machine
	uint64_t send_ns;
};

struct settings {
	const char *to, *out;
	int port, size_bytes, linger_ms;
	double rate_hz, seconds;
};

// What came back to a sender. Written by the thread that receives, read once that has ended.
struct echoes {
	int fd;
	uint64_t planned;
	uint64_t *receive_ns; // by sequence number; 0: not yet
	uint64_t echoed, duplicated, reordered, highest;
	atomic_bool ended;
};

// IPv4 as mapped IPv6: one socket and one code path for both.
static struct sockaddr_in6 parse_address(const char *text, int port)
{
	struct sockaddr_in6 address = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	char mapped[INET6_ADDRSTRLEN + 8];

	snprintf(mapped, sizeof(mapped), "%s%s", strchr(text, ':') ? "" : "::ffff:", text);
	if (inet_pton(AF_INET6, mapped, &address.sin6_addr) != 1) {
		fprintf(stderr, "stream: \"%s\" is no IP address\n", text);
		exit(2);
	}
	return address;
}

static int open_socket(int port)
{
	struct sockaddr_in6 any = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	struct timeval tick = { .tv_usec = 20000 }; // how soon a receiver sees that it was stopped
	int zero = 0, one = 1, buffer = 16 << 20;
	int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		fail("socket");
	setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &zero, sizeof(zero));
	setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &one, sizeof(one));
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof(buffer));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tick, sizeof(tick));
	if (bind(fd, (struct sockaddr *)&any, sizeof(any)) < 0)
		fail("bind");
	return fd;
}

static void note_echo(struct echoes *echoes, const struct packet *packet, uint64_t at_ns)
{
	if (packet->seq >= echoes->planned)
		return; // not of this stream
	if (echoes->receive_ns[packet->seq] != 0) {
		echoes->duplicated++;
		return;
	}
	if (echoes->echoed > 0 && packet->seq < echoes->highest)
		echoes->reordered++;
	else
		echoes->highest = packet->seq;
	echoes->receive_ns[packet->seq] = at_ns;
	echoes->echoed++;
}

static void *receive_echoes(void *argument)
{
	struct echoes *echoes = argument;
	char bytes[MAX_BYTES];

	while (!atomic_load(&echoes->ended)) {
		ssize_t length = recv(echoes->fd, bytes, sizeof(bytes), 0);
		if (length >= MIN_BYTES)
			note_echo(echoes, (struct packet *)bytes, now_ns());
	}
	return NULL;
}

static void print_gap(uint64_t start_ns, uint64_t end_ns, uint64_t from, uint64_t to)
{
	printf("{\"startNs\":\"%lu\",\"endNs\":\"%lu\",\"durationNs\":%lu,\"fromSeq\":%lu,\"toSeq\":%lu,\"lost\":%lu}",
	       start_ns, end_ns, end_ns - start_ns, from, to, to - from - 1);
}

// A gap is the time between the arrivals of two echoes, neighbours among those that came.
static void print_gaps(const struct echoes *echoes, uint64_t sent, uint64_t limit_ns)
{
	const uint64_t *at = echoes->receive_ns;
	uint64_t last = UINT64_MAX, longest_from = 0, longest_to = 0, gaps = 0;

	printf("\"gaps\":[");
	for (uint64_t i = 0; i < sent; i++) {
		if (at[i] == 0)
			continue;
		if (last != UINT64_MAX && at[i] > at[last]) {
			if (longest_to == 0 || at[i] - at[last] > at[longest_to] - at[longest_from]) {
				longest_from = last;
				longest_to = i;
			}
			if (at[i] - at[last] > limit_ns && gaps < MAX_GAPS) {
				printf(gaps++ ? "," : "");
				print_gap(at[last], at[i], last, i);
			}
		}
		last = i;
	}
	printf("],\"longestGap\":");
	if (longest_to == 0)
		printf("null");
	else
		print_gap(at[longest_from], at[longest_to], longest_from, longest_to);
}

// A full socket or a missing neighbour loses this packet, not the stream.
static uint64_t send_paced(const struct settings *s, int fd, uint64_t planned, uint64_t first_ns, uint64_t *errors)
{
	struct sockaddr_in6 to = parse_address(s->to, s->port);
	static char bytes[MAX_BYTES];
	uint64_t seq = 0;

	for (; seq < planned && !stopped; seq++) {
		sleep_until(first_ns + seq * 1e9 / s->rate_hz);
		struct packet packet = { .seq = seq, .send_ns = now_ns() };
		memcpy(bytes, &packet, sizeof(packet));
		if (sendto(fd, bytes, s->size_bytes, 0, (struct sockaddr *)&to, sizeof(to)) < 0)
			(*errors)++;
	}
	return seq;
}

static int run_send(const struct settings *s)
{
	uint64_t planned = s->rate_hz * s->seconds, errors = 0;
	struct echoes echoes = { .fd = open_socket(0), .planned = planned };
	pthread_t receiver;

	if (planned == 0 || planned > MAX_PACKETS) {
		fprintf(stderr, "stream: rate x seconds is %lu packets: 1 to %u\n", planned, MAX_PACKETS);
		return 2;
	}
	echoes.receive_ns = calloc(planned, sizeof(uint64_t));
	if (!echoes.receive_ns || pthread_create(&receiver, NULL, receive_echoes, &echoes) != 0)
		fail("start");
	prctl(PR_SET_TIMERSLACK, 1000); // 50 us by default: half an interval at 10 kHz
	fprintf(stderr, "ready\n");

	uint64_t first_ns = now_ns() + 1000000, sent = send_paced(s, echoes.fd, planned, first_ns, &errors);
	uint64_t last_ns = now_ns();
	usleep(s->linger_ms * 1000);
	atomic_store(&echoes.ended, true);
	pthread_join(receiver, NULL);

	printf("{\"sent\":%lu,\"sendErrors\":%lu,\"echoed\":%lu,\"lost\":%lu,\"duplicated\":%lu,\"reordered\":%lu,", sent,
	       errors, echoes.echoed, sent - echoes.echoed, echoes.duplicated, echoes.reordered);
	printf("\"firstSendNs\":\"%lu\",\"lastSendNs\":\"%lu\",", first_ns, last_ns);
	print_gaps(&echoes, sent, GAP_INTERVALS * 1e9 / s->rate_hz);
	printf("}\n");
	return 0;
}

// The answer leaves with the address that was asked; the way out is left to the routes.
static void reply(int fd, struct msghdr *message, ssize_t length)
{
	struct cmsghdr *control = CMSG_FIRSTHDR(message);

	message->msg_iov->iov_len = length;
	message->msg_flags = 0;
	if (control && control->cmsg_level == IPPROTO_IPV6 && control->cmsg_type == IPV6_PKTINFO)
		((struct in6_pktinfo *)CMSG_DATA(control))->ipi6_ifindex = 0;
	sendmsg(fd, message, 0);
}

static int run_receive(const struct settings *s, bool echo)
{
	int fd = open_socket(s->port);
	FILE *out = s->out ? fopen(s->out, "w") : NULL;
	uint64_t received = 0, first_ns = 0, last_ns = 0;
	static char bytes[MAX_BYTES];

	if (s->out && !out)
		fail(s->out);
	if (out)
		setvbuf(out, NULL, _IOLBF, 0); // a guest that is killed must not take its record along
	fprintf(stderr, "ready\n");
	while (!stopped) {
		char control[128];
		struct sockaddr_in6 from;
		struct iovec part = { bytes, sizeof(bytes) };
		struct msghdr message = { .msg_name = &from, .msg_namelen = sizeof(from), .msg_iov = &part,
					  .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control) };
		ssize_t length = recvmsg(fd, &message, 0);
		if (length < MIN_BYTES)
			continue;
		last_ns = now_ns();
		if (received++ == 0)
			first_ns = last_ns;
		if (echo)
			reply(fd, &message, length);
		struct packet *packet = (struct packet *)bytes;
		if (out)
			fprintf(out, "%lu %lu %lu\n", packet->seq, packet->send_ns, last_ns);
	}
	if (out && fclose(out) != 0)
		fail(s->out);
	printf("{\"received\":%lu,\"firstNs\":\"%lu\",\"lastNs\":\"%lu\"}\n", received, first_ns, last_ns);
	return 0;
}

static int usage(void)
{
	fprintf(stderr, "usage: stream send --to IP --port P --rate HZ --seconds S [--size BYTES] [--linger MS]\n"
			"       stream echo|recv --port P [--out FILE]\n");
	return 2;
}

static bool parse_option(struct settings *s, const char *name, const char *value)
{
	if (strcmp(name, "--to") == 0)
		s->to = value;
	else if (strcmp(name, "--out") == 0)
		s->out = value;
	else if (strcmp(name, "--port") == 0)
		s->port = atoi(value);
	else if (strcmp(name, "--size") == 0)
		s->size_bytes = atoi(value);
	else if (strcmp(name, "--linger") == 0)
		s->linger_ms = atoi(value);
	else if (strcmp(name, "--rate") == 0)
		s->rate_hz = strtod(value, NULL);
	else if (strcmp(name, "--seconds") == 0)
		s->seconds = strtod(value, NULL);
	else
		return false;
	return true;
}

int main(int argc, char **argv)
{
	struct settings s = { .size_bytes = MIN_BYTES, .linger_ms = 300, .rate_hz = 1000, .seconds = 1 };
	const char *mode = argc > 1 ? argv[1] : "";

	for (int i = 2; i < argc; i += 2)
		if (i + 1 >= argc || !parse_option(&s, argv[i], argv[i + 1]))
			return usage();
	if (s.port < 1 || s.port > 65535 || s.size_bytes < MIN_BYTES || s.size_bytes > MAX_BYTES)
		return usage();
	stop_on_signals();
	if (strcmp(mode, "send") == 0 && s.to && s.rate_hz > 0)
		return run_send(&s);
	if (strcmp(mode, "echo") == 0 || strcmp(mode, "recv") == 0)
		return run_receive(&s, mode[0] == 'e');
	return usage();
}
