/* SPDX-License-Identifier: Apache-2.0 */
#include "confine/runner.h"

#include "aid/confine.h"
#include "aid/failing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/record.h"
#include "confine/command.h"

#define SOON     300   /* ms, for what never ends */
#define FOR_EVER 60000 /* ms, for what ends by itself */

static char folder[] = "/tmp/sqs-entropy-runner-XXXXXX";

static int set_up(void **state)
{
	(void)state;
	/* Directories that only root can search make another error. */
	return setenv("PATH", "/usr/local/bin:/usr/bin:/bin", 1) == 0 &&
		       mkdtemp(folder) != NULL && chmod(folder, 0777) == 0 &&
		       chdir(folder) == 0
		   ? 0
		   : -1;
}

static int tear_down(void **state)
{
	(void)state;
	(void)unlink("left");
	(void)unlink("plain");
	(void)unlink("script");
	(void)unlink("pids");
	return chdir("/") == 0 ? rmdir(folder) : -1;
}

/* ---- one command */

static struct words words;
static bool has_left;

static const struct words *find_words(void *ctx)
{
	(void)ctx;
	return words.n > 0 ? &words : NULL;
}

static void leave_words(void *ctx)
{
	(void)ctx;
	words.n = 0;
	has_left = true;
	(void)close(creat("left", 0644));
}

static struct runner started(const char *line)
{
	const struct runner_plan plan = {.user = "nobody",
	    .find = find_words,
	    .leave = leave_words,
	    .cancel_fd = -1};
	struct runner r;
	struct err err;

	assert_int_equal(words_split(&words, line), 0);
	assert_int_equal(runner_start(&r, &plan, &err), 0);
	assert_false(has_left);
	return r;
}

static int ask(struct runner *r, struct buf *out, int64_t ms, struct err *err)
{
	return runner_ask(r, out, clock_read(CLOCK_MONOTONIC) + ms, err);
}

static void expect(
    const char *line, int64_t ms, int rc, const char *output, const char *said)
{
	struct buf *out = buf_new(COMMAND_OUTPUT_MAX);
	struct runner r = started(line);
	struct err err = {0};

	assert_int_equal(ask(&r, out, ms, &err), rc);
	if (output != NULL)
		assert_string_equal(buf_str(out), output);
	assert_string_equal(err.text, said);
	(void)close(r.fd);
	buf_free(out);
}

static void the_words_are_no_text_for_a_shell(void **state)
{
	(void)state;
	expect("printf <%s> 'a b' ; $HOME | \"x\\\"y\" '' * `id` &", FOR_EVER,
	    0, "<a b><;><$HOME><|><x\"y><><*><`id`><&>", "");
}

/* By a new descriptor, too, so that it is read from its start. */
static void a_command_may_be_given_an_input(void **state)
{
	const struct runner_plan plan = {.user = "nobody",
	    .find = find_words,
	    .leave = leave_words,
	    .cancel_fd = -1,
	    .input_fd = memfd_create("input", MFD_CLOEXEC)};
	struct buf *out = buf_new(COMMAND_OUTPUT_MAX);
	struct runner r;
	struct err err = {0};

	(void)state;
	assert_true(plan.input_fd > 0);
	assert_int_equal(write(plan.input_fd, "given", 5), 5);
	assert_int_equal(words_split(&words, "cat /proc/self/fd/0"), 0);
	assert_int_equal(runner_start(&r, &plan, &err), 0);
	assert_int_equal(ask(&r, out, FOR_EVER, &err), 0);
	assert_string_equal(buf_str(out), "given");
	(void)close(r.fd);
	(void)close(plan.input_fd);
	buf_free(out);
}

