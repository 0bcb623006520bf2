/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "aid/keys.h"
#include "aid/power.h"
#include "aid/virtual.h"
#include "base/clock.h"
#include "base/slots.h"

#define LEN      100
#define FILE_LEN (SLOTS_BLOCK + 24 + LEN)

static struct slots slots;
static struct err err;
static uint8_t state_now[LEN];

/* A new file is all 'a'; what is damaged is not gone without. */
static int begin(void *state, int why, const struct stat *old)
{
	(void)old;
	memset(state, 'a', LEN);
	return why == ERR_FORMAT ? ERR_FORMAT : 0;
}

static int begin_anyway(void *state, int why, const struct stat *old)
{
	(void)why;
	(void)old;
	memset(state, 'd', LEN);
	return 0;
}

static const struct slots_kind kind = {"TESTSLOT", LEN, begin};
static const struct slots_kind never_mind = {"TESTSLOT", LEN, begin_anyway};

static int open_kind(const char *path, const struct slots_kind *of)
{
	slots_close(&slots);
	memset(state_now, 0, sizeof state_now);
	memset(&err, 0, sizeof err);
	return slots_open(&slots, path, of, state_now, 0, &err);
}

/* The letter of which the state is. */
static char read_letter(const char *path)
{
	assert_int_equal(open_kind(path, &kind), 0);
	for (size_t i = 1; i < LEN; i++)
		assert_int_equal(state_now[i], state_now[0]);
	return (char)state_now[0];
}

static int write_letter(char letter)
{
	uint8_t new[LEN];

	memset(new, letter, sizeof new);
	return slots_write(&slots, new);
}

static void what_was_written_last_is_read(void **state)
{
	const char *path = keys_path(*state, "slots");
	struct stat st;
	int fd;

	assert_int_equal(read_letter(path), 'a');
	assert_int_equal(slots.began, ERR_ABSENT);
	for (char letter = 'b'; letter <= 'z'; letter++) {
		assert_int_equal(write_letter(letter), 0);
		if (letter % 3 == 0) {
			assert_int_equal(read_letter(path), letter);
			assert_int_equal(slots.began, 0);
		}
	}
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_size, FILE_LEN);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_not_equal(access(keys_path(*state, "slots.new"), F_OK), 0);
	fd = slots.fd;
	slots_close(&slots);
	assert_int_equal(fcntl(fd, F_GETFD), -1);
	assert_int_equal(slots.fd, -1);
}

/* FNV-1a as its authors write it. */
static uint64_t fnv(uint64_t sum, const uint8_t *p, size_t len)
{
	while (len-- > 0)
		sum = (sum ^ *p++) * UINT64_C(1099511628211);
	return sum;
}

static void expect_sum(const char *path)
{
	uint8_t image[24 + LEN];
	uint64_t sum = UINT64_C(14695981039346656037), its;
	const int fd = open(path, O_RDONLY);

	assert_int_equal(read(fd, image, sizeof image), sizeof image);
	assert_int_equal(close(fd), 0);
	sum = fnv(fnv(sum, image, 16), image + 24, LEN);
	memcpy(&its, image + 16, sizeof its);
	assert_true(sum == its);
}

static void the_sum_is_fnv_1a_whatever_is_zero(void **state)
{
	const char *path = keys_path(*state, "slots");
	uint8_t new[LEN] = {0};

	assert_int_equal(read_letter(path), 'a');
	expect_sum(path);
	for (size_t i = 0; i < LEN; i++) {
		assert_int_equal(slots_write(&slots, new), 0);
		expect_sum(path);
		new[i] = 0;
		new[(i * 7 + 1) % LEN] = (uint8_t)i;
	}
	slots_close(&slots);
}

/* ---- damage */

static void put(const char *path, const uint8_t *image, size_t len)
{
	const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, image, len), len);
	assert_int_equal(close(fd), 0);
}

static void get(const char *path, uint8_t image[static FILE_LEN])
{
	const int fd = open(path, O_RDONLY);

	assert_int_equal(read(fd, image, FILE_LEN), FILE_LEN);
	assert_int_equal(close(fd), 0);
}

