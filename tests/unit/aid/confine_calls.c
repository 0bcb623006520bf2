/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "aid/confine.h"

#define PAGE 4096

/* Harmless with these arguments, should one of them not be refused. */
static const struct {
	const char *name;
	long number;
	long args[3];
} never[] = {
    {"execve", SYS_execve, {0}},
    {"execveat", SYS_execveat, {-1}},
    {"ptrace", SYS_ptrace, {PTRACE_ATTACH, 0x7fffffff}},
    {"process_vm_readv", SYS_process_vm_readv, {0x7fffffff}},
    {"process_vm_writev", SYS_process_vm_writev, {0x7fffffff}},
    {"unshare", SYS_unshare, {CLONE_NEWUSER}},
    {"setns", SYS_setns, {-1}},
    {"mount", SYS_mount, {0}},
    {"umount2", SYS_umount2, {0}},
    {"pivot_root", SYS_pivot_root, {0}},
    {"chroot", SYS_chroot, {0}},
    {"setuid", SYS_setuid, {0}},
    {"setgid", SYS_setgid, {0}},
    {"setresuid", SYS_setresuid, {0}},
    {"setresgid", SYS_setresgid, {0}},
    {"setreuid", SYS_setreuid, {0}},
    {"setfsuid", SYS_setfsuid, {0}},
    {"setgroups", SYS_setgroups, {0}},
    {"capset", SYS_capset, {0}},
    {"prctl", SYS_prctl, {-1}},
    {"seccomp", SYS_seccomp, {-1}},
    {"bpf", SYS_bpf, {-1}},
    {"perf_event_open", SYS_perf_event_open, {0}},
    {"userfaultfd", SYS_userfaultfd, {-1}},
    {"memfd_create", SYS_memfd_create, {0}},
    {"keyctl", SYS_keyctl, {-1}},
    {"init_module", SYS_init_module, {0}},
    {"finit_module", SYS_finit_module, {-1}},
    {"kexec_load", SYS_kexec_load, {0, 17}},
    {"personality", SYS_personality, {-1}},
    {"shmat", SYS_shmat, {-1}},
    {"shmget", SYS_shmget, {0}},
    {"unlinkat", SYS_unlinkat, {-1}},
    {"mkdirat", SYS_mkdirat, {-1}},
    {"symlinkat", SYS_symlinkat, {0, -1}},
    {"linkat", SYS_linkat, {-1}},
    {"mknodat", SYS_mknodat, {-1}},
    {"renameat2", SYS_renameat2, {-1, 0, -1}},
    {"waitid", SYS_waitid, {-1}},
    {"fchmodat", SYS_fchmodat, {-1}},
    {"fchownat", SYS_fchownat, {-1}},
    {"fchmod", SYS_fchmod, {-1}},
    {"truncate", SYS_truncate, {0}},
    {"setxattr", SYS_setxattr, {0}},
    {"open_by_handle_at", SYS_open_by_handle_at, {-1}},
    {"setrlimit", SYS_setrlimit, {-1}},
    {"timer_create", SYS_timer_create, {-1}},
    {"timer_delete", SYS_timer_delete, {-1}},
    {"setitimer", SYS_setitimer, {-1}},
    {"tkill", SYS_tkill, {0x7fffffff}},
    {"rt_sigqueueinfo", SYS_rt_sigqueueinfo, {0x7fffffff}},
    {"clock_settime", SYS_clock_settime, {-1}},
    {"sethostname", SYS_sethostname, {0, -1}},
    {"listen", SYS_listen, {-1}},
    {"accept", SYS_accept, {-1}},
    {"accept4", SYS_accept4, {-1}},
    {"kcmp", SYS_kcmp, {0}},
    {"mlockall", SYS_mlockall, {-1}},
#ifdef SYS_io_uring_setup
    {"io_uring_setup", SYS_io_uring_setup, {0}},
#endif
#ifdef SYS_pidfd_open
    {"pidfd_open", SYS_pidfd_open, {-1}},
#endif
#ifdef SYS_fork
    {"fork", SYS_fork, {0}},
    {"creat", SYS_creat, {0}},
    {"unlink", SYS_unlink, {0}},
    {"rename", SYS_rename, {0}},
#endif
#ifdef SYS_renameat
    {"renameat", SYS_renameat, {-1, 0, -1}},
#endif
#ifdef SYS_recvmmsg
    {"recvmmsg", SYS_recvmmsg, {-1}},
#endif
};

static void refuses_what_nobody_needs(void)
{
	for (size_t i = 0; i < sizeof never / sizeof never[0]; i++) {
		const long *a = never[i].args;

		errno = 0;
		if (REFUSED(
			syscall(never[i].number, a[0], a[1], a[2], 0, 0, 0)))
			continue;
		(void)dprintf(STDERR_FILENO, "%s is not refused: %s\n",
		    never[i].name, strerror(errno));
		_exit(1);
	}
}