static void how_a_command_ended_is_told(void **state)
{
	static const struct {
		const char *line;
		int64_t ms;
		int rc;
		const char *said;
	} cases[] = {
	    {"sh -c 'echo no'", FOR_EVER, 0, ""},
	    {"sh -c 'exec >&-; sleep 0.2'", FOR_EVER, 0, ""},
	    {"sh -c 'exec >&- 2>&-; exit 4'", FOR_EVER, ERR_IO,
		"ended with status 4"},
	    {"sh -c 'echo a >&2; echo; echo b >&2; echo >&2; exit 3'", FOR_EVER,
		ERR_IO, "ended with status 3: b"},
	    {"sh -c 'printf ab >&2; kill -9 $$'", FOR_EVER, ERR_IO,
		"was ended by signal 9 (Killed): ab"},
	    {"sleep 600", SOON, ERR_TIMEOUT,
		"did not end in time and was killed"},
	    {"sh -c 'exec >&- 2>&-; sleep 600'", SOON, ERR_TIMEOUT,
		"did not end in time and was killed"},
	    {"sh -c 'trap : TERM INT; yes >&2'", SOON, ERR_TIMEOUT,
		"did not end in time and was killed: y"},
	    {"yes", FOR_EVER, ERR_LIMIT, "wrote more than 65536 bytes"},
	    {"sh -c 'yes & exit 0'", FOR_EVER, 0, NULL},
	    {"head -c 65536 /dev/zero", FOR_EVER, 0, ""},
	    {"head -c 65537 /dev/zero", FOR_EVER, ERR_LIMIT,
		"wrote more than 65536 bytes"},
	    {"/nonexistent/command x", FOR_EVER, ERR_IO,
		"ended with status 127: cannot run /nonexistent/command: No "
		"such file or directory"},
	    {"no-such-command-here", FOR_EVER, ERR_IO,
		"ended with status 127: cannot run no-such-command-here: No "
		"such file or directory"},
	    {"''", FOR_EVER, ERR_IO,
		"ended with status 127: cannot run : Permission denied"},
	    {"/", FOR_EVER, ERR_IO,
		"ended with status 127: cannot run /: Permission denied"},
	    {"./plain", FOR_EVER, ERR_IO,
		"ended with status 127: cannot run ./plain: Permission "
		"denied"},
	    {"./script", FOR_EVER, ERR_IO,
		"ended with status 127: cannot run ./script: Exec format "
		"error"},
	};
	struct buf *out = buf_new(COMMAND_OUTPUT_MAX);

	(void)state;
	assert_true(close(creat("plain", 0644)) == 0);
	assert_true(close(creat("script", 0755)) == 0);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct err err;
		int rc = ERR_TIMEOUT;

		/* On a busy machine the answer may come after SOON. */
		for (int64_t ms = cases[i].ms; ms <= FOR_EVER; ms *= 4) {
			struct runner r = started(cases[i].line);

			err = (struct err){0};
			rc = ask(&r, out, ms, &err);
			(void)close(r.fd);
			if (rc != ERR_TIMEOUT || cases[i].said == NULL ||
			    strcmp(err.text, cases[i].said) == 0)
				break;
		}
		/* What a grandchild wrote before its end may be too long. */
		if (cases[i].said == NULL && rc == ERR_LIMIT)
			continue;
		if (rc != cases[i].rc)
			fail_msg("%s: %s (%s)", cases[i].line, err_text(rc),
			    err.text);
		if (cases[i].said != NULL)
			assert_string_equal(err.text, cases[i].said);
	}
	buf_free(out);
}

static void it_is_asked_again_and_again(void **state)
{
	struct buf *out = buf_new(COMMAND_OUTPUT_MAX);
	struct runner r = started("sh -c 'printf %60000s; sleep 0.05'");
	const int stop = open("/dev/null", O_RDONLY | O_CLOEXEC);
	struct err err;

	(void)state;
	for (int i = 0; i < 3; i++) {
		/* The answer to what nobody waits for any more is not taken for
		 * that to the next. */
		assert_int_equal(ask(&r, out, 1, &err), ERR_TIMEOUT);
		r.cancel_fd = stop;
		assert_int_equal(ask(&r, out, FOR_EVER, &err), ERR_CANCELED);
		r.cancel_fd = -1;
		assert_int_equal(ask(&r, out, FOR_EVER, &err), 0);
		assert_int_equal(buf_len(out), 60000);
	}
	assert_int_equal(access("left", F_OK), 0);
	(void)close(stop);
	(void)close(r.fd);
	buf_free(out);
}

