/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "aid/keys.h"
#include "aid/logged.h"
#include "producer/offline/blocks.h"

static const uint8_t a[] = {0x00, 0xff, 0x0f, 0x55, 0x80};
static const uint8_t b[] = {0xff, 0xff, 0xf0, 0xaa, 0x01};
static const uint8_t c[] = {0x01, 0x02, 0x04, 0x08, 0x10};

static void bytes_are_combined_one_by_one(void **state)
{
	static const uint8_t two[] = {0xff, 0x00, 0xff, 0xff, 0x81};
	static const uint8_t three[] = {0xfe, 0x02, 0xfb, 0xf7, 0x91};
	const uint8_t *const in[] = {a, b, c};
	uint8_t out[sizeof a];

	(void)state;
	blocks_combine(out, in, 2, sizeof a);
	assert_memory_equal(out, two, sizeof out);
	blocks_combine(out, in, 3, sizeof a);
	assert_memory_equal(out, three, sizeof out);
}

static void one_source_passes_unchanged(void **state)
{
	const uint8_t *const in[] = {b};
	uint8_t out[sizeof b];

	(void)state;
	blocks_combine(out, in, 1, sizeof b);
	assert_memory_equal(out, b, sizeof out);
}

/* Why one device must not be named twice. */
static void equal_inputs_cancel(void **state)
{
	static const uint8_t zeros[sizeof a];
	const uint8_t *const twice[] = {a, a};
	const uint8_t *const thrice[] = {a, c, a};
	uint8_t out[sizeof a];

	(void)state;
	blocks_combine(out, twice, 2, sizeof a);
	assert_memory_equal(out, zeros, sizeof out);
	blocks_combine(out, thrice, 3, sizeof a);
	assert_memory_equal(out, c, sizeof out);
}

static void a_dead_source_takes_nothing_away(void **state)
{
	static const uint8_t stuck[] = {0xff, 0xff, 0xff, 0xff, 0xff};
	const uint8_t *const in[] = {a, stuck};
	const uint8_t *const again[] = {stuck, NULL};
	const uint8_t *both[2] = {again[0]};
	uint8_t out[sizeof a];

	(void)state;
	blocks_combine(out, in, 2, sizeof a);
	both[1] = out;
	/* Undone: so nothing was lost.  out is one of the inputs here. */
	blocks_combine(out, both, 2, sizeof a);
	assert_memory_equal(out, a, sizeof out);
}

static void only_len_bytes_are_written(void **state)
{
	const uint8_t *const in[] = {a, c};
	uint8_t out[sizeof a];

	(void)state;
	memset(out, 0x77, sizeof out);
	blocks_combine(out, in, 2, 0);
	assert_int_equal(out[0], 0x77);
	blocks_combine(out, in, 2, 2);
	assert_int_equal(out[1], 0xfd);
	assert_int_equal(out[2], 0x77);
}

/* One or two devices that give so many bytes in each second of a clock that
 * moves only by waiting. */
struct slow {
	int64_t now;
	struct slow_device {
		int fd;
		int64_t given, per_second;
		char path[160];
	} at[2];
};

static int64_t slow_now(void *ctx)
{
	return ((const struct slow *)ctx)->now;
}

static void slow_give(struct slow_device *d, int64_t ms)
{
	uint8_t byte;

	for (; d->given < ms * d->per_second / 1000; d->given++) {
		assert_int_equal(getrandom(&byte, 1, 0), 1);
		assert_int_equal(write(d->fd, &byte, 1), 1);
	}
}

static int slow_wait(void *ctx, int64_t ms)
{
	struct slow *s = ctx;

	s->now += ms;
	slow_give(&s->at[0], s->now);
	slow_give(&s->at[1], s->now);
	return 0;
}

