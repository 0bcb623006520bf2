/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <linux/random.h>
#include <net/if.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "aid/confine.h"
#include "confine/steps.h"

#define PAGE 4096

static void enter(enum confine_role role)
{
	struct err err = {0};

	CHECK(confine_calls(role, &err) == 0);
}

static int state_fd = -1;

static void open_state(void)
{
	char path[] = "/tmp/test_confine.XXXXXX";

	state_fd = mkstemp(path);
	CHECK(state_fd >= 0 && unlink(path) == 0);
}

static void allows_state(void)
{
	CHECK(pwrite(state_fd, "state", 5, 0) == 5);
	CHECK(fdatasync(state_fd) == 0 && fsync(state_fd) == 0);
	CHECK(ftruncate(state_fd, 3) == 0);
}

static void refuses_sockets(void)
{
	int pair[2];

	CHECK(REFUSED(socket(AF_UNIX, SOCK_STREAM, 0)));
	CHECK(REFUSED(socket(AF_INET, SOCK_STREAM, 0)));
	CHECK(REFUSED(socket(AF_INET6, SOCK_DGRAM, 0)));
	CHECK(REFUSED(socketpair(AF_UNIX, SOCK_STREAM, 0, pair)));
	CHECK(REFUSED(connect(-1, NULL, 0)));
	CHECK(REFUSED(sendto(-1, NULL, 0, 0, NULL, 0)));
	CHECK(REFUSED(bind(-1, NULL, 0)));
}

static void exchanges_records(int fd)
{
	char text[4] = "abc";
	struct iovec iov = {text, sizeof text};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};

	CHECK(sendmsg(fd, &msg, MSG_NOSIGNAL) == 4);
	CHECK(recvmsg(fd, &msg, 0) == 4);
}

/* It sends back one record and waits for the end of the pair. */
static pid_t start_other_half(int *fd)
{
	char text[4];
	int pair[2];
	pid_t child;

	CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) == 0);
	child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		(void)close(pair[0]);
		CHECK(setpgid(0, 0) == 0);
		CHECK(prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == 0);
		CHECK(read(pair[1], text, sizeof text) == 4);
		CHECK(write(pair[1], text, sizeof text) == 4);
		CHECK(read(pair[1], text, sizeof text) == 0);
		_exit(0);
	}
	(void)close(pair[1]);
	*fd = pair[0];
	return child;
}

static void outlives_other_half(pid_t child, int fd)
{
	int status = 0;

	CHECK(REFUSED(kill(child, SIGTERM)) && REFUSED(kill(child, SIGKILL)));
	CHECK(REFUSED(kill(-child, SIGTERM)));
	CHECK(waitpid(child, &status, WNOHANG) == 0);
	/* It has an end of its own. */
	CHECK(shutdown(fd, SHUT_RDWR) == -1 && errno == EPERM);
	CHECK(close(fd) == 0);
	CHECK(waitpid(child, &status, 0) == child);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* A descriptor that knows no ioctl tells by ENOTTY that it was asked. */
static bool ioctl_passes(unsigned long request)
{
	int zero[2] = {0};

	errno = 0;
	CHECK(ioctl(state_fd, request, zero) == -1);
	CHECK(errno == ENOTTY || errno == EPERM);
	return errno == ENOTTY;
}

static void offline_half(enum confine_role role)
{
	int fd;
	pid_t child = start_other_half(&fd);

	open_state();
	enter(role);
	confine_aid_any_role();
	confine_aid_reads_files(role == CONFINE_PRODUCER_OFFLINE);
	exchanges_records(fd);
	allows_state();
	refuses_sockets();
	CHECK(!ioctl_passes(TIOCSTI) && !ioctl_passes(TCXONC));
	CHECK(!ioctl_passes(RNDCLEARPOOL) && !ioctl_passes(RNDZAPENTCNT));
	outlives_other_half(child, fd);
}

static void child_agent_offline(void)
{
	offline_half(CONFINE_AGENT_OFFLINE);
	CHECK(!ioctl_passes(TCGETS) && !ioctl_passes(TCSETS));
	CHECK(ioctl_passes(RNDADDENTROPY) && !ioctl_passes(RNDADDTOENTCNT));
#ifdef RNDRESEEDCRNG
	CHECK(ioctl_passes(RNDRESEEDCRNG));
#endif
}

static void child_producer_offline(void)
{
	offline_half(CONFINE_PRODUCER_OFFLINE);
	CHECK(!ioctl_passes(RNDADDENTROPY) && !ioctl_passes(RNDADDTOENTCNT));
	/* A terminal that was plugged in again is set to raw mode. */
	CHECK(ioctl_passes(TCGETS) && ioctl_passes(TCSETS));
	CHECK(!ioctl_passes(TCSETSW) && !ioctl_passes(TIOCSETD));
	/* What waits to be read may be dropped, and no more. */
	CHECK(ioctl(state_fd, TCFLSH, TCIFLUSH) == -1 && errno == ENOTTY);
	CHECK(REFUSED(ioctl(state_fd, TCFLSH, TCIOFLUSH)));
}

static char port[8];
static int listener = -1;

static void start_listening(void)
{
	struct sockaddr_in a = {.sin_family = AF_INET};
	socklen_t len = sizeof a;

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CHECK(listener >= 0);
	CHECK(bind(listener, (struct sockaddr *)&a, sizeof a) == 0);
	CHECK(listen(listener, 4) == 0);
	CHECK(getsockname(listener, (struct sockaddr *)&a, &len) == 0);
	(void)snprintf(port, sizeof port, "%d", ntohs(a.sin_port));
}

static bool can_connect(const struct addrinfo *a)
{
	int one = 1, fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC,
			 a->ai_protocol);
	bool good;

	CHECK(fd >= 0);
	CHECK(setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof one) == 0);
	CHECK(ioctl(fd, FIONREAD, &one) == 0 || errno != EPERM);
	good = connect(fd, a->ai_addr, a->ai_addrlen) == 0 &&
	       send(fd, "hello", 5, MSG_NOSIGNAL) == 5;
	CHECK(close(fd) == 0);
	return good;
}