/* ---- nobody is left */

/* Also true of a process that has ended and is not reaped. */
static bool is_gone(long pid)
{
	char path[64], text[512] = "";
	const char *state;
	FILE *f;

	(void)snprintf(path, sizeof path, "/proc/%ld/stat", pid);
	f = fopen(path, "r");
	if (f == NULL)
		return true;
	if (fgets(text, sizeof text, f) == NULL)
		text[0] = '\0';
	(void)fclose(f);
	state = strrchr(text, ')');
	return state == NULL || state[2] == 'Z' || state[2] == 'X';
}

static void wait_for(bool (*condition)(void))
{
	const struct timespec step = {.tv_nsec = 5000000};
	const int64_t until = clock_read(CLOCK_MONOTONIC) + FOR_EVER;

	while (!condition()) {
		assert_true(clock_read(CLOCK_MONOTONIC) < until);
		(void)nanosleep(&step, NULL);
	}
}

static long pids[3];

static bool has_pids(void)
{
	FILE *f = fopen("pids", "r");
	const bool has = f != NULL && fscanf(f, "%ld %ld %ld\n.", &pids[0],
					  &pids[1], &pids[2]) == 3;

	if (f != NULL)
		(void)fclose(f);
	return has;
}

static bool all_are_gone(void)
{
	return is_gone(pids[0]) && is_gone(pids[1]) && is_gone(pids[2]);
}

#define LEAVES                                                                 \
	"sh -c 'trap : HUP TERM; sleep 600 & a=$!;"                            \
	" b=$(setsid sh -c \"sleep 600 >&- 2>&- & echo \\$!\");"               \
	" echo $a $b "

static void who_is_left_is_killed(void **state)
{
	static const struct {
		const char *line;
		int rc;
	} cases[] = {{LEAVES "$$ >pids'", 0},
	    {LEAVES "$$ >pids; sleep 600'", ERR_TIMEOUT},
	    {LEAVES "$$ >pids; yes'", ERR_LIMIT}};
	struct buf *out = buf_new(COMMAND_OUTPUT_MAX);
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct runner r;

		(void)unlink("pids");
		r = started(cases[i].line);
		/* A busy machine may take long to start the three. */
		for (int64_t ms = SOON; !has_pids(); ms *= 2)
			assert_int_equal(
			    ask(&r, out,
				cases[i].rc == ERR_TIMEOUT ? ms : FOR_EVER,
				&err),
			    cases[i].rc);
		assert_true(all_are_gone());
		(void)close(r.fd);
	}
	buf_free(out);
}

static void it_ends_with_the_online_half(void **state)
{
	pid_t half;

	(void)state;
	(void)unlink("pids");
	half = fork();
	assert_true(half >= 0);
	if (half == 0) {
		struct buf *out = buf_new(COMMAND_OUTPUT_MAX);
		struct runner r = started(
		    "sh -c 'sleep 600 & echo $! $$ $PPID >pids; sleep 600'");
		struct err err;

		_exit(ask(&r, out, FOR_EVER, &err) == 0);
	}
	wait_for(has_pids);
	assert_false(is_gone(pids[2]));
	assert_int_equal(kill(half, SIGKILL), 0);
	wait_for(all_are_gone);
	(void)waitpid(half, NULL, 0);
}

static void one_that_is_gone_is_told(void **state)
{
	struct buf *out = buf_new(COMMAND_OUTPUT_MAX);
	struct runner r = started("sh -c 'kill -9 $PPID; sleep 600'");
	struct err err = {0};

	(void)state;
	for (int i = 0; i < 2; i++) {
		assert_int_equal(ask(&r, out, FOR_EVER, &err), ERR_EOF);
		assert_non_null(strstr(err.text, "start the program anew"));
	}
	(void)close(r.fd);
	buf_free(out);
}