static void refuses_processes(void)
{
	static const int spaces[] = {CLONE_NEWCGROUP, CLONE_NEWIPC,
	    CLONE_NEWNET, CLONE_NEWNS, CLONE_NEWPID, CLONE_NEWUSER,
	    CLONE_NEWUTS};
	char program[] = "/bin/true", *argv[] = {program, NULL};
	pid_t child;

	CHECK(REFUSED(fork()));
	CHECK(posix_spawn(&child, program, NULL, NULL, argv, NULL) == EPERM);
	/* The kernel's own answer to these would be EINVAL: also to a thread
	 * that shares CLONE_FS and has a CLONE_PIDFD where a parent's id goes.
	 */
	CHECK(REFUSED(
	    syscall(SYS_clone, CLONE_VM | CLONE_THREAD | SIGCHLD, 0, 0, 0, 0)));
	for (size_t i = 0; i < sizeof spaces / sizeof spaces[0]; i++)
		CHECK(REFUSED(syscall(SYS_clone,
		    CLONE_VM | CLONE_SIGHAND | CLONE_THREAD | CLONE_PIDFD |
			CLONE_PARENT_SETTID | spaces[i],
		    0, 0, 0, 0)));
#ifdef SYS_clone3
	CHECK(syscall(SYS_clone3, NULL, 0) == -1 && errno == ENOSYS);
#endif
}

static void refuses_writing(void)
{
	static const int ways[] = {O_WRONLY, O_RDWR, O_RDONLY | O_CREAT,
	    O_RDONLY | O_TRUNC, O_WRONLY | O_APPEND, O_TMPFILE | O_RDWR,
	    O_ACCMODE};

	for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
		CHECK(REFUSED(open("/dev/null", ways[i] | O_CLOEXEC, 0600)));
#ifdef SYS_open
		CHECK(REFUSED(syscall(SYS_open, "/dev/null", ways[i], 0600)));
#endif
	}
#ifdef SYS_openat2
	CHECK(syscall(SYS_openat2, -1, NULL, NULL, 0) == -1 && errno == ENOSYS);
#endif
}

static void refuses_written_code(void)
{
	const int private = MAP_PRIVATE | MAP_ANONYMOUS;
	void *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, private, -1, 0);

	CHECK(page != MAP_FAILED);
	CHECK(REFUSED(mprotect(page, PAGE, PROT_READ | PROT_EXEC)));
	CHECK(
	    REFUSED(mprotect(page, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC)));
	CHECK(mprotect(page, PAGE, PROT_READ) == 0);
	CHECK(munmap(page, PAGE) == 0);
	page = mmap(NULL, PAGE, PROT_READ | PROT_EXEC, private, -1, 0);
	CHECK(page == MAP_FAILED && errno == EPERM);
	page = mmap(
	    NULL, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC, private, -1, 0);
	CHECK(page == MAP_FAILED && errno == EPERM);
}

static void allows_the_usual(void)
{
	const struct timespec step = {.tv_nsec = 1000000};
	struct pollfd p = {.fd = -1};
	struct timespec now;
	char text[64], *big;

	CHECK(clock_gettime(CLOCK_MONOTONIC, &now) == 0);
	CHECK(nanosleep(&step, NULL) == 0);
	CHECK(clock_nanosleep(CLOCK_MONOTONIC, 0, &step, NULL) == 0);
	CHECK(poll(&p, 1, 1) == 0);
	CHECK(getrandom(text, sizeof text, GRND_NONBLOCK) != 0);
	big = malloc(1 << 20);
	CHECK(big != NULL);
	big = realloc(big, 8 << 20);
	CHECK(big != NULL);
	free(big);
}

void confine_aid_reads_files(bool allowed)
{
	char text[64];
	struct stat st;
	const int fd = open("/etc/passwd", O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (!allowed) {
		CHECK(REFUSED(fd));
		return;
	}
	CHECK(fd >= 0 && fstat(fd, &st) == 0);
	CHECK(read(fd, text, sizeof text) > 0 && lseek(fd, 0, SEEK_SET) == 0);
	CHECK(fcntl(fd, F_GETFL) >= 0);
	CHECK(REFUSED(fcntl(fd, F_SETOWN, getppid())));
	CHECK(close(fd) == 0);
}

static void refuses_signals(void)
{
	CHECK(REFUSED(kill(getppid(), 0)));
	CHECK(REFUSED(kill(getpid(), SIGUSR1)));
	CHECK(REFUSED(kill(getppid(), SIGCONT)));
	CHECK(REFUSED(syscall(SYS_tgkill, getppid(), getppid(), 0)));
	CHECK(syscall(SYS_tgkill, getpid(), gettid(), 0) == 0);
}

void confine_aid_any_role(void)
{
	refuses_what_nobody_needs();
	refuses_processes();
	refuses_writing();
	refuses_written_code();
	refuses_signals();
	allows_the_usual();
}
