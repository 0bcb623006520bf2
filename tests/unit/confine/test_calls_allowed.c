/* SPDX-License-Identifier: Apache-2.0 */
/* Each call that a half may make, whether the C library of this machine makes
 * it or only that of another one does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <asm/termbits.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/random.h>
#include <linux/sockios.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "aid/confine.h"
#include "confine/steps.h"

/* With -1 for each argument, all of which the kernel refuses in another way, or
 * which these have none of.  exit(2), exit_group(2) and rt_sigreturn(2) are
 * made by each child. */
static const char *const any_half[] = {"rt_sigaction", "rt_sigprocmask",
    "sigaltstack", "restart_syscall", "brk", "munmap", "mremap", "madvise",
    "clock_gettime", "clock_gettime64", "clock_getres", "clock_getres_time64",
    "gettimeofday", "time", "nanosleep", "clock_nanosleep",
    "clock_nanosleep_time64", "futex", "futex_time64", "sched_yield", "getpid",
    "getppid", "gettid", "getuid", "geteuid", "getgid", "getegid", "getuid32",
    "geteuid32", "getgid32", "getegid32", "read", "readv", "write", "writev",
    "pread64", "pwrite64", "lseek", "_llseek", "close", "fstat", "fstat64",
    "newfstatat", "fstatat64", "statx", "poll", "ppoll", "ppoll_time64",
    "recvmsg", "sendmsg", "getrandom", NULL};

static const char *const offline_half[] = {
    "fsync", "fdatasync", "ftruncate", "ftruncate64", "wait4", NULL};

static const char *const online_half[] = {"connect", "bind", "getsockname",
    "getpeername", "getsockopt", "setsockopt", "send", "sendto", "sendmmsg",
    "recv", "recvfrom", "shutdown", "select", "_newselect", "pselect6",
    "pselect6_time64", "epoll_create1", "epoll_ctl", "epoll_wait",
    "epoll_pwait", "pipe2", "eventfd2", "access", "faccessat", "faccessat2",
    "stat", "stat64", "lstat", "lstat64", "readlink", "readlinkat", "statfs",
    "statfs64", "fstatfs", "fstatfs64", "getdents64", "getcwd", "fadvise64",
    "arm_fadvise64_64", "set_robust_list", "rseq", "sched_getaffinity",
    "sysinfo", "uname", NULL};

/* These only with such arguments: of files that are not there. */
struct call {
	const char *name;
	int64_t args[4];
};

static const struct call any_calls[] = {
    {"fcntl", {-1, F_GETFL}},
    {"fcntl", {-1, F_GETFD}},
    {"fcntl64", {-1, F_GETFL}},
    {"fcntl64", {-1, F_GETFD}},
    {"mmap", {0, 0, PROT_NONE}},
    {"mmap2", {0, 0, PROT_NONE}},
    {"mprotect", {1, 0, PROT_NONE}},
    {NULL, {0}},
};

static const struct call online_calls[] = {
    {"open", {0, O_RDONLY | O_CLOEXEC}},
    {"openat", {-1, 0, O_RDONLY | O_CLOEXEC}},
    {"socket", {AF_INET, SOCK_STREAM, -1}},
    {"socket", {AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, -1}},
    {"socket", {AF_INET6, SOCK_STREAM | SOCK_NONBLOCK, -1}},
    {"socket", {AF_INET6, SOCK_DGRAM, -1}},
    {"socket", {AF_UNIX, SOCK_STREAM, -1}},
    {"socketpair", {AF_UNIX, SOCK_STREAM, -1}},
    {"fcntl", {-1, F_SETFL}},
    {"fcntl", {-1, F_SETFD}},
    {"fcntl", {-1, F_DUPFD}},
    {"fcntl", {-1, F_DUPFD_CLOEXEC}},
    {"fcntl64", {-1, F_SETFL}},
    {"fcntl64", {-1, F_SETFD}},
    {"fcntl64", {-1, F_DUPFD}},
    {"fcntl64", {-1, F_DUPFD_CLOEXEC}},
    {"ioctl", {-1, FIONREAD}},
    {"ioctl", {-1, FIONBIO}},
    {"ioctl", {-1, SIOCGIFINDEX}},
    {"ioctl", {-1, SIOCGIFNAME}},
    {"prlimit64", {-1, 0, 0}},
    {NULL, {0}},
};

static const struct call agent_calls[] = {
    {"ioctl", {-1, RNDADDENTROPY}},
    {"ioctl", {-1, _IO('R', 0x07)}}, /* RNDRESEEDCRNG */
    {"ioctl", {-1, RNDADDTOENTCNT, 0}},
    {NULL, {0}},
};

static const struct call producer_calls[] = {
    {"open", {0, O_RDONLY | O_CLOEXEC}},
    {"openat", {-1, 0, O_RDONLY | O_CLOEXEC}},
    {"ioctl", {-1, TCGETS}},
    {"ioctl", {-1, TCSETS}},
#ifdef TCGETS2
    {"ioctl", {-1, TCGETS2}},
    {"ioctl", {-1, TCSETS2}},
#endif
    {"ioctl", {-1, TCFLSH, TCIFLUSH}},
    {"timer_settime", {-1, 0, 0}},
    {"timer_settime64", {-1, 0, 0}},
    {NULL, {0}},
};

static void make_call(const char *name, const int64_t args[static 4])
{
	const int number = seccomp_syscall_resolve_name(name);

	/* Another architecture's, or one that this libseccomp does not know. */
	if (number < 0)
		return;
	errno = 0;
	if (!REFUSED(syscall(number, (long)args[0], (long)args[1],
		(long)args[2], (long)args[3], -1L)))
		return;
	(void)dprintf(STDERR_FILENO, "%s is refused\n", name);
	_exit(1);
}

static void make_calls(const char *const *names, const struct call *calls)
{
	static const int64_t nothing[] = {-1, -1, -1, -1};

	for (; *names != NULL; names++)
		make_call(*names, nothing);
	for (; calls->name != NULL; calls++)
		make_call(calls->name, calls->args);
}

static volatile sig_atomic_t handled;

static void note_signal(int signal)
{
	(void)signal;
	handled = 1;
}

/* What the role has beside what every half has. */
static enum confine_role role;
static const char *const *names;
static const struct call *calls;

static void child_makes_its_calls(void)
{
	struct err err = {0};

	CHECK(signal(SIGUSR1, note_signal) != SIG_ERR);
	CHECK(confine_calls(role, &err) == 0);
	make_calls(any_half, any_calls);
	make_calls(names, calls);
	/* The return from a handler is a call, too. */
	CHECK(raise(SIGUSR1) == 0 && handled);
}

static void each_half_may_make_the_calls_of_its_list(void **state)
{
	static const struct {
		enum confine_role role;
		const char *const *names;
		const struct call *calls;
	} halves[] = {{CONFINE_ONLINE, online_half, online_calls},
	    {CONFINE_AGENT_OFFLINE, offline_half, agent_calls},
	    {CONFINE_PRODUCER_OFFLINE, offline_half, producer_calls}};

	(void)state;
	SKIP_IF(confine_aid_valgrind(), "valgrind's own calls are refused");
	for (size_t i = 0; i < sizeof halves / sizeof halves[0]; i++) {
		role = halves[i].role;
		names = halves[i].names;
		calls = halves[i].calls;
		confine_aid_run(child_makes_its_calls);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_half_may_make_the_calls_of_its_list)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
