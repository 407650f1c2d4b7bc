// SPDX-License-Identifier: BSD-2-Clause
// Imitates a virtual machine's NIC: a tap on the hypervisor and a tap inside the guest's namespace, joined by
// copying each frame with its virtio header. Partial checksums and unsegmented frames thus cross as they do
// between virtio-net and vhost. Names, addresses and link state are set by others.
//
//   cc -O2 -Wall -Wextra -Werror -pthread -o build/lab/tap-cable src/lab/tools/tap-cable.c
//   tap-cable PORT GUEST-NETNS-PATH GUEST-DEVICE [keep]
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <unistd.h>

// Younger than Debian 12's headers (kernel 6.2): UDP segmentation.
#ifndef TUN_F_USO4
#define TUN_F_USO4 0x20
#define TUN_F_USO6 0x40
#endif

#define VNET_HEADER_BYTES 12 // virtio-net 1.0: with num_buffers
#define FRAME_BYTES (VNET_HEADER_BYTES + 65536 + 64)

struct direction {
	int from;
	int to;
};

static _Noreturn void fail(const char *what, const char *about)
{
	fprintf(stderr, "tap-cable: %s %s: %s\n", what, about, strerror(errno));
	exit(1);
}

// What the reader of a tap takes on is what the sending kernel may leave undone.
static void set_offloads(int fd, const char *name)
{
	unsigned long base = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN;
	if (ioctl(fd, TUNSETOFFLOAD, base | TUN_F_USO4 | TUN_F_USO6) == 0)
		return;
	if (ioctl(fd, TUNSETOFFLOAD, base) < 0)
		fail("offloads of", name);
}

static int open_tap(const char *name)
{
	struct ifreq request = { .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR };
	int header_bytes = VNET_HEADER_BYTES;
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		fail("open", "/dev/net/tun");
	if (strlen(name) >= IFNAMSIZ) {
		errno = ENAMETOOLONG;
		fail("device", name);
	}
	strcpy(request.ifr_name, name);
	if (ioctl(fd, TUNSETIFF, &request) < 0)
		fail("create", name);
	if (ioctl(fd, TUNSETVNETHDRSZ, &header_bytes) < 0)
		fail("header size of", name);
	set_offloads(fd, name);
	return fd;
}

static void enter(const char *namespace_path)
{
	int fd = open(namespace_path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || setns(fd, CLONE_NEWNET) < 0)
		fail("enter", namespace_path);
	close(fd);
}

// A tap that is down refuses a frame (EIO), as an unplugged cable does; anything else on the reading side
// means that the device is gone.
static void *copy_frames(void *argument)
{
	const struct direction *way = argument;
	char *frame = malloc(FRAME_BYTES);

	if (!frame)
		fail("memory for", "a frame");
	for (;;) {
		ssize_t length = read(way->from, frame, FRAME_BYTES);
		if (length < 0 && (errno == EINTR || errno == EIO))
			continue;
		if (length < 0)
			fail("read", "tap");
		if (write(way->to, frame, length) < 0 && errno == EBADFD)
			fail("write", "tap");
	}
}

int main(int argc, char **argv)
{
	if (argc < 4) {
		fprintf(stderr, "usage: tap-cable PORT GUEST-NETNS-PATH GUEST-DEVICE [keep]\n");
		return 2;
	}
	if (argc == 4 && prctl(PR_SET_PDEATHSIG, SIGTERM) < 0)
		fail("prctl", "PDEATHSIG");
	// Threads share descriptors, but a namespace belongs to each thread: enter it before there are two.
	int host = open_tap(argv[1]);
	enter(argv[2]);
	int guest = open_tap(argv[3]);
	puts("ready");
	fflush(stdout);

	struct direction out = { .from = guest, .to = host }, in = { .from = host, .to = guest };
	pthread_t thread;
	if (pthread_create(&thread, NULL, copy_frames, &out) != 0)
		fail("start", "thread");
	copy_frames(&in);
}