static void slow_open(struct slow_device *d, struct keys *k, const char *name)
{
	(void)snprintf(d->path, sizeof d->path, "%s", keys_path(k, name));
	assert_int_equal(mkfifo(d->path, 0600), 0);
	d->fd = open(d->path, O_RDWR);
	assert_true(d->fd >= 0);
}

static void slow_close(struct slow_device *d)
{
	(void)close(d->fd);
	(void)unlink(d->path);
}

/* The longest message that such a source can be read for in the time that
 * source.h gives it, and the default; TimeoutStartSec= of the unit is 600 s,
 * which the start may exceed as it asks for more. */
static void a_slow_source_passes_its_start_up_test_in_time(void **state)
{
	static const struct {
		size_t message;
		int64_t seconds; /* at most */
	} cases[] = {{32, 160}, {512, 160}, {7000, 1080}};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct slow slow = {.at = {{.per_second = 13}}};
		const struct clock clock = {.mono = slow_now, .ctx = &slow};
		const struct pace pace = {&clock, slow_wait, &slow};
		struct err err = {0};
		struct blocks blocks;

		slow_open(&slow.at[0], *state, "slow");
		assert_int_equal(blocks_open(&blocks, slow.at[0].path, 1,
				     cases[i].message, &err),
		    0);
		assert_int_equal(blocks_start(&blocks, &pace, &err), 0);
		assert_in_range(
		    slow.now / 1000, HEALTH_STARTUP / 13, cases[i].seconds);
		blocks_close(&blocks);
		slow_close(&slow.at[0]);
	}
}

/* Both as blocks of 512 bytes. */
static void open_two(struct slow *slow, struct keys *k, struct blocks *blocks)
{
	char devices[400];
	struct err err = {0};

	slow_open(&slow->at[0], k, "one");
	slow_open(&slow->at[1], k, "two");
	(void)snprintf(devices, sizeof devices, "%s,%s", slow->at[0].path,
	    slow->at[1].path);
	assert_int_equal(blocks_open(blocks, devices, 1, 512, &err), 0);
}

static void close_two(struct slow *slow, struct blocks *blocks)
{
	blocks_close(blocks);
	slow_close(&slow->at[0]);
	slow_close(&slow->at[1]);
}

static void two_sources_take_the_time_of_the_slower(void **state)
{
	struct slow slow = {.at = {{.per_second = 20}, {.per_second = 13}}};
	const struct clock clock = {.mono = slow_now, .ctx = &slow};
	const struct pace pace = {&clock, slow_wait, &slow};
	struct err err = {0};
	struct blocks blocks;
	uint8_t out[512];

	open_two(&slow, *state, &blocks);
	assert_int_equal(blocks_start(&blocks, &pace, &err), 0);
	assert_in_range(
	    slow.now / 1000, HEALTH_STARTUP / 13, HEALTH_STARTUP / 13 + 1);
	for (int i = 1; i <= 3; i++)
		assert_int_equal(
		    blocks_make(&blocks, &pace, out, sizeof out, &err), 0);
	assert_in_range(slow.now / 1000, (HEALTH_STARTUP + 3 * 512) / 13,
	    (HEALTH_STARTUP + 3 * 512) / 13 + 1);
	/* How fast each is by itself. */
	assert_in_range(
	    blocks.seen[0].bytes * 1000 / (uint64_t)blocks.seen[0].busy, 19,
	    60);
	assert_in_range(
	    blocks.seen[1].bytes * 1000 / (uint64_t)blocks.seen[1].busy, 12,
	    14);
	close_two(&slow, &blocks);
}

/* What is logged until then, and nothing else. */
#define EXPECT_LOGGED(format, ...)                                             \
	do {                                                                   \
		char said[1024], wanted[1024];                                 \
                                                                               \
		logged_take(said, sizeof said);                                \
		(void)snprintf(wanted, sizeof wanted, format, __VA_ARGS__);    \
		assert_string_equal(said, wanted);                             \
	} while (0)

