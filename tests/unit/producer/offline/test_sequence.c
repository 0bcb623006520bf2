/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "aid/keys.h"
#include "aid/power.h"
#include "producer/offline/sequence.h"

static struct sequence seq;
static struct err err;

static void reopen(const char *path)
{
	sequence_close(&seq);
	assert_int_equal(sequence_open(&seq, path, &err), 0);
}

static uint64_t next(void)
{
	uint64_t n = 0;

	assert_int_equal(sequence_next(&seq, &n, &err), 0);
	return n;
}

static void numbers_begin_at_one_and_grow_by_one(void **state)
{
	const char *path = keys_path(*state, "sequence");
	struct stat st;

	reopen(path);
	for (uint64_t i = 1; i <= 3 * SEQUENCE_BLOCK; i++)
		assert_int_equal(next(), i);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	sequence_close(&seq);
}

static void a_restart_skips_to_the_next_block(void **state)
{
	const char *path = keys_path(*state, "sequence");
	uint64_t last = 0;

	for (int turn = 0; turn < 5; turn++) {
		uint64_t n;

		reopen(path);
		n = next();
		assert_int_equal(n, 1 + (uint64_t)turn * SEQUENCE_BLOCK);
		assert_true(n > last);
		last = next();
	}
	/* To open and give no number reserves nothing. */
	for (int turn = 0; turn < 5; turn++)
		reopen(path);
	assert_int_equal(next(), 1 + 5 * SEQUENCE_BLOCK);
	sequence_close(&seq);
}

/* ---- cut at any call, and damage */

static uint64_t given; /* the highest number that was told of */

struct told {
	const char *path;
	int to[2];
};

/* In a child: give numbers of two blocks, telling of each. */
static void give_two_blocks(void *ctx)
{
	const struct told *told = ctx;
	uint64_t n;

	if (sequence_open(&seq, told->path, NULL) != 0)
		_exit(1);
	for (unsigned i = 0; i <= SEQUENCE_BLOCK; i++)
		if (sequence_next(&seq, &n, NULL) != 0 ||
		    (i % SEQUENCE_BLOCK == 0 &&
			write(told->to[1], &n, sizeof n) != sizeof n))
			_exit(1);
}

static void check_next(void *ctx, bool done)
{
	const struct told *told = ctx;
	uint64_t n;

	(void)done;
	while (read(told->to[0], &n, sizeof n) == sizeof n)
		given = n > given ? n : given;
	reopen(told->path);
	/* Of a block all may be given once its first number is. */
	n = next();
	assert_true(n > given + SEQUENCE_BLOCK - 1);
	assert_true(n < 10 * SEQUENCE_BLOCK);
	assert_int_equal(next(), n + 1);
	sequence_close(&seq);
}

static void a_cut_at_any_call_repeats_no_number(void **state)
{
	struct told told = {.path = keys_path(*state, "sequence")};
	const struct power power = {
	    told.path, false, give_two_blocks, check_next, &told};

	assert_int_equal(pipe2(told.to, O_NONBLOCK), 0);
	reopen(told.path);
	given = next();
	sequence_close(&seq);
	assert_true(power_cut_everywhere(&power) > 100);
	assert_true(given > 2 * SEQUENCE_BLOCK);
	(void)close(told.to[0]);
	(void)close(told.to[1]);
}

static void put(const char *path, const char *text, size_t len)
{
	const int fd = open(path, O_WRONLY | O_TRUNC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, len), len);
	assert_int_equal(close(fd), 0);
}

