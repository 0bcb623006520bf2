/* SPDX-License-Identifier: Apache-2.0 */
#include "confine/steps.h"

#include <asm/termbits.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/random.h>
#include <linux/seccomp.h>
#include <linux/sockios.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Linux 4.17; older kernel headers lack it. */
#ifndef RNDRESEEDCRNG
#define RNDRESEEDCRNG _IO('R', 0x07)
#endif

/*
 * Lists are by libseccomp's names: one that this architecture or this
 * libseccomp does not have is left out.  glibc of a 32-bit machine tries the
 * variants with 64-bit times first and the old ones only after ENOSYS, so
 * both are here.
 */
static const char *const any_role[] = {
    /* ending, by abort(3) too; sigaltstack for sanitizers' builds */
    "exit", "exit_group", "rt_sigaction", "rt_sigprocmask", "rt_sigreturn",
    "sigaltstack", "sigreturn", "restart_syscall",
    /* malloc(3); mmap and mprotect have conditions */
    "brk", "munmap", "mremap", "madvise",
    /* time, where the vDSO does not serve */
    "clock_gettime", "clock_gettime64", "clock_getres", "clock_getres_time64",
    "gettimeofday", "time", "nanosleep", "clock_nanosleep",
    "clock_nanosleep_time64",
    /* locks of the C library and OpenSSL */
    "futex", "futex_time64", "sched_yield",
    /* who am I: secrets none */
    "getpid", "getppid", "gettid", "getuid", "geteuid", "getgid", "getegid",
    "getuid32", "geteuid32", "getgid32", "getegid32",
    /* open descriptors: records, logs, files */
    "read", "readv", "write", "writev", "pread64", "pwrite64", "lseek",
    "_llseek", "close", "fstat", "fstat64", "newfstatat", "fstatat64", "statx",
    "poll", "ppoll", "ppoll_time64", "recvmsg", "sendmsg", "getrandom", NULL};

static const char *const offline_only[] = {
    /* state, synced before it counts */
    "fsync", "fdatasync", "ftruncate", "ftruncate64",
    /* the online half's end */
    "wait4", NULL};

static const char *const online_only[] = {
    /* sockets; what socket(2) may make has conditions.  bind(2) is for
     * netlink, without which getaddrinfo(3) does not know what addresses this
     * machine has; nobody can listen */
    "connect", "bind", "getsockname", "getpeername", "getsockopt", "setsockopt",
    "send", "sendto", "sendmmsg", "recv", "recvfrom", "shutdown",
    /* waiting, and libcurl's ways to wake its own threads */
    "select", "_newselect", "pselect6", "pselect6_time64", "epoll_create1",
    "epoll_ctl", "epoll_wait", "epoll_pwait", "pipe2", "eventfd2",
    /* finding resolv.conf, nss plugins, credentials, certificates */
    "access", "faccessat", "faccessat2", "stat", "stat64", "lstat", "lstat64",
    "readlink", "readlinkat", "statfs", "statfs64", "fstatfs", "fstatfs64",
    "getdents64", "getcwd", "fadvise64", "arm_fadvise64_64",
    /* starting threads, sizing their heaps */
    "set_robust_list", "rseq", "sched_getaffinity", "sysinfo",
    /* "myhostname" and search lists */
    "uname", NULL};

/* glibc falls back from these to calls whose arguments a filter can see. */
static const char *const not_there[] = {"clone3", "openat2", NULL};

struct rule {
	const char *name;
	unsigned n;
	struct scmp_arg_cmp when[3];
};

/* The kernel takes the lower half of a register for an int. */
#define BITS(arg, mask, value)                                                 \
	{                                                                      \
		(arg), SCMP_CMP_MASKED_EQ, (mask), (value)                     \
	}
#define INT(arg, value) BITS(arg, UINT32_MAX, value)

/* Of a socket; the other bits are SOCK_CLOEXEC and SOCK_NONBLOCK. */
#define KIND(type)      BITS(1, 0xf, type)
/* O_TRUNC writes even with O_RDONLY. */
#define WRITING         ((unsigned)(O_ACCMODE | O_CREAT | O_TRUNC))
#define THREAD          (CLONE_VM | CLONE_SIGHAND | CLONE_THREAD)
#define NEW_NAMESPACE                                                          \
	(CLONE_NEWCGROUP | CLONE_NEWIPC | CLONE_NEWNET | CLONE_NEWNS |         \
	    CLONE_NEWPID | CLONE_NEWUSER | CLONE_NEWUTS)