/* A file of 'b', in image. */
static void make_b(const char *path, uint8_t image[static FILE_LEN])
{
	(void)unlink(path);
	assert_int_equal(read_letter(path), 'a');
	assert_int_equal(write_letter('b'), 0);
	slots_close(&slots);
	get(path, image);
}

/* The letters of both slots, whatever is whole. */
static void expect_letters(const char *path, const char *letters)
{
	uint8_t image[FILE_LEN];

	get(path, image);
	assert_int_equal(image[24], letters[0]);
	assert_int_equal(image[SLOTS_BLOCK + 24], letters[1]);
}

static void one_slot_is_written_and_then_the_other(void **state)
{
	const char *path = keys_path(*state, "slots");
	uint8_t image[FILE_LEN], c[LEN], d[LEN];

	memset(c, 'c', sizeof c);
	memset(d, 'd', sizeof d);
	make_b(path, image);
	assert_int_equal(read_letter(path), 'b');
	assert_int_equal(slots_write_one(&slots, c), 0);
	expect_letters(path, "bc");
	assert_int_equal(slots_write_other(&slots, c), 0);
	expect_letters(path, "cc");
	get(path, image);
	assert_memory_equal(image, image + SLOTS_BLOCK, 24 + LEN);
	/* Who ended between the two goes on with the older one. */
	assert_int_equal(slots_write_one(&slots, d), 0);
	expect_letters(path, "cd");
	assert_int_equal(read_letter(path), 'd');
	memset(c, 'e', sizeof c);
	assert_int_equal(slots_write_one(&slots, c), 0);
	expect_letters(path, "ed");
	assert_int_equal(read_letter(path), 'e');
	slots_close(&slots);
}

static void damage_to_one_slot_loses_nothing(void **state)
{
	const char *path = keys_path(*state, "slots");
	uint8_t image[FILE_LEN];

	make_b(path, image);
	for (size_t at = 0; at < FILE_LEN; at++) {
		image[at] ^= (uint8_t)(1 << at % 8);
		put(path, image, FILE_LEN);
		assert_int_equal(read_letter(path), 'b');
		image[at] ^= (uint8_t)(1 << at % 8);
	}
	for (size_t len = 24 + LEN; len < FILE_LEN; len += 61) {
		put(path, image, len);
		assert_int_equal(read_letter(path), 'b');
	}
	slots_close(&slots);
}

static void damage_to_both_slots_is_found(void **state)
{
	const char *path = keys_path(*state, "slots");
	uint8_t image[FILE_LEN];

	make_b(path, image);
	image[SLOTS_BLOCK + 30] ^= 1;
	for (size_t at = 0; at < 24 + LEN; at++) {
		image[at] ^= (uint8_t)(1 << at % 8);
		put(path, image, FILE_LEN);
		assert_int_equal(open_kind(path, &kind), ERR_FORMAT);
		assert_int_equal(slots.fd, -1);
		image[at] ^= (uint8_t)(1 << at % 8);
	}
	put(path, image, 1);
	assert_int_equal(open_kind(path, &kind), ERR_FORMAT);
	/* A state of another length or kind is none. */
	make_b(path, image);
	assert_int_equal(
	    open_kind(path, &(struct slots_kind){"TESTSLOT", LEN - 1, begin}),
	    ERR_FORMAT);
	assert_int_equal(
	    open_kind(path, &(struct slots_kind){"TESTSLOU", LEN, begin}),
	    ERR_FORMAT);
	assert_int_equal(read_letter(path), 'b');
	slots_close(&slots);
}

static void a_file_of_zeros_or_of_no_length_begins_anew(void **state)
{
	static const size_t lengths[] = {
	    0, 1, 24, SLOTS_BLOCK, FILE_LEN, 2 * SLOTS_BLOCK};
	const char *path = keys_path(*state, "slots");
	static const uint8_t zeros[2 * SLOTS_BLOCK];

	for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
		put(path, zeros, lengths[i]);
		assert_int_equal(read_letter(path), 'a');
		assert_int_equal(slots.began, ERR_EMPTY);
		assert_int_equal(read_letter(path), 'a');
		assert_int_equal(slots.began, 0);
	}
	slots_close(&slots);
}

