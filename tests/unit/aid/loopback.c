/* SPDX-License-Identifier: Apache-2.0 */
#include "aid/loopback.h"
#include "aid/virtual.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CONNECTIONS_MAX 32
#define REQUESTS_MAX    256
#define REQUEST_MAX     ((size_t)4 << 20) /* bytes */
#define ROOM_FIRST      4096

/* The server lives in real time, whatever that of the test is. */
struct connection {
	int fd;
	char *in;
	size_t in_len, in_room;
	const struct loopback_step *step; /* being answered, NULL: reading */
	size_t sent;
	int64_t due; /* when the next byte of the answer may leave */
};

struct loopback {
	const struct loopback_step *steps;
	int n;
	int listener;
	int stop;
	char url[64];
	pthread_t thread;
	pthread_mutex_t lock; /* the counters and requests below */
	int connections;
	int requests;
	char *request[REQUESTS_MAX];
	struct connection at[CONNECTIONS_MAX]; /* the thread's own */
};

static void drop(struct connection *c)
{
	(void)close(c->fd);
	free(c->in);
	*c = (struct connection){.fd = -1};
}

static void take_connection(struct loopback *l)
{
	int fd = accept4(l->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	const int on = 1;

	if (fd < 0)
		return;
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	(void)pthread_mutex_lock(&l->lock);
	l->connections++;
	(void)pthread_mutex_unlock(&l->lock);
	for (int i = 0; i < CONNECTIONS_MAX; i++) {
		if (l->at[i].fd >= 0)
			continue;
		l->at[i] = (struct connection){.fd = fd};
		return;
	}
	(void)close(fd);
}

/* Bytes of the first whole request in the buffer, 0 while there is none. */
static size_t whole_request(const struct connection *c)
{
	const char *end = c->in != NULL ? strstr(c->in, "\r\n\r\n") : NULL;
	size_t len;

	if (end == NULL)
		return 0;
	len = (size_t)(end - c->in) + 4;
	for (const char *line = c->in; line < end;) {
		if (strncasecmp(line, "Content-Length:", 15) == 0)
			len += strtoul(line + 15, NULL, 10);
		line = strstr(line, "\r\n") + 2;
	}
	return len <= c->in_len ? len : 0;
}

static void begin_answer(struct loopback *l, struct connection *c)
{
	size_t len = whole_request(c);
	int k;

	if (c->step != NULL || len == 0)
		return;
	(void)pthread_mutex_lock(&l->lock);
	k = l->requests++;
	if (k < REQUESTS_MAX)
		l->request[k] = strndup(c->in, len);
	(void)pthread_mutex_unlock(&l->lock);
	c->in_len -= len;
	memmove(c->in, c->in + len, c->in_len + 1);
	c->step = &l->steps[k < l->n ? k : l->n - 1];
	c->sent = 0;
	c->due = virtual_real_ms() + c->step->delay_ms;
}

static void receive(struct loopback *l, struct connection *c)
{
	ssize_t n;

	if (c->in_len + 1 >= c->in_room) {
		size_t room = c->in_room > 0 ? c->in_room * 2 : ROOM_FIRST;
		char *in = room <= REQUEST_MAX ? realloc(c->in, room) : NULL;

		if (in == NULL) {
			drop(c);
			return;
		}
		c->in = in;
		c->in_room = room;
	}
	n = recv(c->fd, c->in + c->in_len, c->in_room - c->in_len - 1, 0);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		drop(c);
		return;
	}
	c->in_len += (size_t)n;
	c->in[c->in_len] = '\0';
	begin_answer(l, c);
}

/* Send what is due; true when the socket's buffer is full. */
static bool answer(struct loopback *l, struct connection *c)
{
	const char *text = c->step->answer;
	size_t len = text != NULL ? strlen(text) : 0;

	while (c->sent < len && virtual_real_ms() >= c->due) {
		size_t part = c->step->trickle_ms > 0 ? 1 : len - c->sent;
		ssize_t n = send(c->fd, text + c->sent, part, MSG_NOSIGNAL);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return true;
		if (n < 0) {
			drop(c);
			return false;
		}
		c->sent += (size_t)n;
		c->due += c->step->trickle_ms;
	}
	if (c->sent < len || virtual_real_ms() < c->due)
		return false;
	if (text == NULL || c->step->close) {
		drop(c);
		return false;
	}
	c->step = NULL;
	begin_answer(l, c);
	return false;
}