/* The others wait for it once, and it counts again after a start-up test. */
static void a_silent_source_is_left_out(void **state)
{
	struct slow slow = {.at = {{.per_second = 1000}, {.per_second = 0}}};
	const struct clock clock = {.mono = slow_now, .ctx = &slow};
	const struct pace pace = {&clock, slow_wait, &slow};
	struct err err = {0};
	struct blocks blocks;
	uint8_t out[512];
	int made = 0;

	open_two(&slow, *state, &blocks);
	logged_begin(LOG_LEVEL_NOTICE);
	assert_int_equal(blocks_make(&blocks, &pace, out, sizeof out, &err), 0);
	assert_int_equal(slow.now, SOURCE_SILENCE_MS);
	EXPECT_LOGGED("%s gave no byte for 30 s: is the hardware alive?; the "
		      "other sources go on without it\n",
	    slow.at[1].path);
	assert_int_equal(blocks_end(&blocks, true), 0);
	for (int i = 0; i < 10; i++)
		assert_int_equal(
		    blocks_make(&blocks, &pace, out, sizeof out, &err), 0);
	/* Bytes of the first one had piled up. */
	assert_int_equal(slow.now, SOURCE_SILENCE_MS);
	assert_int_equal(blocks.seen[1].bytes, 0);
	/* It is back, and slower than the other one. */
	slow.at[1].per_second = 500;
	slow.at[1].given = slow.now / 2;
	for (; blocks.seen[1].out; made++)
		assert_int_equal(
		    blocks_make(&blocks, &pace, out, sizeof out, &err), 0);
	assert_in_range(made, 2, 200);
	assert_int_equal(blocks.seen[1].bytes, HEALTH_STARTUP);
	logged_end();
	close_two(&slow, &blocks);
}

/* What it has given then is none of the test's. */
static void all_silent_sources_are_told(void **state)
{
	static const uint8_t zeros[512];
	struct slow slow = {.at = {{.per_second = 0}, {.per_second = 0}}};
	const struct clock clock = {.mono = slow_now, .ctx = &slow};
	const struct pace pace = {&clock, slow_wait, &slow};
	struct err err = {0};
	struct blocks blocks;
	uint8_t out[512];

	open_two(&slow, *state, &blocks);
	logged_begin(LOG_LEVEL_NOTICE);
	memset(out, 1, sizeof out);
	assert_int_equal(
	    blocks_make(&blocks, &pace, out, sizeof out, &err), ERR_TIMEOUT);
	assert_int_equal(slow.now, SOURCE_SILENCE_MS);
	assert_non_null(strstr(err.text, "/one gave no byte for 30 s"));
	assert_memory_equal(out, zeros, sizeof out);
	EXPECT_LOGGED("%s gave no byte for 30 s: is the hardware alive?\n",
	    slow.at[1].path);
	assert_int_equal(blocks_end(&blocks, true), 0);
	/* One is back, and the other is not waited for. */
	slow.at[1].per_second = 1000;
	slow.at[1].given = slow.now;
	assert_int_equal(blocks_make(&blocks, &pace, out, sizeof out, &err), 0);
	assert_in_range(
	    slow.now, SOURCE_SILENCE_MS + 2560, 2 * SOURCE_SILENCE_MS - 1);
	logged_end();
	close_two(&slow, &blocks);
}

static int64_t now;

static int64_t simulated_now(void *ctx)
{
	(void)ctx;
	return now;
}

static int no_wait(void *ctx, int64_t ms)
{
	(void)ctx;
	(void)ms;
	return 0;
}

/* len bytes of a source, by chance or all the same. */
static void append(int fd, size_t len, bool stuck)
{
	uint8_t data[4096] = {0};

	assert_true(len <= sizeof data);
	if (!stuck)
		assert_int_equal(getrandom(data, len, 0), len);
	assert_int_equal(write(fd, data, len), len);
}