static void an_answer_that_is_none_is_told(void **state)
{
	struct buf *out = buf_new(COMMAND_OUTPUT_MAX);
	struct runner r;
	struct err err = {0};
	int fd[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fd), 0);
	r = (struct runner){.fd = fd[0], .cancel_fd = -1};
	assert_int_equal(record_send(fd[1], 77, "?", 1, -1, 0), 0);
	assert_int_equal(ask(&r, out, FOR_EVER, &err), ERR_EOF);
	assert_non_null(strstr(err.text,
	    "was answered by an unknown record: start the program anew"));
	(void)close(fd[0]);
	(void)close(fd[1]);
	buf_free(out);
}

/* The online half may belong to an attacker. */
static void another_wish_than_to_run_it_ends_it(void **state)
{
	static const struct {
		uint32_t type;
		size_t len;
	} records[] = {{0, 16}, {1, 0}, {1, 15}, {1, 17}, {1, 4096}, {2, 16},
	    {3, 16}, {UINT32_MAX, 16}};
	static const char bytes[4096] = "rm";
	struct buf *out = buf_new(COMMAND_OUTPUT_MAX);
	struct err err;

	(void)state;
	(void)unlink("pids");
	for (size_t i = 0; i < sizeof records / sizeof records[0]; i++) {
		struct runner r = started("touch pids");

		assert_int_equal(record_send(r.fd, records[i].type, bytes,
				     records[i].len, -1, 0),
		    0);
		assert_int_equal(ask(&r, out, FOR_EVER, &err), ERR_EOF);
		assert_int_equal(access("pids", F_OK), -1);
		(void)close(r.fd);
	}
	buf_free(out);
}

static void without_a_command_there_is_none(void **state)
{
	struct runner r = started("");

	(void)state;
	assert_int_equal(r.fd, -1);
}

static void waiting_can_be_canceled(void **state)
{
	struct buf *out = buf_new(COMMAND_OUTPUT_MAX);
	struct runner r = started("sleep 600");
	struct err err;
	int stop[2];

	(void)state;
	assert_int_equal(pipe2(stop, O_CLOEXEC), 0);
	(void)close(stop[1]);
	r.cancel_fd = stop[0];
	assert_int_equal(ask(&r, out, FOR_EVER, &err), ERR_CANCELED);
	(void)close(stop[0]);
	(void)close(r.fd);
	buf_free(out);
}

/* ---- what it has */

static void assert_has_neither_rights_nor_descriptors(void)
{
	const bool root = geteuid() == 0;
	struct buf *out = buf_new(COMMAND_OUTPUT_MAX);
	struct runner r;
	struct err err = {0};
	char uid[32];
	int other = open("/dev/null", O_RDONLY);

	(void)snprintf(
	    uid, sizeof uid, "Uid:\t%u\t", root ? 65534 : (unsigned)geteuid());
	r = started("sh -c 'cat /proc/self/status; ulimit -c;"
		    " ls -l /proc/self/fd; readlink /proc/self/fd/0'");
	assert_int_equal(ask(&r, out, FOR_EVER, &err), 0);
	assert_non_null(strstr(buf_str(out), uid));
	assert_non_null(strstr(buf_str(out), "\nNoNewPrivs:\t1\n"));
	assert_non_null(strstr(buf_str(out), "CapEff:\t0000000000000000\n"));
	assert_non_null(strstr(buf_str(out), "CapPrm:\t0000000000000000\n"));
	assert_non_null(strstr(buf_str(out), "\n0\n"));
	assert_non_null(strstr(buf_str(out), "\n/dev/null\n"));
	/* 0 to 2, and the folder that ls reads. */
	assert_null(strstr(buf_str(out), " 4 -> "));
	assert_null(strstr(buf_str(out), "socket:"));
	if (root)
		assert_non_null(strstr(buf_str(out), "\nGroups:\t \n"));
	(void)close(other);
	(void)close(r.fd);
	buf_free(out);
}

