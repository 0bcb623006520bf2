/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SQS, IMDS and a server of pollinate, canned:
 *
 *	canned ADDRESS CERTIFICATE KEY TRUST [NAMESPACE]
 *
 * TRUST is written: the public key by which agents trust the messages.  Files
 * are PEM.  The first line of standard output is {"imds": PORT, "http": PORT,
 * "https": PORT}.  Then each line of standard input is done:
 *
 *	take		print the counts since the last time, as JSON
 *	hold WHAT	from the next "POST WHAT" on, print "held" and answer
 *when a line has come imds US		answer each request of IMDS that much
 *later
 *
 * The end of standard input ends it.
 */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/bench/canned.h"

#define NAMES_MAX 32
#define RENEW_MS  1000

enum { IMDS, HTTP, HTTPS, SERVICES };

static struct service services[SERVICES];
static const char *const service_names[] = {"imds", "http", "https"};

/* How often each request came. */
static struct {
	char what[80];
	unsigned long times;
} asked[NAMES_MAX];

static char held[64]; /* "POST WHAT" */
static long held_in;  /* requests of that kind; 0: nothing is held */

static void read_line(char *line, int room)
{
	if (fgets(line, room, stdin) == NULL)
		exit(0);
	line[strcspn(line, "\n")] = '\0';
}

static void note_request(const char *what)
{
	char line[64];
	size_t i = 0;

	while (i < NAMES_MAX - 1 && asked[i].times > 0 &&
	       strncmp(asked[i].what, what, sizeof asked[i].what - 1) != 0)
		i++;
	if (asked[i].times++ == 0)
		(void)snprintf(asked[i].what, sizeof asked[i].what, "%s", what);
	if (held_in == 0 || strcmp(held, what) != 0 || --held_in > 0)
		return;
	(void)puts("held");
	read_line(line, sizeof line);
}

static void print_counts(void)
{
	const char *comma = "";

	for (int i = 0; i < SERVICES; i++) {
		struct counts *c = &services[i].counts;

		(void)printf("%s\"%s\": {\"connections\": %lu, "
			     "\"requests\": %lu, \"in\": %lu, \"out\": %lu, "
			     "\"wire_in\": %lu, \"wire_out\": %lu}",
		    i == 0 ? "{" : ", ", service_names[i], c->connections,
		    c->requests, c->in, c->out, c->wire_in, c->wire_out);
		*c = (struct counts){0};
	}
	(void)printf(", \"asked\": {");
	for (size_t i = 0; i < NAMES_MAX && asked[i].times > 0; i++) {
		(void)printf(
		    "%s\"%s\": %lu", comma, asked[i].what, asked[i].times);
		comma = ", ";
	}
	memset(asked, 0, sizeof asked);
	(void)puts("}}");
}

static void obey(const char *line)
{
	char what[51];

	if (strcmp(line, "take") == 0)
		print_counts();
	else if (sscanf(line, "hold %ld %50s", &held_in, what) == 2)
		(void)snprintf(held, sizeof held, "POST %s", what);
	else if (strncmp(line, "imds ", 5) == 0)
		services[IMDS].hold_ns = strtol(line + 5, NULL, 10) * 1000;
	else
		errx(64, "what is \"%s\"?", line);
}

static int listen_at(const char *address)
{
	struct sockaddr_in at = {.sin_family = AF_INET};
	const int fd =
	    socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (inet_pton(AF_INET, address, &at.sin_addr) != 1)
		errx(64, "%s is no IPv4 address", address);
	if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof at) != 0 ||
	    listen(fd, 1024) != 0)
		err(1, "cannot listen at %s", address);
	return fd;
}

static unsigned port_of(int fd)
{
	struct sockaddr_in at = {0};
	socklen_t len = sizeof at;

	if (getsockname(fd, (struct sockaddr *)&at, &len) != 0)
		err(1, "getsockname");
	return ntohs(at.sin_port);
}

static SSL_CTX *make_tls(const char *certificate, const char *key)
{
	SSL_CTX *tls = SSL_CTX_new(TLS_server_method());

	if (tls == NULL ||
	    SSL_CTX_use_certificate_chain_file(tls, certificate) != 1 ||
	    SSL_CTX_use_PrivateKey_file(tls, key, SSL_FILETYPE_PEM) != 1)
		errx(1, "cannot use %s and %s", certificate, key);
	return tls;
}

static void watch(int poller, int fd, void *data)
{
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = data};

	if (epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event) != 0)
		err(1, "epoll_ctl");
}

static void open_services(int poller, char *argv[])
{
	SSL_CTX *tls = make_tls(argv[2], argv[3]);

	for (int i = 0; i < SERVICES; i++) {
		services[i] = (struct service){.fd = listen_at(argv[1]),
		    .tls = i == HTTPS ? tls : NULL,
		    .answer = i == IMDS ? answer_imds : answer_sqs,
		    .closes = i == IMDS,
		    .asked = note_request};
		watch(poller, services[i].fd, &services[i]);
	}
	(void)printf("{\"imds\": %u, \"http\": %u, \"https\": %u}\n",
	    port_of(services[IMDS].fd), port_of(services[HTTP].fd),
	    port_of(services[HTTPS].fd));
}

static bool is_service(const void *data)
{
	return (const char *)data >= (const char *)services &&
	       (const char *)data < (const char *)(services + SERVICES);
}

static void accept_all(int poller, struct service *service)
{
	struct connection *c;

	while ((c = connection_accept(service)) != NULL)
		if (connection_serve(c))
			watch(poller, connection_fd(c), c);
}

/* One look; false when nothing had come on a socket.  Standard input is last:
 * what a client has done before "take" was written is in the counts. */
static bool look(int poller, int wait_ms, bool *line)
{
	struct epoll_event events[64];
	int n = epoll_wait(poller, events, 64, wait_ms);
	bool any = false;

	*line = false;
	for (int i = 0; i < n; i++) {
		void *data = events[i].data.ptr;

		if (data == NULL)
			*line = true;
		else if (is_service(data))
			accept_all(poller, data);
		else
			(void)connection_serve(data);
		any = any || data != NULL;
	}
	return any;
}

int main(int argc, char *argv[])
{
	const int poller = epoll_create1(EPOLL_CLOEXEC);
	char text[80];
	bool line;

	if (argc != 5 && argc != 6)
		errx(64, "usage: canned ADDRESS CERTIFICATE KEY TRUST "
			 "[NAMESPACE]");
	if (argc == 6 && setns(open(argv[5], O_RDONLY | O_CLOEXEC), 0) != 0)
		err(1, "setns %s", argv[5]);
	(void)signal(SIGPIPE, SIG_IGN);
	(void)setvbuf(stdin, NULL, _IONBF, 0);
	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	message_start(argv[4]);
	open_services(poller, argv);
	watch(poller, STDIN_FILENO, NULL);
	for (;;) {
		if (look(poller, 0, &line))
			continue;
		if (line) {
			read_line(text, sizeof text);
			obey(text);
			continue;
		}
		message_renew();
		(void)look(poller, RENEW_MS, &line);
	}
}
