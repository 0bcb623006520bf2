/* SPDX-License-Identifier: Apache-2.0 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tests/bench/canned.h"

#define REQUEST_MAX (2 << 20) /* bytes, head included */
#define BLOCK       65536

struct connection {
	struct service *service;
	int fd;
	SSL *tls;
	struct text in;
};

static void end_connection(struct connection *c)
{
	if (c->tls != NULL) {
		c->service->counts.wire_in +=
		    (unsigned long)BIO_number_read(SSL_get_rbio(c->tls));
		c->service->counts.wire_out +=
		    (unsigned long)BIO_number_written(SSL_get_wbio(c->tls));
		SSL_free(c->tls);
	}
	(void)close(c->fd);
	free(c->in.at);
	free(c);
}

struct connection *connection_accept(struct service *service)
{
	const int fd =
	    accept4(service->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	const int on = 1;
	struct connection *c;

	if (fd < 0)
		return NULL;
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	c = calloc(1, sizeof *c);
	if (c == NULL)
		err(1, "calloc");
	c->service = service;
	c->fd = fd;
	service->counts.connections++;
	if (service->tls == NULL)
		return c;
	c->tls = SSL_new(service->tls);
	if (c->tls == NULL || SSL_set_fd(c->tls, fd) != 1)
		errx(1, "SSL_new");
	SSL_set_accept_state(c->tls);
	return c;
}

int connection_fd(const struct connection *c)
{
	return c->fd;
}

/* As read(2): 0 the end, -1 with EAGAIN when nothing is there. */
static ssize_t read_some(struct connection *c, char *space, size_t room)
{
	size_t len = 0;

	if (c->tls == NULL)
		return read(c->fd, space, room);
	if (SSL_read_ex(c->tls, space, room, &len) == 1)
		return (ssize_t)len;
	switch (SSL_get_error(c->tls, 0)) {
	case SSL_ERROR_WANT_READ:
		errno = EAGAIN;
		return -1;
	default:
		return 0;
	}
}

static ssize_t write_some(struct connection *c, const char *from, size_t len)
{
	size_t done = 0;

	if (c->tls == NULL)
		return write(c->fd, from, len);
	if (SSL_write_ex(c->tls, from, len, &done) == 1)
		return (ssize_t)done;
	errno =
	    SSL_get_error(c->tls, 0) == SSL_ERROR_WANT_WRITE ? EAGAIN : EPIPE;
	return -1;
}

/* False: the client is gone. */
static bool write_all(struct connection *c, const char *from, size_t len)
{
	struct pollfd room = {.fd = c->fd, .events = POLLOUT};

	while (len > 0) {
		ssize_t n = write_some(c, from, len);

		if (n < 0 && errno == EAGAIN) {
			(void)poll(&room, 1, -1);
			continue;
		}
		if (n < 0)
			return false;
		c->service->counts.out += (size_t)n;
		from += n;
		len -= (size_t)n;
	}
	return true;
}

/* The value of a header, or NULL; name with the colon. */
static const char *header(const char *head, const char *name)
{
	const size_t len = strlen(name);

	while ((head = strstr(head, "\r\n")) != NULL) {
		head += 2;
		if (strncasecmp(head, name, len) == 0)
			return head + len + strspn(head + len, " ");
	}
	return NULL;
}

/* Bytes of the first request that has come whole; 0: not yet.  A NUL is put in
 * the place of what ends the head. */
static size_t parse_request(struct text *in, struct request *r)
{
	char *end = in->len == 0 ? NULL : strstr(in->at, "\r\n\r\n");
	const char *value;
	size_t head;

	if (end == NULL)
		return 0;
	head = (size_t)(end + 4 - in->at);
	value = header(in->at, "Content-Length:");
	*r = (struct request){.body = in->at + head,
	    .len = value == NULL ? 0 : strtoul(value, NULL, 10)};
	if (r->len > REQUEST_MAX)
		errx(1, "a request of %zu bytes", r->len);
	if (in->len < head + r->len)
		return 0;
	end[2] = '\0';
	if (sscanf(in->at, "%15s %255s", r->method, r->path) != 2)
		errx(1, "no HTTP: %s", in->at);
	value = header(in->at, "X-Amz-Target:");
	if (value != NULL)
		(void)sscanf(value, "%*[^.].%63[A-Za-z]", r->operation);
	value = header(in->at, "Connection:");
	r->last = value != NULL && strncasecmp(value, "close", 5) == 0;
	return head + r->len;
}

static void hold(int64_t ns)
{
	const struct timespec time = {ns / 1000000000, (long)(ns % 1000000000)};

	if (ns > 0)
		(void)nanosleep(&time, NULL);
}

/* Head and body leave in one write, as they do at AWS. */
static bool send_answer(struct connection *c, const struct answer *a, bool last)
{
	static struct text out;

	out.len = 0;
	text_say(&out,
	    "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n"
	    "%s%s\r\n",
	    a->status, a->status == 200 ? "OK" : "Not Found", a->type,
	    a->body.len, a->headers, last ? "Connection: close\r\n" : "");
	text_put(&out, a->body.at, a->body.len);
	return write_all(c, out.at, out.len);
}

static bool answer_request(struct connection *c, const struct request *r)
{
	static struct answer answer;
	char what[sizeof r->method + sizeof r->path + 1];
	const bool last = r->last || c->service->closes;

	c->service->counts.requests++;
	(void)snprintf(what, sizeof what, "%s %s", r->method,
	    r->operation[0] != '\0' ? r->operation : r->path);
	c->service->asked(what);
	answer.body.len = 0;
	c->service->answer(r, &answer);
	hold(c->service->hold_ns);
	return send_answer(c, &answer, last) && !last;
}

/* What stands behind a request has a NUL too while it is answered. */
static bool answer_all(struct connection *c)
{
	struct request r;
	size_t len;

	while ((len = parse_request(&c->in, &r)) > 0) {
		const char behind = c->in.at[len];
		bool more;

		c->in.at[len] = '\0';
		more = answer_request(c, &r);
		c->in.at[len] = behind;
		c->in.len -= len;
		memmove(c->in.at, c->in.at + len, c->in.len + 1);
		if (!more)
			return false;
	}
	return true;
}

bool connection_serve(struct connection *c)
{
	static char block[BLOCK];
	ssize_t n;

	while ((n = read_some(c, block, sizeof block)) > 0) {
		c->service->counts.in += (size_t)n;
		text_put(&c->in, block, (size_t)n);
		if (!answer_all(c)) {
			n = 0;
			break;
		}
	}
	if (n < 0 && errno == EAGAIN)
		return true;
	end_connection(c);
	return false;
}
