/* SPDX-License-Identifier: Apache-2.0 */
#include "base/io.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/err.h"

#define POLL_MAX_MS  60000
#define REAP_STEP_NS 2000000
#define REAP_LAST_MS 500 /* for the kernel to end what was killed */

static int64_t now_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* What poll(2) is to wait for at most; 0 when the deadline has passed. */
static int left_ms(int64_t deadline)
{
	int64_t left = deadline > 0 ? deadline - now_ms() : POLL_MAX_MS;

	if (left < 0)
		left = 0;
	return left > POLL_MAX_MS ? POLL_MAX_MS : (int)left;
}

int io_wait(int fd, short events, int cancel_fd, int64_t deadline)
{
	struct pollfd p[2] = {
	    {.fd = fd, .events = events}, {.fd = cancel_fd, .events = POLLIN}};
	int n, timeout;

	for (;;) {
		timeout = left_ms(deadline);
		n = poll(p, 2, timeout);
		if (n < 0 && errno != EINTR)
			return ERR_IO;
		if (n > 0)
			return p[1].revents != 0 ? ERR_CANCELED : 0;
		if (n == 0 && deadline > 0 && now_ms() >= deadline)
			return ERR_TIMEOUT;
	}
}

int io_write_full(int fd, const void *data, size_t len)
{
	const uint8_t *p = data;

	while (len > 0) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return ERR_IO;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

static int read_all(int fd, uint8_t *p, size_t max, size_t *len)
{
	uint8_t beyond;
	ssize_t n;

	*len = 0;
	for (;;) {
		if (*len < max)
			n = read(fd, p + *len, max - *len);
		else
			n = read(fd, &beyond, 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return ERR_IO;
		if (n == 0)
			return 0;
		if (*len == max)
			return ERR_LIMIT;
		*len += (size_t)n;
	}
}

int io_read_file(const char *path, void *data, size_t max, size_t *len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	int rc, saved;

	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR ? ERR_ABSENT
							   : ERR_IO;
	rc = read_all(fd, data, max, len);
	saved = errno;
	(void)close(fd);
	errno = saved;
	return rc;
}

int io_send_record(int fd, uint32_t type, const void *data, size_t len,
    int cancel_fd, int64_t deadline)
{
	union {
		const void *in;
		void *out;
	} cast = {.in = data};
	struct iovec iov[2] = {{.iov_base = &type, .iov_len = sizeof type},
	    {.iov_base = cast.out, .iov_len = len}};
	struct msghdr msg = {.msg_iov = iov, .msg_iovlen = 2};
	int rc;

	if (len > IO_RECORD_MAX)
		return ERR_LIMIT;
	for (;;) {
		if (sendmsg(fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0)
			return 0;
		if (errno == EPIPE || errno == ECONNRESET)
			return ERR_EOF;
		if (errno != EAGAIN && errno != EINTR)
			return ERR_IO;
		rc = io_wait(fd, POLLOUT, cancel_fd, deadline);
		if (rc != 0)
			return rc;
	}
}

int io_recv_record(int fd, uint32_t *type, void *data, size_t max, size_t *len,
    int cancel_fd, int64_t deadline)
{
	struct iovec iov[2] = {{.iov_base = type, .iov_len = sizeof *type},
	    {.iov_base = data, .iov_len = max}};
	struct msghdr msg = {.msg_iov = iov, .msg_iovlen = 2};
	ssize_t n;
	int rc;

	for (;;) {
		rc = io_wait(fd, POLLIN, cancel_fd, deadline);
		if (rc != 0)
			return rc;
		n = recvmsg(fd, &msg, MSG_DONTWAIT);
		if (n >= 0)
			break;
		if (errno == ECONNRESET)
			return ERR_EOF;
		if (errno != EAGAIN && errno != EINTR)
			return ERR_IO;
	}
	if (n == 0)
		return ERR_EOF;
	if ((size_t)n < sizeof *type || (msg.msg_flags & MSG_TRUNC) != 0)
		return ERR_FORMAT;
	*len = (size_t)n - sizeof *type;
	return 0;
}

int io_split(int *fd, pid_t *child)
{
	const pid_t parent = getpid();
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
		return ERR_IO;
	*child = fork();
	if (*child < 0) {
		(void)close(pair[0]);
		(void)close(pair[1]);
		return ERR_IO;
	}
	*fd = pair[*child == 0 ? 1 : 0];
	(void)close(pair[*child == 0 ? 0 : 1]);
	if (*child == 0) {
		/* The parent may have died before the request was made. */
		if (prctl(PR_SET_PDEATHSIG, SIGTERM) != 0 ||
		    getppid() != parent)
			_exit(err_exit(ERR_CANCELED));
	}
	return 0;
}

static int stop_pipe[2] = {-1, -1};

static void on_stop(int signal)
{
	const int saved = errno;

	(void)signal;
	/* A full pipe says the same already. */
	if (write(stop_pipe[1], "", 1) < 0)
		errno = saved;
	errno = saved;
}

int io_stop_fd(int *fd)
{
	/* No SA_RESTART: a driver that sleeps in read(2) must let go. */
	const struct sigaction stop = {.sa_handler = on_stop};
	const struct sigaction ignore = {.sa_handler = SIG_IGN};

	if (pipe2(stop_pipe, O_CLOEXEC | O_NONBLOCK) != 0 ||
	    sigaction(SIGTERM, &stop, NULL) != 0 ||
	    sigaction(SIGINT, &stop, NULL) != 0 ||
	    sigaction(SIGPIPE, &ignore, NULL) != 0)
		return ERR_IO;
	*fd = stop_pipe[0];
	return 0;
}

/* Whether the child has ended, or cannot be waited for. */
static bool has_ended(pid_t child, int *status)
{
	pid_t got = waitpid(child, status, WNOHANG);

	return got == child || (got < 0 && errno != EINTR);
}

int io_reap(pid_t child, int64_t deadline)
{
	const struct timespec step = {.tv_nsec = REAP_STEP_NS};
	const int64_t last = deadline + REAP_LAST_MS;
	bool killed = false;
	int status = 0;

	while (!has_ended(child, &status)) {
		if (!killed && now_ms() >= deadline) {
			(void)kill(child, SIGKILL);
			killed = true;
		}
		/* One of another user may be beyond our reach. */
		if (now_ms() >= last)
			return IO_NOT_REAPED;
		(void)nanosleep(&step, NULL);
	}
	return status;
}