/* The first call of syscall(2) is close_range(2), which not every kernel has.
 */
static void it_has_neither_rights_nor_descriptors(void **state)
{
	(void)state;
	assert_has_neither_rights_nor_descriptors();
	failing_next("syscall");
	assert_has_neither_rights_nor_descriptors();
	/* It was the runner's that failed; here it would be the next one. */
	(void)syscall(SYS_gettid);
}

/* Signals 32 and 33 are glibc's own, which lets no program change them and has
 * posix_spawn(3) leave them ignored. */
#define OWN_SIGNALS    (3ULL << 31)
/* Signals 32 and 33, which the C library lets nobody set and make(1) ignores.
 */
#define OF_THE_LIBRARY (UINT64_C(3) << 31)

static void it_has_the_signals_of_a_new_program(void **state)
{
	static const char ignored[] = "SigIgn:\t";
	struct buf *out = buf_new(COMMAND_OUTPUT_MAX);
	const char *at;
	struct runner r = started("cat /proc/self/status");
	struct err err = {0};
	const char *found;

	(void)state;
	assert_int_equal(ask(&r, out, FOR_EVER, &err), 0);
	assert_non_null(strstr(buf_str(out), "SigBlk:\t0000000000000000\n"));
	at = strstr(buf_str(out), ignored);
	assert_non_null(at);
	assert_int_equal(
	    strtoull(at + strlen(ignored), NULL, 16) & ~OWN_SIGNALS, 0);
	found = strstr(buf_str(out), "SigIgn:\t");
	assert_non_null(found);
	assert_int_equal(strtoull(found + 8, NULL, 16) & ~OF_THE_LIBRARY, 0);
	(void)close(r.fd);
	buf_free(out);
}

static void its_environment_has_no_secret(void **state)
{
	static const char *const names[] = {"AWS_ACCESS_KEY_ID",
	    "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN",
	    "AWS_CONTAINER_AUTHORIZATION_TOKEN", "CREDENTIALS_DIRECTORY",
	    "NOTIFY_SOCKET", "LD_PRELOAD_", "PATHS", "AWSX"};
	static const char *const kept[] = {
	    "AWS_REGION", "https_proxy", "LC_TIME", "AWS_CONFIG_FILE"};
	struct buf *out = buf_new(COMMAND_OUTPUT_MAX);
	struct runner r;
	struct err err = {0};

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		(void)setenv(names[i], "s3cret", 1);
	for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++)
		(void)setenv(kept[i], "kept", 1);
	r = started("env");
	assert_int_equal(ask(&r, out, FOR_EVER, &err), 0);
	assert_null(strstr(buf_str(out), "s3cret"));
	for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++) {
		assert_non_null(strstr(buf_str(out), kept[i]));
		(void)unsetenv(kept[i]);
	}
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		(void)unsetenv(names[i]);
	assert_non_null(strstr(buf_str(out), "PATH="));
	assert_non_null(strstr(buf_str(out), "HOME=/"));
	if (geteuid() == 0)
		assert_null(strstr(buf_str(out), "HOME=/root"));
	(void)close(r.fd);
	buf_free(out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_words_are_no_text_for_a_shell),
	    cmocka_unit_test(a_command_may_be_given_an_input),
	    cmocka_unit_test(how_a_command_ended_is_told),
	    cmocka_unit_test(it_is_asked_again_and_again),
	    cmocka_unit_test(who_is_left_is_killed),
	    cmocka_unit_test(it_ends_with_the_online_half),
	    cmocka_unit_test(one_that_is_gone_is_told),
	    cmocka_unit_test(an_answer_that_is_none_is_told),
	    cmocka_unit_test(another_wish_than_to_run_it_ends_it),
	    cmocka_unit_test(without_a_command_there_is_none),
	    cmocka_unit_test(waiting_can_be_canceled),
	    cmocka_unit_test(it_has_neither_rights_nor_descriptors),
	    cmocka_unit_test(it_has_the_signals_of_a_new_program),
	    cmocka_unit_test(its_environment_has_no_secret),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
