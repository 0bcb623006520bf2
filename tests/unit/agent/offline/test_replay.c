/* SPDX-License-Identifier: Apache-2.0 */
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
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/offline/replay.h"
#include "aid/keys.h"
#include "aid/power.h"
#include "aid/virtual.h"
#include "base/clock.h"
#include "base/limits.h"

/* Two slots of a head, a counter and the digests, in whole blocks. */
#define SLOT_SIZE (24 + 8 + REPLAY_MAX * REPLAY_KEPT_LEN)
#define SLOT_AT   ((REPLAY_MAX * REPLAY_KEPT_LEN) + SLOTS_BLOCK)
#define FILE_SIZE (SLOT_AT + SLOT_SIZE)
#define SOON      (now() + VIRTUAL_LATE_MS)

static struct replay seen;
static struct err err;

static int64_t now(void)
{
	const struct clock c = clock_system(NULL);

	return clock_mono(&c);
}

static void reopen(const char *path)
{
	replay_close(&seen);
	assert_int_equal(replay_open(&seen, path, SOON, &err), 0);
}

static void numbered(uint8_t digest[static REPLAY_DIGEST_LEN], uint32_t number)
{
	memset(digest, 0x5a, REPLAY_DIGEST_LEN);
	memcpy(digest, &number, sizeof number);
}

static bool has(uint32_t number)
{
	uint8_t digest[REPLAY_DIGEST_LEN];

	numbered(digest, number);
	return replay_has(&seen, digest);
}

static void add(uint32_t first, size_t n)
{
	uint8_t digests[LIMIT_BATCH][REPLAY_DIGEST_LEN];

	for (size_t k = 0; k < n; k++)
		numbered(digests[k], first + (uint32_t)k);
	assert_int_equal(replay_add(&seen, digests, n), 0);
	replay_settle(&seen);
}

static void what_is_added_is_found_and_stays(void **state)
{
	const char *path = keys_path(*state, "seen");
	struct stat st;

	reopen(path);
	assert_false(has(1));
	add(1, 1);
	add(2, LIMIT_BATCH);
	for (int turn = 0; turn < 2; turn++) {
		for (uint32_t i = 1; i < 12; i++)
			assert_true(has(i));
		assert_false(has(0));
		assert_false(has(12));
		reopen(path);
	}
	assert_int_equal(stat(path, &st), 0);
	/* As long as it will be, and with its blocks, from the start. */
	assert_int_equal(st.st_size, FILE_SIZE);
	assert_true(st.st_blocks * 512 >= (blkcnt_t)FILE_SIZE);
	assert_int_equal(st.st_mode & 07777, 0600);
	replay_close(&seen);
}

static void what_agrees_in_the_kept_bytes_is_one(void **state)
{
	uint8_t digest[REPLAY_DIGEST_LEN];

	reopen(keys_path(*state, "seen"));
	add(1, 1);
	numbered(digest, 1);
	digest[REPLAY_KEPT_LEN] ^= 1;
	assert_true(replay_has(&seen, digest));
	digest[REPLAY_KEPT_LEN - 1] ^= 1;
	assert_false(replay_has(&seen, digest));
	replay_close(&seen);
}

/* Another version's file is known by its first bytes. */
static void the_file_says_what_it_is(void **state)
{
	const char *path = keys_path(*state, "seen");
	char text[SLOTS_BLOCK];
	int fd;

	reopen(path);
	add(1, 1);
	fd = open(path, O_RDONLY);
	assert_int_equal(pread(fd, text, sizeof text, 0), sizeof text);
	assert_memory_equal(text, "SQSESEEN", 8);
	(void)close(fd);
}

static void the_oldest_goes_first(void **state)
{
	const char *path = keys_path(*state, "seen");
	uint32_t n = 0;

	reopen(path);
	/* Batches that do not divide the ring, beyond its end. */
	while (n < REPLAY_MAX + 7) {
		add(n, 9);
		n += 9;
	}
	for (int turn = 0; turn < 2; turn++) {
		for (uint32_t i = 0; i < n; i++)
			assert_int_equal(has(i), i >= n - REPLAY_MAX);
		reopen(path);
	}
	replay_close(&seen);
}

/* ---- damage */

static void put(const char *path, off_t at, const void *data, size_t len)
{
	const int fd = open(path, O_WRONLY);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, data, len, at), len);
	assert_int_equal(close(fd), 0);
}

static void damage_to_one_slot_forgets_nothing(void **state)
{
	const char *path = keys_path(*state, "seen");
	static const uint8_t ones[SLOTS_BLOCK] = {1};

	reopen(path);
	add(1, 3);
	for (off_t at = 0; at < (off_t)FILE_SIZE; at += SLOTS_BLOCK) {
		put(path, at, ones, 512);
		reopen(path);
		assert_true(has(1) && has(2) && has(3));
		/* What is added makes both slots whole. */
		add((uint32_t)at + 100, 1);
	}
	replay_close(&seen);
}

