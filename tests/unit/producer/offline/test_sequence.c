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
#include "producer/offline/sequence.h"

#define SLOT_LEN   512
#define WHOLE      24 /* bytes of a slot that mean something */
#define FILE_WHOLE (SLOT_LEN + WHOLE)

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

/* ---- torn writes */

static size_t load(const char *path, uint8_t image[static 2 * SLOT_LEN])
{
	int fd = open(path, O_RDONLY);
	ssize_t n;

	assert_true(fd >= 0);
	n = read(fd, image, 2 * SLOT_LEN);
	assert_true(n > 0);
	assert_int_equal(close(fd), 0);
	return (size_t)n;
}

static void store(const char *path, const uint8_t *image, size_t len)
{
	int fd = open(path, O_WRONLY | O_TRUNC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, image, len), len);
	assert_int_equal(close(fd), 0);
}

/* The file after n reservations. */
static size_t made(
    const char *path, unsigned n, uint8_t image[static 2 * SLOT_LEN])
{
	(void)unlink(path);
	reopen(path);
	for (uint64_t i = 0; i + SEQUENCE_BLOCK <= n * SEQUENCE_BLOCK;
	     i += SEQUENCE_BLOCK) {
		uint64_t first = next();

		assert_int_equal(first, 1 + i);
		while (next() < i + SEQUENCE_BLOCK)
			continue;
	}
	sequence_close(&seq);
	memset(image, 0, 2 * SLOT_LEN);
	return load(path, image);
}

/*
 * The power goes while the slot at that offset is written: any prefix of its
 * bytes, or any suffix, is new and the rest old.  All numbers that the old
 * file had given are below what comes next.
 */
static void torn(const char *path, const uint8_t *old, const uint8_t *new,
    size_t len, size_t at, uint64_t given)
{
	uint8_t image[2 * SLOT_LEN];

	for (size_t cut = at; cut <= at + WHOLE; cut++)
		for (int suffix = 0; suffix < 2; suffix++) {
			memcpy(image, suffix ? old : new, cut);
			memcpy(
			    image + cut, (suffix ? new : old) + cut, len - cut);
			store(path, image, len);
			reopen(path);
			assert_true(next() > given);
			sequence_close(&seq);
		}
}

static void a_torn_write_repeats_no_number(void **state)
{
	const char *path = keys_path(*state, "sequence");
	uint8_t old[2 * SLOT_LEN], new[2 * SLOT_LEN];

	/* Into the second slot, the first, and the second again. */
	for (unsigned n = 1; n < 4; n++) {
		size_t len = made(path, n + 1, new);

		(void)made(path, n, old);
		assert_memory_not_equal(old, new, len);
		torn(path, old, new, len, n % 2 * SLOT_LEN,
		    (uint64_t)n * SEQUENCE_BLOCK);
	}
}

/* Longer than before, but not yet whole. */
static void a_file_that_did_not_grow_whole_repeats_no_number(void **state)
{
	const char *path = keys_path(*state, "sequence");
	uint8_t image[2 * SLOT_LEN];

	assert_int_equal(made(path, 2, image), FILE_WHOLE);
	for (size_t len = WHOLE; len < FILE_WHOLE;
	     len += len < SLOT_LEN - 1 ? 61 : 1) {
		store(path, image, len);
		reopen(path);
		assert_true(next() > SEQUENCE_BLOCK);
	}
	sequence_close(&seq);
}

static void any_bit_of_one_slot_may_be_spoilt(void **state)
{
	const char *path = keys_path(*state, "sequence");
	uint8_t image[2 * SLOT_LEN];

	/* The older slot is the first: what was given stays given. */
	(void)made(path, 2, image);
	for (size_t bit = 0; bit < 8 * WHOLE; bit++) {
		image[bit / 8] ^= (uint8_t)(1 << bit % 8);
		store(path, image, FILE_WHOLE);
		reopen(path);
		assert_int_equal(next(), 1 + 2 * SEQUENCE_BLOCK);
		image[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	sequence_close(&seq);
}

static void assert_damaged(const char *path)
{
	sequence_close(&seq);
	memset(&err, 0, sizeof err);
	assert_int_equal(sequence_open(&seq, path, &err), ERR_CONFIG);
	assert_int_equal(seq.fd, -1);
	assert_non_null(strstr(err.text, path));
	assert_non_null(strstr(err.text, "damaged"));
}

static void both_slots_spoilt_are_not_guessed(void **state)
{
	const char *path = keys_path(*state, "sequence");
	uint8_t image[2 * SLOT_LEN];

	(void)made(path, 2, image);
	for (size_t bit = 0; bit < 8 * WHOLE; bit++) {
		image[bit / 8] ^= (uint8_t)(1 << bit % 8);
		image[SLOT_LEN] ^= 1;
		store(path, image, FILE_WHOLE);
		assert_damaged(path);
		image[SLOT_LEN] ^= 1;
		image[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	store(path, image, 1);
	assert_damaged(path);
	store(path, image, WHOLE - 1);
	assert_damaged(path);
	memset(image, 0, sizeof image);
	store(path, image, sizeof image);
	assert_damaged(path);
}

/* ---- the end of the numbers */

static void put_reserved(const char *path, uint64_t reserved)
{
	uint8_t image[2 * SLOT_LEN];
	const uint64_t inverted = ~reserved;

	(void)made(path, 1, image);
	memcpy(image + 8, &reserved, sizeof reserved);
	memcpy(image + 16, &inverted, sizeof inverted);
	store(path, image, WHOLE);
}

static void the_last_numbers_do_not_wrap(void **state)
{
	const char *path = keys_path(*state, "sequence");
	uint64_t n = 77;

	put_reserved(path, UINT64_MAX - SEQUENCE_BLOCK - 1);
	reopen(path);
	assert_true(next() == UINT64_MAX - SEQUENCE_BLOCK - 1);
	assert_int_equal(sequence_next(&seq, &n, &err), ERR_LIMIT);
	assert_int_equal(sequence_next(&seq, &n, &err), ERR_LIMIT);
	assert_int_equal(n, 77);
	put_reserved(path, UINT64_MAX);
	reopen(path);
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
	assert_int_equal(other.fd, -1);
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
	    T(a_torn_write_repeats_no_number),
	    T(a_file_that_did_not_grow_whole_repeats_no_number),
	    T(any_bit_of_one_slot_may_be_spoilt),
	    T(both_slots_spoilt_are_not_guessed),
	    T(the_last_numbers_do_not_wrap),
	    T(no_number_is_given_without_its_reservation),
	    T(a_kill_repeats_no_number),
	    T(one_producer_at_a_time_has_the_file),
	    T(what_is_no_file_is_refused),
	};

	seq.fd = -1;
	return cmocka_run_group_tests_name(
	    "producer sequence", tests, NULL, NULL);
}
