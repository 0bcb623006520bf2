/* SPDX-License-Identifier: Apache-2.0 */
#include "base/record.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "base/clock.h"

#define POLL_MAX_MS 60000

/* What poll(2) is to wait for at most; 0 when the deadline has passed. */
static int left_ms(int64_t deadline)
{
	int64_t left =
	    deadline > 0 ? deadline - clock_read(CLOCK_MONOTONIC) : POLL_MAX_MS;

	if (left < 0)
		left = 0;
	return left > POLL_MAX_MS ? POLL_MAX_MS : (int)left;
}

int record_wait(int fd, short events, int cancel_fd, int64_t deadline)
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
		if (n == 0 && deadline > 0 &&
		    clock_read(CLOCK_MONOTONIC) >= deadline)
			return ERR_TIMEOUT;
	}
}

int record_send(int fd, uint32_t type, const void *data, size_t len,
    int cancel_fd, int64_t deadline)
{
	struct iovec iov[2] = {{.iov_base = &type, .iov_len = sizeof type},
	    {.iov_base = (void *)data, .iov_len = len}};
	struct msghdr msg = {.msg_iov = iov, .msg_iovlen = 2};
	int rc;

	if (len > RECORD_MAX)
		return ERR_LIMIT;
	for (;;) {
		if (sendmsg(fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0)
			return 0;
		if (errno == EPIPE || errno == ECONNRESET)
			return ERR_EOF;
		if (errno != EAGAIN && errno != EINTR)
			return ERR_IO;
		rc = record_wait(fd, POLLOUT, cancel_fd, deadline);
		if (rc != 0)
			return rc;
	}
}

int record_receive(int fd, uint32_t *type, void *data, size_t max, size_t *len,
    int cancel_fd, int64_t deadline)
{
	struct iovec iov[2] = {{.iov_base = type, .iov_len = sizeof *type},
	    {.iov_base = data, .iov_len = max}};
	struct msghdr msg = {.msg_iov = iov, .msg_iovlen = 2};
	ssize_t n;
	int rc;

	for (;;) {
		rc = record_wait(fd, POLLIN, cancel_fd, deadline);
		if (rc != 0)
			return rc;
		n = recvmsg(fd, &msg, MSG_DONTWAIT);
		if (n >= 0)
			break;
		/* Told once, before what is left to be received, when the
		 * other half has ended without reading all of its own. */
		if (errno != EAGAIN && errno != EINTR && errno != ECONNRESET)
			return ERR_IO;
	}
	if (n == 0)
		return ERR_EOF;
	if ((size_t)n < sizeof *type || (msg.msg_flags & MSG_TRUNC) != 0)
		return ERR_FORMAT;
	*len = (size_t)n - sizeof *type;
	return 0;
}
