/* SPDX-License-Identifier: Apache-2.0 */
#include "producer/offline/notify.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/record.h"
#include "base/text.h"

static bool read_positive(const char *text, uint64_t *out)
{
	return text != NULL &&
	       text_read_number(text, strlen(text), UINT64_MAX, out) &&
	       *out > 0;
}

/* The variables may be inherited; WATCHDOG_PID says which process they are for.
 */
static int64_t read_watchdog(void)
{
	const char *pid_text = getenv("WATCHDOG_PID");
	uint64_t usec, pid;

	if (!read_positive(getenv("WATCHDOG_USEC"), &usec))
		return 0;
	if (pid_text != NULL &&
	    (!read_positive(pid_text, &pid) || pid != (uint64_t)getpid()))
		return 0;
	return usec < 1000 ? 1 : (int64_t)(usec / 1000);
}

/* An abstract name begins with a zero byte, and the length of the address alone
 * says where it ends (unix(7)). */
static int connect_to(int fd, const char *name, size_t len)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	memcpy(address.sun_path, name, len);
	if (name[0] == '@')
		address.sun_path[0] = '\0';
	return connect(fd, (const struct sockaddr *)(const void *)&address,
	    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len));
}

static int open_socket(struct notify *n, const char *name, struct err *err)
{
	const size_t len = strlen(name);

	if ((name[0] != '/' && name[0] != '@') || len < 2 ||
	    len >= sizeof((struct sockaddr_un *)NULL)->sun_path)
		return err_set(err, ERR_UNSUPPORTED,
		    "NOTIFY_SOCKET is no address of a local socket: the "
		    "service manager is told nothing");
	n->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (n->fd >= 0 && connect_to(n->fd, name, len) == 0)
		return 0;
	err_errno(err, ERR_IO,
	    "cannot reach the service manager at NOTIFY_SOCKET=%s", name);
	notify_close(n);
	return ERR_IO;
}

int notify_open(struct notify *n, struct err *err)
{
	const char *name = getenv("NOTIFY_SOCKET");
	int rc = 0;

	*n = (struct notify){.fd = -1};
	if (name != NULL && name[0] != '\0')
		rc = open_socket(n, name, err);
	if (n->fd >= 0)
		n->watchdog_ms = read_watchdog();
	(void)unsetenv("NOTIFY_SOCKET");
	(void)unsetenv("WATCHDOG_USEC");
	(void)unsetenv("WATCHDOG_PID");
	return rc;
}

void notify_close(struct notify *n)
{
	if (n->fd >= 0)
		(void)close(n->fd);
	*n = (struct notify){.fd = -1};
}

int notify_send(const struct notify *n, int64_t wait_ms, const char *text)
{
	const int64_t deadline = clock_read(CLOCK_MONOTONIC) + wait_ms;
	struct iovec iov = {.iov_base = (void *)text, .iov_len = strlen(text)};
	const struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	int rc = 0;

	while (n->fd >= 0 && rc == 0) {
		if (sendmsg(n->fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0)
			return 0;
		if (errno != EAGAIN && errno != EINTR)
			return ERR_IO;
		rc = record_wait(n->fd, POLLOUT, -1, deadline);
	}
	return rc;
}