static void *look_up_and_connect(void *arg)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
	struct addrinfo *found = NULL;
	bool *good = arg;

	*good = false;
	CHECK(getaddrinfo("localhost", port, &hints, &found) == 0);
	for (struct addrinfo *a = found; a != NULL; a = a->ai_next)
		*good = *good || can_connect(a);
	freeaddrinfo(found);
	return NULL;
}

/* Reads what /etc/resolv.conf, if any, names: any answer will do but one that
 * tells of a refused call. */
static void looks_up_what_is_not_there(void)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
	struct addrinfo *found = NULL;
	int rc = getaddrinfo("127.0.0.1.", "1", &hints, &found);

	CHECK(rc != EAI_SYSTEM || errno != EPERM);
	if (rc == 0)
		freeaddrinfo(found);
}

static void starts_threads(void)
{
	pthread_t threads[3];
	bool good[3];

	for (int i = 0; i < 3; i++)
		CHECK(pthread_create(&threads[i], NULL, look_up_and_connect,
			  &good[i]) == 0);
	for (int i = 0; i < 3; i++)
		CHECK(pthread_join(threads[i], NULL) == 0 && good[i]);
}

static void has_few_sockets(void)
{
	struct ifaddrs *list = NULL;
	int pair[2];

	CHECK(REFUSED(socket(AF_PACKET, SOCK_RAW, 0)));
	CHECK(REFUSED(socket(AF_VSOCK, SOCK_STREAM, 0)));
	CHECK(REFUSED(socket(AF_ALG, SOCK_SEQPACKET, 0)));
	CHECK(REFUSED(socket(AF_NETLINK, SOCK_RAW, 15)));
	CHECK(REFUSED(socket(AF_NETLINK, SOCK_DGRAM, 0)));
	CHECK(REFUSED(socket(AF_INET, SOCK_RAW, 1)));
	CHECK(REFUSED(socket(AF_INET6, SOCK_SEQPACKET, 0)));
	CHECK(REFUSED(socket(AF_UNIX, SOCK_DGRAM, 0)));
	CHECK(REFUSED(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0)));
	CHECK(REFUSED(listen(listener, 1)));
	CHECK(REFUSED(accept(listener, NULL, NULL)));
	CHECK(close(socket(AF_UNIX, SOCK_STREAM, 0)) == 0);
	CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
	CHECK(fcntl(pair[0], F_SETFL, O_NONBLOCK) == 0);
	CHECK(REFUSED(ioctl(pair[0], TIOCSTI, "x")));
	CHECK(getifaddrs(&list) == 0);
	freeifaddrs(list);
	CHECK(if_nametoindex("lo") > 0 || errno == ENODEV);
}

/* nss plugins and OpenSSL's providers are loaded late. */
static void loads_libraries(void)
{
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	void *p;

	CHECK(fd >= 0);
	p = mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
	CHECK(p != MAP_FAILED && munmap(p, PAGE) == 0);
	p = mmap(
	    NULL, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE, fd, 0);
	CHECK(p == MAP_FAILED && errno == EPERM);
	CHECK(close(fd) == 0);
}

static void child_online(void)
{
	const struct rlimit more = {64, 64};
	struct rlimit now;

	start_listening();
	enter(CONFINE_ONLINE);
	confine_aid_any_role();
	confine_aid_reads_files(true);
	CHECK(REFUSED(syscall(SYS_timer_settime, 0, 0, NULL, NULL)));
	CHECK(REFUSED(waitpid(-1, NULL, WNOHANG)));
	CHECK(getrlimit(RLIMIT_STACK, &now) == 0);
	CHECK(REFUSED(setrlimit(RLIMIT_NOFILE, &more)));
	has_few_sockets();
	loads_libraries();
	looks_up_what_is_not_there();
	starts_threads();
}

static void child_aborts(void)
{
	enter(CONFINE_AGENT_OFFLINE);
	abort();
}

static void child_no_such_role(void)
{
	struct err err = {0};

	CHECK(confine_calls((enum confine_role)99, &err) == ERR_PERM);
	CHECK(err.text[0] != '\0');
}

#define VALGRIND                                                               \
	SKIP_IF(confine_aid_valgrind(), "valgrind's own calls are refused")

static void the_agents_offline_half_has_only_its_calls(void **state)
{
	(void)state;
	VALGRIND;
	confine_aid_run(child_agent_offline);
}

static void the_producers_offline_half_has_only_its_calls(void **state)
{
	(void)state;
	VALGRIND;
	confine_aid_run(child_producer_offline);
}

static void the_online_half_has_only_its_calls(void **state)
{
	(void)state;
	VALGRIND;
	confine_aid_run(child_online);
}

static void an_abort_ends(void **state)
{
	int status;

	(void)state;
	VALGRIND;
	status = confine_aid_wait_status(child_aborts);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
}

static void an_unknown_role_is_refused(void **state)
{
	(void)state;
	VALGRIND;
	confine_aid_run(child_no_such_role);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_agents_offline_half_has_only_its_calls),
	    cmocka_unit_test(the_producers_offline_half_has_only_its_calls),
	    cmocka_unit_test(the_online_half_has_only_its_calls),
	    cmocka_unit_test(an_abort_ends),
	    cmocka_unit_test(an_unknown_role_is_refused),
	};

	return cmocka_run_group_tests_name("confine calls", tests, NULL, NULL);
}
