/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two network namespaces and a slow link between them:
 *
 *	link MICROSECONDS
 *
 * Each IP packet arrives so much later than it was sent, in both directions, so
 * that every round trip of TCP and TLS counts as on a real network: handshakes,
 * too.  Nothing is lost or out of order, and nothing is limited.  It needs
 * CAP_NET_ADMIN.  Prints {"near": NAMESPACE, "far": NAMESPACE}, files for
 * setns(2) that are there until the end of standard input ends it.  The near
 * side is 169.254.169.1, the far one 169.254.169.254: the agent speaks plain
 * HTTP with loopback and metadata services alone.
 */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#define PACKET_MAX 2048
#define QUEUE      4096 /* packets on their way; more wait in the kernel */

/* One direction. */
struct way {
	int from, to;
	size_t first, n;
	struct {
		int64_t due;
		size_t len;
		char bytes[PACKET_MAX];
	} packets[QUEUE];
};

static struct way ways[2];
static int64_t delay_ns;

static int64_t now_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void set_address(
    int ctl, struct ifreq *device, unsigned long call, const char *address)
{
	struct sockaddr_in in = {.sin_family = AF_INET};

	(void)inet_pton(AF_INET, address, &in.sin_addr);
	memcpy(&device->ifr_addr, &in, sizeof in);
	if (ioctl(ctl, call, device) != 0)
		err(1, "cannot set the address %s", address);
}

static void bring_up(int ctl, struct ifreq *device)
{
	device->ifr_flags = IFF_UP | IFF_RUNNING;
	if (ioctl(ctl, SIOCSIFFLAGS, device) != 0)
		err(1, "cannot bring %s up", device->ifr_name);
}

/* Go into a new namespace with one device; the descriptor of its packets. */
static int new_side(const char *address)
{
	struct ifreq tun = {.ifr_name = "link"}, lo = {.ifr_name = "lo"};
	int fd, ctl;

	if (unshare(CLONE_NEWNET) != 0)
		err(1, "no network namespace");
	fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	ctl = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	tun.ifr_flags = IFF_TUN | IFF_NO_PI;
	if (fd < 0 || ctl < 0 || ioctl(fd, TUNSETIFF, &tun) != 0)
		err(1, "no device by /dev/net/tun");
	set_address(ctl, &tun, SIOCSIFADDR, address);
	set_address(ctl, &tun, SIOCSIFNETMASK, "255.255.0.0");
	bring_up(ctl, &tun);
	bring_up(ctl, &lo);
	(void)close(ctl);
	return fd;
}

static int this_namespace(void)
{
	const int fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		err(1, "/proc/self/ns/net");
	return fd;
}

static void take_packets(struct way *w)
{
	while (w->n < QUEUE) {
		const size_t at = (w->first + w->n) % QUEUE;
		const ssize_t len =
		    read(w->from, w->packets[at].bytes, PACKET_MAX);

		if (len < 0 && errno == EAGAIN)
			return;
		if (len < 0)
			err(1, "cannot read a packet");
		w->packets[at].due = now_ns() + delay_ns;
		w->packets[at].len = (size_t)len;
		w->n++;
	}
}

static void give_packets(struct way *w)
{
	while (w->n > 0 && w->packets[w->first].due <= now_ns()) {
		if (write(w->to, w->packets[w->first].bytes,
			w->packets[w->first].len) < 0)
			err(1, "cannot write a packet");
		w->first = (w->first + 1) % QUEUE;
		w->n--;
	}
}

/* ns until the next packet is due; -1: none is on its way. */
static int64_t time_left(void)
{
	int64_t least = -1;

	for (int i = 0; i < 2; i++) {
		const struct way *w = &ways[i];
		int64_t left;

		if (w->n == 0)
			continue;
		left = w->packets[w->first].due - now_ns();
		if (left < 0)
			left = 0;
		if (least < 0 || left < least)
			least = left;
	}
	return least;
}

static void carry(void)
{
	struct pollfd watched[] = {{.fd = ways[0].from, .events = POLLIN},
	    {.fd = ways[1].from, .events = POLLIN},
	    {.fd = STDIN_FILENO, .events = POLLIN}};

	for (;;) {
		const int64_t left = time_left();
		const struct timespec wait = {
		    left / 1000000000, (long)(left % 1000000000)};

		if (ppoll(watched, 3, left < 0 ? NULL : &wait, NULL) < 0)
			err(1, "ppoll");
		for (int i = 0; i < 2; i++)
			take_packets(&ways[i]);
		for (int i = 0; i < 2; i++)
			give_packets(&ways[i]);
		if (watched[2].revents != 0)
			return;
	}
}

int main(int argc, char *argv[])
{
	int near, far, fd[2];

	if (argc != 2)
		errx(64, "usage: link MICROSECONDS");
	delay_ns = strtoll(argv[1], NULL, 10) * 1000;
	/* The kernel wakes sleepers up to 50 us late otherwise. */
	(void)prctl(PR_SET_TIMERSLACK, 1L, 0L, 0L, 0L);
	fd[0] = new_side("169.254.169.1");
	near = this_namespace();
	fd[1] = new_side("169.254.169.254");
	far = this_namespace();
	for (int i = 0; i < 2; i++) {
		ways[i].from = fd[i];
		ways[i].to = fd[1 - i];
	}
	(void)printf("{\"near\": \"/proc/%d/fd/%d\", "
		     "\"far\": \"/proc/%d/fd/%d\"}\n",
	    getpid(), near, getpid(), far);
	(void)fflush(stdout);
	carry();
	return 0;
}