static const struct rule any_role_rules[] = {
    /* memory is never both written and executed */
    {"mmap", 1, {BITS(2, PROT_EXEC, 0)}},
    {"mmap2", 1, {BITS(2, PROT_EXEC, 0)}},
    {"mprotect", 1, {BITS(2, PROT_EXEC, 0)}},
    /* fdopen(3), O_NONBLOCK; none of the locks and owners */
    {"fcntl", 1, {INT(1, F_GETFL)}},
    {"fcntl", 1, {INT(1, F_GETFD)}},
    {"fcntl64", 1, {INT(1, F_GETFL)}},
    {"fcntl64", 1, {INT(1, F_GETFD)}},
    {NULL, 0, {{0}}},
};

static const struct rule online_rules[] = {
    /* files are read; what is written was opened before */
    {"open", 1, {BITS(1, WRITING, O_RDONLY)}},
    {"openat", 1, {BITS(2, WRITING, O_RDONLY)}},
    {"socket", 2, {INT(0, AF_INET), KIND(SOCK_STREAM)}},
    {"socket", 2, {INT(0, AF_INET), KIND(SOCK_DGRAM)}},
    {"socket", 2, {INT(0, AF_INET6), KIND(SOCK_STREAM)}},
    {"socket", 2, {INT(0, AF_INET6), KIND(SOCK_DGRAM)}},
    /* nscd, systemd-resolved, sssd, avahi */
    {"socket", 2, {INT(0, AF_UNIX), KIND(SOCK_STREAM)}},
    /* 0: NETLINK_ROUTE */
    {"socket", 3, {INT(0, AF_NETLINK), KIND(SOCK_RAW), INT(2, 0)}},
    {"socketpair", 1, {INT(0, AF_UNIX)}},
    /* threads of getaddrinfo(3), but no processes */
    {"clone", 1, {BITS(0, THREAD | NEW_NAMESPACE, THREAD)}},
    /* dlopen(3) of nss plugins and OpenSSL providers */
    {"mmap", 2,
	{BITS(2, PROT_EXEC | PROT_WRITE, PROT_EXEC),
	    BITS(3, MAP_ANONYMOUS, 0)}},
    {"mmap2", 2,
	{BITS(2, PROT_EXEC | PROT_WRITE, PROT_EXEC),
	    BITS(3, MAP_ANONYMOUS, 0)}},
    {"fcntl", 1, {INT(1, F_SETFL)}},
    {"fcntl", 1, {INT(1, F_SETFD)}},
    {"fcntl", 1, {INT(1, F_DUPFD)}},
    {"fcntl", 1, {INT(1, F_DUPFD_CLOEXEC)}},
    {"fcntl64", 1, {INT(1, F_SETFL)}},
    {"fcntl64", 1, {INT(1, F_SETFD)}},
    {"fcntl64", 1, {INT(1, F_DUPFD)}},
    {"fcntl64", 1, {INT(1, F_DUPFD_CLOEXEC)}},
    /* how much of an answer is there; scopes of IPv6 addresses */
    {"ioctl", 1, {INT(1, FIONREAD)}},
    {"ioctl", 1, {INT(1, FIONBIO)}},
    {"ioctl", 1, {INT(1, SIOCGIFINDEX)}},
    {"ioctl", 1, {INT(1, SIOCGIFNAME)}},
    /* limits are read (stacks of threads), not set */
    {"prlimit64", 1, {{2, SCMP_CMP_EQ, 0, 0}}},
    {NULL, 0, {{0}}},
};

static const struct rule random_rules[] = {
    {"ioctl", 1, {INT(1, RNDADDENTROPY)}},
    {"ioctl", 1, {INT(1, RNDRESEEDCRNG)}},
    /* Without an argument it only asks whether credit may be given. With
     * one it would be credit without bytes, which stays refused. */
    {"ioctl", 2, {INT(1, RNDADDTOENTCNT), {2, SCMP_CMP_EQ, 0, 0}}},
    {NULL, 0, {{0}}},
};

/* The end of the online half starts the timer of split_run().  A terminal that
 * is plugged in again is set to raw mode again, by the calls of any C library;
 * nothing is written to one, or pushed into it (TIOCSTI). */