/* A good block follows each bad one: the lines are as few as the changes. */
static void a_source_that_fails_now_and_then_is_told_once(void **state)
{
	const struct clock clock = {.mono = simulated_now};
	const struct pace pace = {&clock, no_wait, NULL};
	const char *path = keys_path(*state, "source");
	const int fd = open(path, O_WRONLY | O_CREAT, 0600);
	struct blocks blocks;
	struct err err = {0};
	uint8_t out[512];
	char text[1024];

	assert_true(fd >= 0);
	append(fd, HEALTH_STARTUP, false);
	for (int i = 0; i < 50; i++) {
		append(fd, sizeof out, true);
		append(fd, HEALTH_STARTUP, false);
		append(fd, sizeof out, false);
	}
	append(fd, sizeof out, false);
	now = 1000000;
	logged_begin(LOG_LEVEL_NOTICE);
	assert_int_equal(blocks_open(&blocks, path, 1, sizeof out, &err), 0);
	for (int i = 0; i < 50; i++, now += 60000)
		if (blocks_make(&blocks, &pace, out, sizeof out, &err) != 0)
			fail_msg("block %d: %s", i, err.text);
	logged_take(text, sizeof text);
	assert_non_null(strstr(text, "; the block is discarded\n"));
	assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
	assert_int_equal(blocks.seen[0].discarded, 50);
	assert_int_equal(blocks.seen[0].bytes,
	    HEALTH_STARTUP + 50 * (HEALTH_STARTUP + 2 * sizeof out));
	now += BLOCKS_CALM_MS;
	assert_int_equal(blocks_make(&blocks, &pace, out, sizeof out, &err), 0);
	logged_take(text, sizeof text);
	assert_non_null(strstr(text,
	    "/source: passes its tests again; it failed now and then "
	    "for 49 min\n"));
	logged_end();
	blocks_close(&blocks);
	(void)close(fd);
}

/* Its own tests begin anew, and its next block goes with what the other one
 * gave. */
static void a_block_that_fails_is_made_anew_alone(void **state)
{
	const struct clock clock = {.mono = simulated_now};
	const struct pace pace = {&clock, no_wait, NULL};
	const size_t after = 2 * HEALTH_STARTUP + 512;
	uint8_t first[HEALTH_STARTUP + 512], second[2 * HEALTH_STARTUP + 1024];
	uint8_t out[512], expected[512];
	struct err err = {0};
	struct blocks blocks;
	char devices[400], path[160];
	int one, two;

	(void)snprintf(path, sizeof path, "%s", keys_path(*state, "one"));
	one = open(path, O_WRONLY | O_CREAT, 0600);
	(void)snprintf(
	    devices, sizeof devices, "%s, %s", path, keys_path(*state, "two"));
	two = open(keys_path(*state, "two"), O_WRONLY | O_CREAT, 0600);
	assert_int_equal(getrandom(first, sizeof first, 0), sizeof first);
	assert_int_equal(getrandom(second, sizeof second, 0), sizeof second);
	memset(second + HEALTH_STARTUP, 0, 512);
	assert_int_equal(write(one, first, sizeof first), sizeof first);
	assert_int_equal(write(two, second, sizeof second), sizeof second);
	assert_int_equal(blocks_open(&blocks, devices, 1, 512, &err), 0);
	logged_begin(LOG_LEVEL_ERROR);
	assert_int_equal(blocks_make(&blocks, &pace, out, sizeof out, &err), 0);
	logged_end();
	for (size_t i = 0; i < sizeof out; i++)
		expected[i] = first[HEALTH_STARTUP + i] ^ second[after + i];
	assert_memory_equal(out, expected, sizeof out);
	assert_int_equal(blocks.seen[0].discarded, 0);
	assert_int_equal(blocks.seen[1].discarded, 1);
	blocks_close(&blocks);
	(void)close(one);
	(void)close(two);
}

/* Two files as sources of blocks of 512 bytes, of which a test makes one or
 * both, now or later. */
