/* SPDX-License-Identifier: Apache-2.0 */
#include "forbidden_aid.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/random.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define PAGE 4096

static int pool_fd = -1;

/* result is what a system call returned, errno set. */
static void tell(const char *name, long result)
{
	(void)printf(
	    "%s %s\n", name, result < 0 ? strerrorname_np(errno) : "done");
	(void)fflush(stdout);
}

/* A child that came to be in spite of all goes at once. */
static void try_processes(void)
{
	char *const argv[] = {(char[]){"/bin/true"}, NULL};
	char *const envp[] = {NULL};
	pid_t child;

	tell("execve", execve(argv[0], argv, envp));
	tell("execveat",
	    syscall(SYS_execveat, AT_FDCWD, argv[0], argv, envp, 0));
	child = fork();
	if (child == 0)
		_exit(0);
	tell("fork", child);
	tell("clone-process", syscall(SYS_clone, SIGCHLD, NULL, 0, 0, 0));
	tell("unshare", unshare(CLONE_NEWUSER));
	tell("kill-parent", kill(getppid(), SIGSTOP));
	tell("kill-all", kill(-1, SIGSTOP));
	tell("ptrace", ptrace(PTRACE_ATTACH, getppid(), NULL, NULL));
	tell("ptrace-me", ptrace(PTRACE_TRACEME, 0, NULL, NULL));
}

static void try_memory(void)
{
	struct iovec here = {.iov_base = &here, .iov_len = 1};
	void *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	void *both = mmap(NULL, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	tell("mmap-write-execute", both == MAP_FAILED ? -1 : 0);
	tell("mprotect-execute", mprotect(page, PAGE, PROT_READ | PROT_EXEC));
	tell("memfd", memfd_create("x", 0));
	tell("process_vm_readv",
	    process_vm_readv(getppid(), &here, 1, &here, 1, 0));
	tell("process_vm_writev",
	    process_vm_writev(getppid(), &here, 1, &here, 1, 0));
}

static void try_ids(void)
{
	struct __user_cap_header_struct head = {
	    .version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct all[_LINUX_CAPABILITY_U32S_3] = {
	    {~0U, ~0U, ~0U}, {~0U, ~0U, ~0U}};
	const gid_t root = 0;

	tell("setuid", setuid(0));
	tell("setresuid", setresuid(0, 0, 0));
	tell("setgid", setgid(0));
	tell("setgroups", setgroups(1, &root));
	tell("capset", syscall(SYS_capset, &head, all));
	tell("keep-capabilities", prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0));
	tell("ambient",
	    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_SYS_ADMIN, 0, 0));
}

static void try_limits(void)
{
	const struct rlimit core = {RLIM_INFINITY, RLIM_INFINITY};

	tell("dumpable", prctl(PR_SET_DUMPABLE, 1, 0, 0, 0));
	tell("core-limit", setrlimit(RLIMIT_CORE, &core));
	tell("core-limit-64",
	    syscall(SYS_prlimit64, 0, RLIMIT_CORE, &core, NULL));
	tell("seccomp", syscall(SYS_seccomp, 0, 0, NULL));
	tell("timer_delete", syscall(SYS_timer_delete, 0));
}

static void try_files(void)
{
	const char *file = getenv("FORBIDDEN_FILE"); /* to be moved */
	char name[64];

	(void)snprintf(name, sizeof name, "/tmp/forbidden-%ld", (long)getpid());
	tell("create", open(name, O_WRONLY | O_CREAT, 0600));
	tell("write", open("/tmp", O_RDWR | O_TMPFILE, 0600));
	tell("write-null", open("/dev/null", O_WRONLY));
	tell("write-random", open("/dev/random", O_WRONLY));
	tell("truncate-read", open("/dev/null", O_RDONLY | O_TRUNC));
	tell("unlink", unlink(name));
	tell("mkdir", mkdir(name, 0700));
	tell("symlink", symlink("/etc/passwd", name));
	tell("chmod", chmod("/tmp", 01777));
	tell("chown", chown("/tmp", 0, 0));
	tell("mount", mount("x", "/tmp", "tmpfs", 0, NULL));
	tell("chroot", chroot("/"));
	tell("truncate", truncate(name, 0));
	if (file != NULL)
		tell("rename", rename(file, name));
	tell("landlock-root", open("/root", O_RDONLY | O_DIRECTORY));
	tell("landlock-var", open("/var", O_RDONLY | O_DIRECTORY));
	tell("landlock-home", open("/home", O_RDONLY | O_DIRECTORY));
}