static void damage_to_both_slots_is_not_gone_without(void **state)
{
	static const struct {
		off_t at[2], len;
	} cases[] = {{{0, SLOT_AT}, FILE_SIZE}, {{9, SLOT_AT + 17}, FILE_SIZE},
	    {{SLOT_AT - SLOTS_BLOCK, FILE_SIZE - 1}, FILE_SIZE},
	    {{500, 500}, SLOT_AT + 1000}, {{0, 0}, 1}, {{0, 0}, SLOT_AT / 2}};
	const char *path = keys_path(*state, "seen");

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		(void)unlink(path);
		reopen(path);
		add(7, 1);
		replay_close(&seen);
		assert_int_equal(truncate(path, cases[i].len), 0);
		for (size_t k = 0; k < 2; k++)
			put(path, cases[i].at[k], "?", 1);
		memset(&err, 0, sizeof err);
		assert_int_equal(
		    replay_open(&seen, path, SOON, &err), ERR_FORMAT);
		assert_int_equal(seen.file.fd, -1);
		assert_null(seen.memory);
		assert_non_null(strstr(err.text, path));
		assert_non_null(strstr(err.text, "remove it"));
	}
}

static void a_file_without_content_begins_anew(void **state)
{
	static const off_t lengths[] = {0, 1, FILE_SIZE, 2 * FILE_SIZE};
	const char *path = keys_path(*state, "seen");

	for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
		reopen(path);
		add(7, 1);
		replay_close(&seen);
		assert_int_equal(truncate(path, 0), 0);
		assert_int_equal(truncate(path, lengths[i]), 0);
		reopen(path);
		assert_int_equal(seen.file.began, ERR_EMPTY);
		assert_false(has(7));
		add(8, 1);
		reopen(path);
		assert_true(has(8));
	}
	replay_close(&seen);
}

/* ---- cut at any call */

#define USED 50 /* what a run uses, beside what was used before it */

static void use(void *path)
{
	uint8_t digests[3][REPLAY_DIGEST_LEN];

	for (uint32_t k = 0; k < 3; k++)
		numbered(digests[k], USED + k);
	if (replay_open(&seen, path, SOON, NULL) != 0 ||
	    replay_add(&seen, digests, 3) != 0)
		_exit(1);
	replay_settle(&seen);
}

/* A run that came so far as to inject is remembered; what was used before is
 * so in any case.  The next run works. */
static void check_used(void *path, bool done)
{
	reopen(path);
	assert_true(has(1));
	if (done)
		assert_true(has(USED) && has(USED + 1) && has(USED + 2));
	assert_int_equal(has(USED), has(USED + 2));
	add(90, 1);
	replay_close(&seen);
}

static void a_cut_at_any_call_lets_nothing_count_twice(void **state)
{
	char path[160];
	const struct power power = {path, false, use, check_used, path};

	(void)strcpy(path, keys_path(*state, "seen"));
	reopen(path);
	add(1, 1);
	replay_close(&seen);
	assert_true(power_cut_everywhere(&power) > 100);
}

static void check_first(void *path, bool done)
{
	reopen(path);
	assert_false(done && !has(USED));
	add(90, 1);
	reopen(path);
	assert_true(has(90));
	replay_close(&seen);
}

static void a_cut_of_the_first_run_leaves_the_next_one_working(void **state)
{
	char path[160];
	const struct power power = {path, true, use, check_first, path};

	(void)strcpy(path, keys_path(*state, "seen"));
	assert_true(power_cut_everywhere(&power) > 6);
}

/* ---- what is refused, locked, or full */

static void a_directory_of_another_user_is_refused(void **state)
{
	struct keys *k = *state;
	int rc;

	assert_int_equal(chmod(k->dir, 0500), 0);
	keys_drop(true);
	rc = replay_open(&seen, keys_path(k, "seen"), SOON, &err);
	keys_drop(false);
	assert_int_equal(rc, ERR_PERM);
	assert_non_null(strstr(err.text, k->path));
}