/* Whatever the file was, numbers go on above all that were given. */
static void a_lost_file_begins_above_all_that_was_given(void **state)
{
	static const char zeros[2 * SLOTS_BLOCK];
	static const struct {
		const char *text;
		size_t len;
	} lost[] = {{"", 0}, {zeros, 1}, {zeros, sizeof zeros}, {"lost", 4},
	    {"SQSESEQ1", 9}};
	const char *path = keys_path(*state, "sequence");
	uint64_t last;

	reopen(path);
	last = next();
	for (size_t i = 0; i < sizeof lost / sizeof lost[0]; i++) {
		sequence_close(&seq);
		put(path, lost[i].text, lost[i].len);
		reopen(path);
		assert_true(next() > last);
		/* From then on it counts as ever. */
		last = next();
		reopen(path);
		assert_in_range(next() - last, 1, SEQUENCE_BLOCK);
		last = next();
		/* No producer is restarted within this time. */
		(void)usleep(10000);
	}
	sequence_close(&seq);
}

static void a_file_from_a_later_clock_counts(void **state)
{
	const char *path = keys_path(*state, "sequence");
	const int64_t later = INT64_C(4102444800); /* the year 2100 */
	const struct timespec times[2] = {{later, 0}, {later, 0}};

	reopen(path);
	sequence_close(&seq);
	put(path, "lost", 4);
	assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
	reopen(path);
	assert_true(next() >= (uint64_t)later * 1000000);
	sequence_close(&seq);
}

static void anew_is_above_both_times_and_2_to_the_50th(void **state)
{
	const uint64_t least = UINT64_C(1) << 50;
	const struct {
		struct timespec now, written;
		uint64_t at_least, at_most;
	} cases[] = {
	    {{0, 0}, {0, 0}, least, least},
	    {{-1, 999999999}, {-1, 0}, least, least},
	    {{1800000000, 7000}, {0, 0}, 1800000000000007, 1800000000000007},
	    {{0, 0}, {1800000000, 7999}, 1800000000000007, 1800000000000007},
	    {{1800000000, 0}, {1900000000, 0}, 1900000000000000,
		1900000000000000},
	    /* A claim has 64 bits, numbers of the status have 63. */
	    {{INT64_MAX, 999999999}, {0, 0}, UINT64_C(1) << 59, INT64_MAX},
	    {{0, 0}, {INT64_MAX, 999999999}, UINT64_C(1) << 59, INT64_MAX},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const uint64_t n =
		    sequence_anew(&cases[i].now, &cases[i].written);

		assert_true(n >= cases[i].at_least);
		assert_true(n <= cases[i].at_most);
	}
}

/* ---- the end of the numbers */

static void put_reserved(const char *path, uint64_t reserved)
{
	reopen(path);
	assert_int_equal(slots_write(&seq.file, &reserved), 0);
	reopen(path);
}

static void the_last_numbers_do_not_wrap(void **state)
{
	const char *path = keys_path(*state, "sequence");
	uint64_t n = 77;

	put_reserved(path, UINT64_MAX - SEQUENCE_BLOCK - 1);
	assert_true(next() == UINT64_MAX - SEQUENCE_BLOCK - 1);
	assert_int_equal(sequence_next(&seq, &n, &err), ERR_LIMIT);
	assert_int_equal(sequence_next(&seq, &n, &err), ERR_LIMIT);
	assert_string_equal(
	    err.text, "no sequence number is left: make a new key");
	assert_int_equal(n, 77);
	put_reserved(path, UINT64_MAX);
	assert_int_equal(sequence_next(&seq, &n, &err), ERR_LIMIT);
	assert_int_equal(n, 77);
	sequence_close(&seq);
}

/* ---- writing fails, the process is killed, two at once */

static void no_number_is_given_without_its_reservation(void **state)
{
	const char *path = keys_path(*state, "sequence");
	struct rlimit old, none = {0, 0};
	uint64_t n = 77;
	int rc;

	reopen(path);
	(void)signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	none.rlim_max = old.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
	rc = sequence_next(&seq, &n, &err);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_int_equal(rc, ERR_IO);
	assert_int_equal(n, 77);
	/* It goes on where it was once there is room. */
	assert_int_equal(next(), 1);
	sequence_close(&seq);
}