static void a_damaged_file_begins_anew_where_its_kind_says_so(void **state)
{
	const char *path = keys_path(*state, "slots");

	put(path, (const uint8_t *)"damaged", 7);
	assert_int_equal(open_kind(path, &never_mind), 0);
	assert_int_equal(slots.began, ERR_FORMAT);
	assert_int_equal(read_letter(path), 'd');
	slots_close(&slots);
}

/* ---- cut at any call */

struct cut {
	const char *path;
	char old, new;
	bool anew;    /* the file is made */
	bool failing; /* the first sync fails */
};

static void write_new(void *ctx)
{
	const struct cut *c = ctx;

	if (open_kind(c->path, c->anew ? &never_mind : &kind) != 0)
		_exit(1);
	power_fail_sync(c->failing);
	if (c->failing && write_letter(c->new) != ERR_IO)
		_exit(1);
	if (!c->anew && write_letter(c->new) != 0)
		_exit(1);
}

static void check_old_or_new(void *ctx, bool done)
{
	const struct cut *c = ctx;
	char found;

	assert_int_equal(open_kind(c->path, c->anew ? &never_mind : &kind), 0);
	found = (char)state_now[0];
	for (size_t i = 0; i < LEN; i++)
		assert_int_equal(state_now[i], found);
	assert_true(found == c->new || (!done && found == c->old));
	/* And the next run works. */
	assert_int_equal(write_letter('n'), 0);
	assert_int_equal(read_letter(c->path), 'n');
	slots_close(&slots);
}

static void cut_everywhere(struct cut *cut)
{
	const struct power power = {
	    cut->path, false, write_new, check_old_or_new, cut};
	uint8_t image[FILE_LEN];

	make_b(cut->path, image);
	assert_true(power_cut_everywhere(&power) > 100);
	/* Also where one slot was left by an earlier cut. */
	for (size_t slot = 0; slot < 2; slot++) {
		make_b(cut->path, image);
		memset(image + slot * SLOTS_BLOCK + 50, 0, 30);
		put(cut->path, image, FILE_LEN);
		assert_true(power_cut_everywhere(&power) > 100);
	}
}

static void a_cut_leaves_the_old_state_or_the_new(void **state)
{
	struct cut cut = {keys_path(*state, "slots"), 'b', 'c', false, false};

	cut_everywhere(&cut);
}

/* What the failed sync left may be damaged. */
static void a_cut_after_a_failed_sync_does_so_too(void **state)
{
	struct cut cut = {keys_path(*state, "slots"), 'b', 'c', false, true};

	cut_everywhere(&cut);
}

static void a_cut_while_the_file_is_made_leaves_none_or_a_whole_one(
    void **state)
{
	struct cut cut = {keys_path(*state, "slots"), 'd', 'd', true, false};
	const struct power power = {
	    cut.path, true, write_new, check_old_or_new, &cut};

	assert_true(power_cut_everywhere(&power) > 6);
	put(cut.path, NULL, 0);
	assert_true(power_cut_everywhere(&power) > 6);
	put(cut.path, (const uint8_t *)"damaged", 7);
	assert_true(power_cut_everywhere(&power) > 6);
}

/* ---- locks */

static int64_t now(void)
{
	return clock_read(CLOCK_MONOTONIC);
}

static void a_lock_is_waited_for_until_the_time_given(void **state)
{
	const char *path = keys_path(*state, "slots");
	const int64_t began = now();
	int fd;

	assert_int_equal(read_letter(path), 'a');
	slots_close(&slots);
	fd = open(path, O_RDONLY);
	assert_int_equal(flock(fd, LOCK_SH), 0);
	assert_int_equal(open_kind(path, &kind), ERR_TIMEOUT);
	assert_non_null(strstr(err.text, path));
	assert_int_equal(
	    slots_open(&slots, path, &kind, state_now, began + 100, &err),
	    ERR_TIMEOUT);
	assert_in_range(now() - began, 100, 100 + VIRTUAL_LATE_MS);
	assert_int_equal(slots.fd, -1);
	(void)close(fd);
	assert_int_equal(read_letter(path), 'a');
	slots_close(&slots);
}