/* The child holds the lock until it is killed. */
static pid_t hold(const char *path)
{
	int ready[2];
	char byte;
	pid_t child;

	assert_int_equal(pipe(ready), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		(void)alarm(60);
		if (replay_open(&seen, path, SOON, NULL) != 0 ||
		    write(ready[1], "", 1) != 1)
			_exit(1);
		for (;;)
			(void)pause();
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	(void)close(ready[0]);
	(void)close(ready[1]);
	return child;
}

static void one_agent_at_a_time_has_the_file(void **state)
{
	const char *path = keys_path(*state, "seen");
	const pid_t child = hold(path);
	const int64_t began = now();

	assert_int_equal(
	    replay_open(&seen, path, began + 150, &err), ERR_TIMEOUT);
	/* The other one would hold it for a minute. */
	assert_in_range(now() - began, 150, 150 + VIRTUAL_LATE_MS);
	assert_int_equal(replay_open(&seen, path, began, &err), ERR_TIMEOUT);
	/* What holds it goes with its process. */
	assert_int_equal(kill(child, SIGKILL), 0);
	assert_int_equal(replay_open(&seen, path, SOON, &err), 0);
	assert_int_equal(waitpid(child, NULL, 0), child);
	replay_close(&seen);
}

/* A disk that is full, as RLIMIT_FSIZE plays it. */
static void what_cannot_be_written_is_an_error(void **state)
{
	const char *path = keys_path(*state, "seen");
	struct rlimit old, small = {SLOTS_BLOCK, RLIM_INFINITY};
	uint8_t digests[4][REPLAY_DIGEST_LEN];
	int rc;

	reopen(path);
	add(1, 2);
	for (uint32_t i = 0; i < 4; i++)
		numbered(digests[i], 100 + i);
	(void)signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	small.rlim_max = old.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	rc = replay_add(&seen, digests, 4);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_int_equal(rc, ERR_IO);
	reopen(path);
	/* What did get there does no harm: it was not used, and is not. */
	assert_true(has(1) && has(2));
	add(200, 4);
	assert_true(has(203));
	replay_close(&seen);
}

static void nothing_is_made_where_there_is_no_room(void **state)
{
	const char *path = keys_path(*state, "seen");
	struct rlimit old, none = {0, RLIM_INFINITY};
	int rc;

	(void)signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	none.rlim_max = old.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
	rc = replay_open(&seen, path, SOON, &err);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_int_equal(rc, ERR_IO);
	/* Once there is room, it is begun anew. */
	reopen(path);
	replay_close(&seen);
}

/* In the child: add one after the other, telling each, until killed. */
static void add_for_ever(const char *path, uint32_t number, int told)
{
	uint8_t digest[1][REPLAY_DIGEST_LEN];

	(void)alarm(120);
	if (replay_open(&seen, path, SOON, NULL) != 0)
		_exit(1);
	for (;; number++) {
		numbered(digest[0], number);
		if (replay_add(&seen, digest, 1) != 0 ||
		    write(told, &number, sizeof number) < 0)
			_exit(1);
		replay_settle(&seen);
	}
}

/* Killed at any time, the file is sound, and what the child told of is in
 * it, but for what went to make room: on a RAM disk that may be reached. */
static void a_kill_loses_nothing_that_was_stored(void **state)
{
	const char *path = keys_path(*state, "seen");
	uint32_t first = 1, last;

	for (unsigned turn = 0; turn < 20; turn++) {
		int told[2];
		pid_t child;

		assert_int_equal(pipe(told), 0);
		child = fork();
		assert_true(child >= 0);
		if (child == 0)
			add_for_ever(path, first, told[1]);
		(void)close(told[1]);
		assert_int_equal(
		    read(told[0], &last, sizeof last), sizeof last);
		(void)usleep(turn % 5 * 1500);
		assert_int_equal(kill(child, SIGKILL), 0);
		while (read(told[0], &last, sizeof last) == sizeof last)
			continue;
		assert_int_equal(waitpid(child, NULL, 0), child);
		(void)close(told[0]);
		reopen(path);
		if (last - first > REPLAY_MAX - 2)
			first = last - (REPLAY_MAX - 2);
		for (uint32_t i = first; i <= last; i++)
			assert_true(has(i));
		/* One more may be there, which was not told yet. */
		assert_false(has(last + 2));
		replay_close(&seen);
		first = last + 2;
	}
}

#define T(f) cmocka_unit_test_setup_teardown(f, keys_setup, keys_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    T(what_is_added_is_found_and_stays),
	    T(what_agrees_in_the_kept_bytes_is_one),
	    T(the_file_says_what_it_is),
	    T(the_oldest_goes_first),
	    T(damage_to_one_slot_forgets_nothing),
	    T(damage_to_both_slots_is_not_gone_without),
	    T(a_file_without_content_begins_anew),
	    T(a_cut_at_any_call_lets_nothing_count_twice),
	    T(a_cut_of_the_first_run_leaves_the_next_one_working),
	    T(a_directory_of_another_user_is_refused),
	    T(one_agent_at_a_time_has_the_file),
	    T(what_cannot_be_written_is_an_error),
	    T(nothing_is_made_where_there_is_no_room),
	    T(a_kill_loses_nothing_that_was_stored),
	};

	seen.file.fd = -1;
	return cmocka_run_group_tests_name("agent seen", tests, NULL, NULL);
}