static int wait_ms(const struct connection *c, int timeout)
{
	int64_t left;

	if (c->fd < 0 || c->step == NULL)
		return timeout;
	left = c->due - virtual_real_ms();
	if (left < 0)
		left = 0;
	return timeout < 0 || left < timeout ? (int)left : timeout;
}

static void *serve(void *arg)
{
	struct loopback *l = arg;
	struct pollfd fds[CONNECTIONS_MAX + 2];

	for (;;) {
		int timeout = -1;

		for (int i = 0; i < CONNECTIONS_MAX; i++) {
			struct connection *c = &l->at[i];
			bool full =
			    c->fd >= 0 && c->step != NULL && answer(l, c);

			fds[i].fd = c->fd;
			fds[i].events = full ? POLLOUT | POLLIN : POLLIN;
			if (!full)
				timeout = wait_ms(c, timeout);
		}
		fds[CONNECTIONS_MAX] = (struct pollfd){l->stop, POLLIN, 0};
		fds[CONNECTIONS_MAX + 1] =
		    (struct pollfd){l->listener, POLLIN, 0};
		if (poll(fds, CONNECTIONS_MAX + 2, timeout) < 0)
			continue;
		if (fds[CONNECTIONS_MAX].revents != 0)
			return NULL;
		for (int i = 0; i < CONNECTIONS_MAX; i++)
			if (fds[i].fd >= 0 &&
			    (fds[i].revents & (POLLIN | POLLHUP | POLLERR)))
				receive(l, &l->at[i]);
		if (fds[CONNECTIONS_MAX + 1].revents != 0)
			take_connection(l);
	}
}

struct loopback *loopback_new(const struct loopback_step *steps, int n)
{
	struct sockaddr_in sin = {
	    .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct loopback *l = calloc(1, sizeof *l);
	socklen_t len = sizeof sin;

	assert_non_null(l);
	assert_true(n > 0);
	l->steps = steps;
	l->n = n;
	for (int i = 0; i < CONNECTIONS_MAX; i++)
		l->at[i].fd = -1;
	l->stop = eventfd(0, EFD_CLOEXEC);
	l->listener =
	    socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	assert_true(l->stop >= 0 && l->listener >= 0);
	assert_int_equal(
	    bind(l->listener, (struct sockaddr *)&sin, sizeof sin), 0);
	assert_int_equal(listen(l->listener, CONNECTIONS_MAX), 0);
	assert_int_equal(
	    getsockname(l->listener, (struct sockaddr *)&sin, &len), 0);
	(void)snprintf(
	    l->url, sizeof l->url, "http://127.0.0.1:%d", ntohs(sin.sin_port));
	assert_int_equal(pthread_mutex_init(&l->lock, NULL), 0);
	assert_int_equal(pthread_create(&l->thread, NULL, serve, l), 0);
	return l;
}

const char *loopback_url(const struct loopback *l)
{
	return l->url;
}

int loopback_requests(struct loopback *l)
{
	int n;

	(void)pthread_mutex_lock(&l->lock);
	n = l->requests;
	(void)pthread_mutex_unlock(&l->lock);
	return n;
}

int loopback_connections(struct loopback *l)
{
	int n;

	(void)pthread_mutex_lock(&l->lock);
	n = l->connections;
	(void)pthread_mutex_unlock(&l->lock);
	return n;
}

void loopback_expect_requests(struct loopback *l, int n)
{
	const struct timespec step = {.tv_nsec = 1000000};
	const int64_t last = virtual_real_ms() + 60000;

	/* What the client has sent may be on its way. */
	while (loopback_requests(l) < n && virtual_real_ms() < last)
		(void)nanosleep(&step, NULL);
	assert_int_equal(loopback_requests(l), n);
}

const char *loopback_request(struct loopback *l, int k)
{
	const char *text = NULL;

	(void)pthread_mutex_lock(&l->lock);
	if (k >= 0 && k < REQUESTS_MAX)
		text = l->request[k];
	(void)pthread_mutex_unlock(&l->lock);
	return text != NULL ? text : "";
}

void loopback_free(struct loopback *l)
{
	const uint64_t one = 1;

	if (l == NULL)
		return;
	assert_int_equal(write(l->stop, &one, sizeof one), sizeof one);
	assert_int_equal(pthread_join(l->thread, NULL), 0);
	for (int i = 0; i < CONNECTIONS_MAX; i++)
		if (l->at[i].fd >= 0)
			drop(&l->at[i]);
	for (int k = 0; k < REQUESTS_MAX; k++)
		free(l->request[k]);
	(void)close(l->listener);
	(void)close(l->stop);
	(void)pthread_mutex_destroy(&l->lock);
	free(l);
}