struct pair {
	char one[160], two[160], devices[400];
	struct blocks blocks;
	uint8_t out[512];
	struct err err;
};

static const struct clock clock_pair = {.mono = simulated_now};
static const struct pace pace_pair = {&clock_pair, no_wait, NULL};

static int make_block(struct pair *p)
{
	return blocks_make(
	    &p->blocks, &pace_pair, p->out, sizeof p->out, &p->err);
}

static int open_pair(struct pair *p, struct keys *k)
{
	now = 1000000;
	*p = (struct pair){.err = {0}};
	(void)snprintf(p->one, sizeof p->one, "%s", keys_path(k, "one"));
	(void)snprintf(p->two, sizeof p->two, "%s", keys_path(k, "two"));
	(void)snprintf(p->devices, sizeof p->devices, "%s,%s", p->one, p->two);
	return blocks_open(&p->blocks, p->devices, 1, sizeof p->out, &p->err);
}

/* So many bytes more, by chance or all the same. */
static void give(const char *path, size_t len, bool stuck)
{
	const int fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);

	for (; len > 512; len -= 512)
		append(fd, 512, stuck);
	append(fd, len, stuck);
	assert_int_equal(close(fd), 0);
}

static void what_is_not_there_at_the_start_may_come(void **state)
{
	struct pair p;

	assert_int_equal(open_pair(&p, *state), ERR_ABSENT);
	assert_non_null(strstr(p.err.text, "/one is not there"));
	give(p.one, 16384, false);
	assert_int_equal(open_pair(&p, *state), 0);
	assert_int_equal(p.err.code, 0);
	logged_begin(LOG_LEVEL_NOTICE);
	assert_int_equal(blocks_start(&p.blocks, &pace_pair, &p.err), 0);
	EXPECT_LOGGED("%s is not there: set device to a hardware generator, or "
		      "load its driver; the other sources go on without it\n",
	    p.two);
	assert_int_equal(make_block(&p), 0);
	/* It is tried each second. */
	give(p.two, HEALTH_STARTUP + 512, false);
	assert_int_equal(make_block(&p), 0);
	assert_int_equal(p.blocks.seen[1].bytes, 0);
	now += BLOCKS_RETRY_MS;
	for (int i = 0; p.blocks.seen[1].out; i++) {
		assert_in_range(i, 0, HEALTH_STARTUP / 512);
		assert_int_equal(make_block(&p), 0);
	}
	EXPECT_LOGGED("%s: has passed its start-up test, and counts again "
		      "after 1 s\n",
	    p.two);
	/* What it gave for the test is in no message. */
	assert_int_equal(p.blocks.seen[1].bytes, HEALTH_STARTUP);
	assert_int_equal(make_block(&p), 0);
	assert_int_equal(p.blocks.seen[1].bytes, HEALTH_STARTUP + 512);
	/* It has ended, then gone. */
	assert_int_equal(unlink(p.two), 0);
	for (int i = 0; i < 5; i++, now += BLOCKS_RETRY_MS)
		assert_int_equal(make_block(&p), 0);
	EXPECT_LOGGED("%s has ended: it is no endless source; the other "
		      "sources go on without it\n%s is not there: set device "
		      "to a hardware generator, or load its driver; the other "
		      "sources go on without it\n",
	    p.two, p.two);
	assert_int_equal(blocks_end(&p.blocks, true), 0);
	logged_end();
	blocks_close(&p.blocks);
}