static const struct rule source_rules[] = {
    {"open", 1, {BITS(1, WRITING, O_RDONLY)}},
    {"openat", 1, {BITS(2, WRITING, O_RDONLY)}},
    {"ioctl", 1, {INT(1, TCGETS)}},
    {"ioctl", 1, {INT(1, TCSETS)}},
#ifdef TCGETS2
    {"ioctl", 1, {INT(1, TCGETS2)}},
    {"ioctl", 1, {INT(1, TCSETS2)}},
#endif
    {"ioctl", 2, {INT(1, TCFLSH), INT(2, TCIFLUSH)}},
    {"timer_settime", 0, {{0}}},
    {"timer_settime64", 0, {{0}}},
    {NULL, 0, {{0}}},
};

/* What a role may do beside what every role may. */
static const struct {
	const char *const *names;
	const struct rule *rules;
} roles[] = {
    [CONFINE_ONLINE] = {online_only, online_rules},
    [CONFINE_AGENT_OFFLINE] = {offline_only, random_rules},
    [CONFINE_PRODUCER_OFFLINE] = {offline_only, source_rules},
};

static int add_rule(
    scmp_filter_ctx filter, uint32_t action, const struct rule *rule)
{
	const int number = seccomp_syscall_resolve_name(rule->name);

	if (number < 0)
		return 0;
	return seccomp_rule_add_array(
	    filter, action, number, rule->n, rule->when);
}

static int add_named(
    scmp_filter_ctx filter, uint32_t action, const char *const *names)
{
	int rc = 0;

	for (; rc == 0 && *names != NULL; names++) {
		const struct rule rule = {.name = *names};

		rc = add_rule(filter, action, &rule);
	}
	return rc;
}

static int add_rules(scmp_filter_ctx filter, const struct rule *rules)
{
	int rc = 0;

	for (; rc == 0 && rules->name != NULL; rules++)
		rc = add_rule(filter, SCMP_ACT_ALLOW, rules);
	return rc;
}

static int add_role(scmp_filter_ctx filter, enum confine_role role)
{
	int rc;

	if ((size_t)role >= sizeof roles / sizeof roles[0])
		return -EINVAL;
	rc = add_named(filter, SCMP_ACT_ALLOW, roles[role].names);
	if (rc == 0)
		rc = add_rules(filter, roles[role].rules);
	return rc;
}

/* Calls of a foreign architecture (32-bit ones on a 64-bit machine) fail too,
 * by a number of their own.  Level 2 of optimisation is a binary tree of the
 * calls (seccomp_attr_set(3)): a kernel that loads a filter runs it once for
 * each call that there is. */
static int fill_filter(scmp_filter_ctx filter, enum confine_role role)
{
	/* For abort(3) and pthread_kill(3): this process can signal itself. */
	const struct rule own = {"tgkill", 1, {INT(0, (uint32_t)getpid())}};
	int rc = seccomp_attr_set(
	    filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ERRNO(EPERM));

	if (rc == 0)
		rc = seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	if (rc == 0)
		rc = add_named(filter, SCMP_ACT_ALLOW, any_role);
	if (rc == 0)
		rc = add_named(filter, SCMP_ACT_ERRNO(ENOSYS), not_there);
	if (rc == 0)
		rc = add_rules(filter, any_role_rules);
	if (rc == 0)
		rc = add_rule(filter, SCMP_ACT_ALLOW, &own);
	if (rc == 0)
		rc = add_role(filter, role);
	return rc;
}

/* Without a filter, execve(2) of nothing is EFAULT. */
static bool is_enforced(void)
{
	return syscall(SYS_execve, NULL, NULL, NULL) < 0 && errno == EPERM;
}

/* A kernel that has filters finds no program at NULL (EFAULT).  qemu's
 * emulation of processes has none, whatever the kernel beneath it has. */
bool confine_has_calls(void)
{
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, NULL, 0, 0) == 0 ||
	       errno != EINVAL;
}

int confine_calls(enum confine_role role, struct err *err)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int rc;

	if (filter == NULL)
		return err_set(err, ERR_NOMEM, "%s", err_text(ERR_NOMEM));
	rc = fill_filter(filter, role);
	if (rc == 0)
		rc = seccomp_load(filter);
	seccomp_release(filter);
	if (rc != 0) {
		errno = -rc;
		return err_errno(err, ERR_PERM, "cannot restrict system calls");
	}
	if (!is_enforced())
		return err_set(err, ERR_PERM,
		    "system calls are not restricted in spite of seccomp");
	return 0;
}