/* Without a filter it would stop every process of its user: prctl(2) itself is
 * what a filter refuses. */
static void need_filter(void)
{
	if (prctl(PR_GET_SECCOMP, 0, 0, 0, 0) == -1 && errno == EPERM)
		return;
	(void)fputs("no seccomp filter here: nothing is tried\n", stderr);
	_exit(70);
}

/* An injection of nothing. */
static int inject_nothing(void)
{
	int pool[] = {0, 0};

	return ioctl(pool_fd, RNDADDENTROPY, pool);
}

static void try_reach(const char *files)
{
	char name[64], path[256];
	int n;

	for (; sscanf(files, "%63s %255s %n", name, path, &n) == 2; files += n)
		tell(name, open(path, O_RDONLY | O_NONBLOCK));
	tell("network", socket(AF_INET, SOCK_STREAM, 0));
	tell("pool", inject_nothing());
	_exit(0);
}

void forbidden_open_pool(void)
{
	pool_fd = open("/dev/random", O_WRONLY | O_CLOEXEC);
}

void forbidden_try(void)
{
	if (getenv("REACH") != NULL)
		try_reach(getenv("REACH"));
	need_filter();
	try_processes();
	try_memory();
	try_ids();
	try_limits();
	try_files();
	tell("listen", listen(-1, 1));
	tell("accept", accept(-1, NULL, NULL));
	tell("raw-socket", socket(AF_INET, SOCK_RAW, 1));
	tell("packet-socket", socket(AF_PACKET, SOCK_RAW, 0));
	tell("audit-socket", socket(AF_NETLINK, SOCK_RAW, 9));
	tell("keyctl", syscall(SYS_keyctl, 0, 0, 0, 0, 0));
	tell("bpf", syscall(SYS_bpf, 0, NULL, 0));
	tell(
	    "perf_event_open", syscall(SYS_perf_event_open, NULL, 0, 0, -1, 0));
	tell("io_uring_setup", syscall(SYS_io_uring_setup, 1, NULL));
}

void forbidden_try_network(void)
{
	tell("socket-inet", socket(AF_INET, SOCK_STREAM, 0));
	tell("socket-inet6", socket(AF_INET6, SOCK_DGRAM, 0));
	tell("socket-unix", socket(AF_UNIX, SOCK_STREAM, 0));
	tell("socket-netlink", socket(AF_NETLINK, SOCK_RAW, 0));
	tell("socketpair", socketpair(AF_UNIX, SOCK_STREAM, 0, (int[2]){0}));
	tell("connect", connect(-1, NULL, 0));
	tell("bind", bind(-1, NULL, 0));
	tell("sendto", sendto(-1, NULL, 0, 0, NULL, 0));
	tell("clone-thread",
	    syscall(SYS_clone, CLONE_VM | CLONE_SIGHAND | CLONE_THREAD, NULL));
	tell("landlock-passwd", open("/etc/passwd", O_RDONLY));
}

void forbidden_try_entropy(void)
{
	int pool[] = {0, 1, 0}; /* struct rand_pool_info: no credit, a byte */
	int bits = 0, fd = open("/dev/random", O_RDONLY);

	tell("RNDADDENTROPY", ioctl(fd, RNDADDENTROPY, pool));
	tell("RNDADDTOENTCNT", ioctl(fd, RNDADDTOENTCNT, &bits));
	tell("RNDCLEARPOOL", ioctl(fd, RNDCLEARPOOL));
}
