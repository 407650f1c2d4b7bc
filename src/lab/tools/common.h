// SPDX-License-Identifier: BSD-2-Clause
// What the lab's tools have in common: the monotonic clock, pacing by absolute times, ending on a signal, and packet sockets.
#pragma once
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

static volatile sig_atomic_t stopped;

static void note_stop(int number)
{
	(void)number;
	stopped = 1;
}

// Without SA_RESTART: a blocked read has to end.
static inline void stop_on_signals(void)
{
	struct sigaction action = { .sa_handler = note_stop };

	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
}

static _Noreturn inline void fail(const char *what)
{
	fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, what, strerror(errno));
	exit(1);
}

static inline uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ull + now.tv_nsec;
}

// An absolute time: a late wake-up does not delay the ones after it.
static inline void sleep_until(uint64_t at_ns)
{
	struct timespec at = { .tv_sec = at_ns / 1000000000ull, .tv_nsec = at_ns % 1000000000ull };

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL) == EINTR && !stopped)
		;
}

// It hears nothing before it is bound: options come between.
static inline int packet_socket(void)
{
	int buffer = 32 << 20;
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

	if (fd < 0)
		fail("socket");
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof(buffer));
	return fd;
}

// protocol 0 receives nothing: a sender's queue must not fill with what it never reads.
static inline void bind_to_device(int fd, const char *device, uint16_t protocol)
{
	struct sockaddr_ll address = { .sll_family = AF_PACKET, .sll_protocol = htons(protocol) };

	address.sll_ifindex = if_nametoindex(device);
	if (address.sll_ifindex == 0)
		fail(device);
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		fail(device);
}