/* The other one goes on; a source that may come back keeps the producer. */
static void a_source_that_fails_its_tests_is_left_out_for_good(void **state)
{
	struct pair p;
	char said[2048];

	give(keys_path(*state, "one"), 16384, true);
	give(keys_path(*state, "two"), HEALTH_STARTUP + 10 * 512, false);
	assert_int_equal(open_pair(&p, *state), 0);
	logged_begin(LOG_LEVEL_NOTICE);
	for (int i = 0; i < 10; i++, now += BLOCKS_SLOW_MS)
		assert_int_equal(make_block(&p), 0);
	logged_take(said, sizeof said);
	assert_non_null(strstr(said,
	    "nothing of it is used: check or replace the hardware; the other "
	    "sources go on without it\n"));
	assert_null(strstr(strstr(said, "nothing of it") + 1, p.one));
	assert_int_equal(p.blocks.seen[0].discarded, HEALTH_FAILURES);
	/* It is not read any more, nor when it is another one. */
	assert_int_equal(unlink(p.one), 0);
	give(p.one, 16384, false);
	assert_int_equal(make_block(&p), ERR_EOF);
	assert_non_null(strstr(p.err.text, p.two));
	assert_int_equal(blocks_end(&p.blocks, true), 0);
	assert_int_equal(unlink(p.two), 0);
	assert_int_equal(make_block(&p), ERR_ABSENT);
	assert_int_equal(blocks_end(&p.blocks, false), 0);
	/* A new start would not remember what failed. */
	assert_int_equal(blocks_end(&p.blocks, true), ERR_SOURCE);
	logged_end();
	blocks_close(&p.blocks);
}

static void two_names_that_become_one_source_do_not_cancel(void **state)
{
	static const uint8_t zeros[512];
	struct pair p;
	char said[1024];

	give(keys_path(*state, "one"), 32768, false);
	give(keys_path(*state, "two"), HEALTH_STARTUP, false);
	assert_int_equal(open_pair(&p, *state), 0);
	logged_begin(LOG_LEVEL_NOTICE);
	assert_int_equal(unlink(p.two), 0);
	assert_int_equal(link(p.one, p.two), 0);
	for (int i = 0; i < 20; i++, now += BLOCKS_RETRY_MS) {
		assert_int_equal(make_block(&p), 0);
		assert_memory_not_equal(p.out, zeros, sizeof zeros);
	}
	logged_take(said, sizeof said);
	assert_non_null(strstr(said,
	    "are one source, whose bytes would cancel: name it once; the other "
	    "sources go on without it\n"));
	assert_true(p.blocks.seen[1].out);
	logged_end();
	blocks_close(&p.blocks);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(bytes_are_combined_one_by_one),
	    cmocka_unit_test(one_source_passes_unchanged),
	    cmocka_unit_test(equal_inputs_cancel),
	    cmocka_unit_test(a_dead_source_takes_nothing_away),
	    cmocka_unit_test(only_len_bytes_are_written),
	    cmocka_unit_test_setup_teardown(
		a_source_that_fails_now_and_then_is_told_once, keys_setup,
		keys_teardown),
	    cmocka_unit_test_setup_teardown(
		two_sources_take_the_time_of_the_slower, keys_setup,
		keys_teardown),
	    cmocka_unit_test_setup_teardown(
		a_silent_source_is_left_out, keys_setup, keys_teardown),
	    cmocka_unit_test_setup_teardown(
		all_silent_sources_are_told, keys_setup, keys_teardown),
	    cmocka_unit_test_setup_teardown(
		what_is_not_there_at_the_start_may_come, keys_setup,
		keys_teardown),
	    cmocka_unit_test_setup_teardown(
		a_source_that_fails_its_tests_is_left_out_for_good, keys_setup,
		keys_teardown),
	    cmocka_unit_test_setup_teardown(
		two_names_that_become_one_source_do_not_cancel, keys_setup,
		keys_teardown),
	    cmocka_unit_test_setup_teardown(
		a_block_that_fails_is_made_anew_alone, keys_setup,
		keys_teardown),
	    cmocka_unit_test_setup_teardown(
		a_slow_source_passes_its_start_up_test_in_time, keys_setup,
		keys_teardown),
	};

	return cmocka_run_group_tests_name(
	    "producer blocks", tests, NULL, NULL);
}
