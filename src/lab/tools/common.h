// SPDX-License-Identifier: BSD-2-Clause
// What the lab's tools have in common: the monotonic clock, pacing by absolute times, and ending on a signal.
#pragma once
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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
