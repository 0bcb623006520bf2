/* SPDX-License-Identifier: Apache-2.0 */
/* What shows only in the process that runs the command: what it keeps in
 * memory, how often it wakes, what it does where memory is short. */
#include "confine/runner.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "aid/confine.h"
#include "aid/failing.h"
#include "aid/memory.h"
#include "base/clock.h"
#include "confine/command.h"

#define FOR_EVER 60000 /* ms */

/* The linker has poll(2) counted here (--wrap in tests/rules.mk), in all
 * processes. */
static unsigned *polls;

int __real_poll(struct pollfd *at, nfds_t n, int ms);
int __wrap_poll(struct pollfd *at, nfds_t n, int ms);

int __wrap_poll(struct pollfd *at, nfds_t n, int ms)
{
	if (polls != NULL)
		__atomic_add_fetch(polls, 1, __ATOMIC_RELAXED);
	return __real_poll(at, n, ms);
}

static int set_up(void **state)
{
	(void)state;
	polls = mmap(NULL, sizeof *polls, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return polls != MAP_FAILED &&
		       setenv("PATH", "/usr/local/bin:/usr/bin:/bin", 1) == 0
		   ? 0
		   : -1;
}

static struct words words;

static const struct words *find_words(void *ctx)
{
	(void)ctx;
	return &words;
}

static void leave_words(void *ctx)
{
	(void)ctx;
}

static struct runner started(const char *line)
{
	const struct runner_plan plan = {.user = "nobody",
	    .find = find_words,
	    .leave = leave_words,
	    .cancel_fd = -1};
	struct runner r;
	struct err err = {0};

	assert_int_equal(words_split(&words, line), 0);
	assert_int_equal(runner_start(&r, &plan, &err), 0);
	return r;
}

static void ask(struct runner *r, struct buf *out)
{
	struct err err = {0};

	assert_int_equal(
	    runner_ask(r, out, clock_read(CLOCK_MONOTONIC) + FOR_EVER, &err),
	    0);
}

/* Until a process that has answered waits for what comes next. */
static void wait_until_asleep(pid_t pid)
{
	const struct timespec step = {.tv_nsec = 1000000};
	char path[32], letter = '?';

	(void)snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	while (letter != 'S') {
		FILE *f = fopen(path, "re");

		assert_non_null(f);
		assert_int_equal(fscanf(f, "%*d (%*[^)]) %c", &letter), 1);
		(void)fclose(f);
		(void)nanosleep(&step, NULL);
	}
}

/* The command's words do not hold it as it comes, and its place in what comes
 * is none that the end of the answer takes. */
#define SECRET "7Kq9-7Kq9-7Kq9-7Kq9-7Kq9-7Kq9-7Kq9-7Kq9"
#define PRINTS                                                                 \
	"sh -c 's=7Kq9; printf \"%d %2000s-%s-%s-%s-%s-%s-%s-%s\" $PPID"       \
	" $s $s $s $s $s $s $s $s'"

static void what_a_command_wrote_stays_with_who_asked(void **state)
{
	static const char secret[] = SECRET;
	struct runner r;
	struct buf *out;
	char *rest;
	pid_t pid;

	(void)state;
	SKIP_IF(confine_aid_valgrind(), "valgrind's descriptors are closed");
	SKIP_IF(geteuid() != 0, "not root: the runner hides its memory");
	out = buf_new(COMMAND_OUTPUT_MAX);
	r = started(PRINTS);
	ask(&r, out);
	pid = (pid_t)strtol(buf_str(out), &rest, 10);
	assert_string_equal(rest + strspn(rest, " "), SECRET);
	wait_until_asleep(pid);
	/* It is the right process: it has the words of the command. */
	assert_true(memory_count(pid, "s=7Kq9; ", 8) > 0);
	assert_int_equal(memory_count(pid, secret, sizeof secret - 1), 0);
	assert_int_equal(memory_count(getpid(), secret, sizeof secret - 1), 1);
	buf_free(out);
	assert_int_equal(memory_count(getpid(), secret, sizeof secret - 1), 0);
	(void)close(r.fd);
}

/* What has closed its output is waited for, and not asked for it again and
 * again. */
static void a_closed_output_does_not_wake_it(void **state)
{
	struct runner r;
	struct buf *out;

	(void)state;
	SKIP_IF(confine_aid_valgrind(), "valgrind's descriptors are closed");
	out = buf_new(COMMAND_OUTPUT_MAX);
	r = started("sh -c 'exec >&- 2>&-; sleep 1'");
	*polls = 0;
	ask(&r, out);
	assert_in_range(*polls, 1, 50);
	(void)close(r.fd);
	buf_free(out);
}

static int make_environment(void *state)
{
	bool has_user = false;
	char **made;

	(void)state;
	made = runner_environment(true);
	if (made == NULL)
		return ERR_NOMEM;
	for (; *made != NULL; made++)
		has_user = has_user || strncmp(*made, "LOGNAME=", 8) == 0;
	CHECK(has_user);
	return 0;
}

/* A child, because what was made before the failure is left over. */
static int make_environment_in_child(void *state)
{
	return failing_in_child(make_environment, state);
}

/* Nothing is run with a part of its environment. */
static void without_memory_there_is_no_environment(void **state)
{
	(void)state;
	SKIP_IF(confine_aid_valgrind(), "what is left over is a leak");
	print_message("%u calls failed\n",
	    failing_each(make_environment_in_child, NULL, false));
}

int main(void)
{
	/* Who has started a runner can wait for no child any more. */
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(without_memory_there_is_no_environment),
	    cmocka_unit_test(what_a_command_wrote_stays_with_who_asked),
	    cmocka_unit_test(a_closed_output_does_not_wake_it),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