/* In a child: add one to the number in the file, many times. */
static void count_up(const char *path)
{
	(void)alarm(120);
	for (unsigned i = 0; i < 5; i++) {
		if (slots_open(&slots, path, &kind, state_now, now() + 60000,
			&err) != 0)
			_exit(1);
		for (size_t k = 0; k < LEN; k++)
			state_now[k]++;
		if (slots_write(&slots, state_now) != 0)
			_exit(1);
		slots_close(&slots);
	}
	_exit(0);
}

static void of_several_that_begin_none_has_a_file_of_its_own(void **state)
{
	const char *path = keys_path(*state, "slots");

	for (unsigned turn = 0; turn < 6; turn++) {
		if (turn % 2)
			put(path, NULL, 0);
		else
			(void)unlink(path);
		for (unsigned i = 0; i < 4; i++)
			if (fork() == 0)
				count_up(path);
		for (unsigned i = 0; i < 4; i++) {
			int status = -1;

			assert_true(wait(&status) > 0);
			assert_int_equal(status, 0);
		}
		assert_int_equal(read_letter(path), (char)('a' + 20));
		slots_close(&slots);
	}
}

/* ---- whose the file is */

static void what_is_no_file_of_its_own_is_refused(void **state)
{
	struct keys *k = *state;
	char target[160], path[160];

	(void)strcpy(path, keys_path(k, "slots"));
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(open_kind(path, &kind), ERR_IO);
	assert_non_null(strstr(err.text, "not a file"));
	(void)unlink(path);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(open_kind(path, &kind), ERR_IO);
	(void)rmdir(path);
	(void)strcpy(target, keys_path(k, "target"));
	assert_int_equal(symlink(target, path), 0);
	assert_int_equal(open_kind(path, &kind), ERR_IO);
	assert_int_not_equal(access(target, F_OK), 0);
	(void)unlink(path);
	/* The new file is not made on top of another's. */
	put(target, (const uint8_t *)"own", 3);
	assert_int_equal(link(target, keys_path(k, "slots.new")), 0);
	assert_int_equal(open_kind(path, &kind), ERR_IO);
	keys_assert_file(target, "own", 0600);
	assert_int_equal(symlink(target, keys_path(k, "slots.new")), 0);
	assert_int_equal(open_kind(path, &kind), 0);
	keys_assert_file(target, "own", 0600);
	assert_int_equal(open_kind(keys_path(k, "no/where"), &kind), ERR_IO);
	assert_int_equal(slots.fd, -1);
}

static void the_owner_of_the_directory_owns_the_file(void **state)
{
	struct keys *k = *state;
	const char *path = keys_path(k, "slots");
	struct stat st;

	if (geteuid() != 0)
		skip();
	assert_int_equal(chown(k->dir, 65534, 65534), 0);
	/* Left behind by root, when it was killed. */
	(void)keys_put(k, "slots.new", "left", 0600);
	path = keys_path(k, "slots");
	keys_drop(true);
	assert_int_equal(read_letter(path), 'a');
	slots_close(&slots);
	keys_drop(false);
	(void)unlink(path);
	assert_int_equal(read_letter(path), 'a');
	slots_close(&slots);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_uid, 65534);
	assert_int_equal(st.st_gid, 65534);
	keys_drop(true);
	assert_int_equal(read_letter(path), 'a');
	slots_close(&slots);
	keys_drop(false);
}

#define T(f) cmocka_unit_test_setup_teardown(f, keys_setup, keys_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    T(what_was_written_last_is_read),
	    T(the_sum_is_fnv_1a_whatever_is_zero),
	    T(one_slot_is_written_and_then_the_other),
	    T(damage_to_one_slot_loses_nothing),
	    T(damage_to_both_slots_is_found),
	    T(a_file_of_zeros_or_of_no_length_begins_anew),
	    T(a_damaged_file_begins_anew_where_its_kind_says_so),
	    T(a_cut_leaves_the_old_state_or_the_new),
	    T(a_cut_after_a_failed_sync_does_so_too),
	    T(a_cut_while_the_file_is_made_leaves_none_or_a_whole_one),
	    T(a_lock_is_waited_for_until_the_time_given),
	    T(of_several_that_begin_none_has_a_file_of_its_own),
	    T(what_is_no_file_of_its_own_is_refused),
	    T(the_owner_of_the_directory_owns_the_file),
	};

	slots.fd = -1;
	return cmocka_run_group_tests_name("slots", tests, NULL, NULL);
}
