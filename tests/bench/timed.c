/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one command takes, with all processes that it leaves behind:
 *
 *	timed OUTPUT NAMESPACE COMMAND [ARGUMENT...]
 *
 * OUTPUT is the command's standard output, NAMESPACE a network namespace, or
 *"". Prints, as JSON, ns from before the fork to the command's end, us of user
 *and system time, KiB of the largest process, page faults and the exit code
 *(minus the signal).  It is a program of its own because the largest process of
 *a child of Python is Python.
 */
#include <err.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long long now_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (long long)now.tv_sec * 1000000000 + now.tv_nsec;
}

static long us_of(const struct timeval *time)
{
	return (long)time->tv_sec * 1000000 + (long)time->tv_usec;
}

static void add_usage(struct rusage *sum, const struct rusage *one)
{
	timeradd(&sum->ru_utime, &one->ru_utime, &sum->ru_utime);
	timeradd(&sum->ru_stime, &one->ru_stime, &sum->ru_stime);
	if (one->ru_maxrss > sum->ru_maxrss)
		sum->ru_maxrss = one->ru_maxrss;
	sum->ru_minflt += one->ru_minflt;
	sum->ru_majflt += one->ru_majflt;
}

static pid_t start(const char *output, char *argv[])
{
	const int out = open(output, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	pid_t pid;

	if (out < 0)
		err(1, "cannot open %s", output);
	pid = fork();
	if (pid < 0)
		err(1, "fork");
	if (pid > 0) {
		(void)close(out);
		return pid;
	}
	(void)dup2(out, STDOUT_FILENO);
	(void)execvp(argv[0], argv);
	err(127, "cannot run %s", argv[0]);
}

int main(int argc, char *argv[])
{
	struct rusage sum = {0}, one;
	long long began, took = -1;
	int status, code = -1;
	pid_t main_pid, pid;

	if (argc < 4)
		errx(64, "usage: timed OUTPUT NAMESPACE COMMAND ...");
	if (argv[2][0] != '\0' &&
	    setns(open(argv[2], O_RDONLY | O_CLOEXEC), CLONE_NEWNET) != 0)
		err(1, "setns %s", argv[2]);
	(void)prctl(PR_SET_CHILD_SUBREAPER, 1L, 0L, 0L, 0L);
	began = now_ns();
	main_pid = start(argv[1], argv + 3);
	while ((pid = wait4(-1, &status, 0, &one)) > 0) {
		if (pid == main_pid) {
			took = now_ns() - began;
			code = WIFEXITED(status) ? WEXITSTATUS(status)
						 : -WTERMSIG(status);
		}
		add_usage(&sum, &one);
	}
	(void)printf(
	    "{\"wall_ns\": %lld, \"user_us\": %ld, \"system_us\": %ld, "
	    "\"rss_kib\": %ld, \"faults\": %ld, \"code\": %d}\n",
	    took, us_of(&sum.ru_utime), us_of(&sum.ru_stime), sum.ru_maxrss,
	    sum.ru_minflt + sum.ru_majflt, code);
	return 0;
}