/* In the child: give numbers, telling each, until killed. */
static void give(const char *path, int told)
{
	uint64_t n;

	(void)alarm(120);
	if (sequence_open(&seq, path, NULL) != 0)
		_exit(1);
	while (sequence_next(&seq, &n, NULL) == 0)
		if (write(told, &n, sizeof n) < 0)
			break;
	_exit(1);
}

static void a_kill_repeats_no_number(void **state)
{
	const char *path = keys_path(*state, "sequence");
	uint64_t highest = 0, n;

	for (int turn = 0; turn < 20; turn++) {
		uint64_t before = highest;
		int told[2];
		pid_t child;

		assert_int_equal(pipe(told), 0);
		child = fork();
		assert_true(child >= 0);
		if (child == 0)
			give(path, told[1]);
		(void)close(told[1]);
		for (int i = 0; i < turn * 150 + 1; i++) {
			assert_int_equal(read(told[0], &n, sizeof n), sizeof n);
			assert_true(n > before);
			assert_true(n > highest);
			highest = n;
		}
		assert_int_equal(kill(child, SIGKILL), 0);
		while (read(told[0], &n, sizeof n) == sizeof n)
			highest = n;
		assert_int_equal(waitpid(child, NULL, 0), child);
		(void)close(told[0]);
	}
}

static void one_producer_at_a_time_has_the_file(void **state)
{
	const char *path = keys_path(*state, "sequence");
	struct sequence other;

	reopen(path);
	/* Not for good: the other one may end soon. */
	assert_int_equal(sequence_open(&other, path, &err), ERR_ABSENT);
	assert_non_null(strstr(err.text, "another producer"));
	assert_non_null(strstr(err.text, "STATE_DIRECTORY"));
	assert_non_null(strstr(err.text, path));
	assert_int_equal(other.file.fd, -1);
	sequence_close(&seq);
	assert_int_equal(sequence_open(&other, path, &err), 0);
	sequence_close(&other);
	sequence_close(&other);
}

static void what_is_no_file_is_refused(void **state)
{
	struct keys *k = *state;
	char target[160];
	int rc;

	sequence_close(&seq);
	assert_int_equal(mkfifo(keys_path(k, "fifo"), 0600), 0);
	assert_int_equal(sequence_open(&seq, k->path, &err), ERR_IO);
	assert_int_equal(mkdir(keys_path(k, "directory"), 0700), 0);
	assert_int_equal(sequence_open(&seq, k->path, &err), ERR_IO);
	(void)snprintf(target, sizeof target, "%s/target", k->dir);
	assert_int_equal(symlink(target, keys_path(k, "link")), 0);
	assert_int_equal(sequence_open(&seq, k->path, &err), ERR_IO);
	assert_int_not_equal(access(target, F_OK), 0);
	assert_int_equal(chmod(k->dir, 0500), 0);
	keys_drop(true);
	rc = sequence_open(&seq, keys_path(k, "sequence"), &err);
	keys_drop(false);
	assert_int_equal(rc, ERR_PERM);
}

#define T(f) cmocka_unit_test_setup_teardown(f, keys_setup, keys_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    T(numbers_begin_at_one_and_grow_by_one),
	    T(a_restart_skips_to_the_next_block),
	    T(a_cut_at_any_call_repeats_no_number),
	    T(a_lost_file_begins_above_all_that_was_given),
	    T(a_file_from_a_later_clock_counts),
	    T(anew_is_above_both_times_and_2_to_the_50th),
	    T(the_last_numbers_do_not_wrap),
	    T(no_number_is_given_without_its_reservation),
	    T(a_kill_repeats_no_number),
	    T(one_producer_at_a_time_has_the_file),
	    T(what_is_no_file_is_refused),
	};

	seq.file.fd = -1;
	return cmocka_run_group_tests_name(
	    "producer sequence", tests, NULL, NULL);
}
