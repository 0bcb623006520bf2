/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "producer/assess/progress.h"
#include "producer/assess/sample.h"

/* A pipe is the source, and time passes by sleeping alone. */
static int ends[2];
static int64_t now, stop_at;
static size_t taken, refuse_from;
static char line[512];
static struct progress progress;
static struct source source;
static struct err err;

static int64_t read_clock(void *ctx)
{
	(void)ctx;
	return now;
}

static int pass_time(void *ctx, int64_t ms)
{
	(void)ctx;
	now += ms;
	return now >= stop_at ? ERR_CANCELED : 0;
}

static const struct clock stepped = {.mono = read_clock, .sleep = pass_time};

static int take_bytes(
    void *ctx, const uint8_t *data, size_t len, struct err *to)
{
	(void)ctx;
	for (size_t i = 0; i < len; i++)
		assert_int_equal(data[i], (uint8_t)(taken + i));
	taken += len;
	now += 100; /* reading takes time, too */
	return taken > refuse_from ? err_set(to, ERR_IO, "full") : 0;
}

static void show_line(void *ctx, const struct sample *sample)
{
	(void)ctx;
	progress_show(&progress, sample);
}

static struct sample sampled(size_t given, uint64_t wanted, int rc)
{
	struct sample s = {.source = &source,
	    .wanted = wanted,
	    .clock = &stepped,
	    .take = take_bytes,
	    .progress = show_line};
	uint8_t bytes[4096];

	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (uint8_t)i;
	assert_true(given <= sizeof bytes);
	assert_int_equal(write(ends[1], bytes, given), given);
	assert_int_equal(sample_read(&s, &err), rc);
	return s;
}

static int begin(void **state)
{
	(void)state;
	now = 1000;
	stop_at = INT64_MAX;
	taken = 0;
	refuse_from = SIZE_MAX;
	err = (struct err){0};
	if (pipe2(ends, O_NONBLOCK | O_CLOEXEC) != 0)
		return -1;
	source = (struct source){.fd = ends[0], .path = "/a"};
	progress.any = false;
	return 0;
}

static int end(void **state)
{
	(void)state;
	(void)close(ends[0]);
	(void)close(ends[1]);
	return 0;
}

static void no_more_is_read_than_is_wanted(void **state)
{
	const struct sample s = sampled(2000, 1500, 0);
	uint8_t rest[1000];

	(void)state;
	assert_int_equal(s.end, SAMPLE_WHOLE);
	assert_int_equal(s.bytes, 1500);
	assert_int_equal(taken, 1500);
	assert_int_equal(read(ends[0], rest, sizeof rest), 500);
	/* Three pieces, and the time of the last one's end is not known. */
	assert_int_equal(s.ms, 200);
}

static void a_source_that_ends_gives_what_it_had(void **state)
{
	(void)state;
	source.regular = true;
	assert_int_equal(write(ends[1], "\0\1\2", 3), 3);
	(void)close(ends[1]);
	ends[1] = open("/dev/null", O_WRONLY | O_CLOEXEC);
	assert_int_equal(sampled(0, 0, 0).end, SAMPLE_WHOLE);
	assert_int_equal(taken, 3);
	assert_int_equal(sampled(0, 10, 0).end, SAMPLE_SHORT);
	source.regular = false;
	assert_int_equal(sampled(0, 10, 0).end, SAMPLE_SHORT);
}

static void silence_ends_it(void **state)
{
	const struct sample s = sampled(700, 1500, 0);

	(void)state;
	assert_int_equal(s.end, SAMPLE_SILENT);
	assert_int_equal(s.bytes, 700);
	assert_in_range(
	    now, 1000 + SAMPLE_SILENCE_MS, 1500 + SAMPLE_SILENCE_MS);
	assert_string_equal(sample_explain(s.end), "it gave no byte for 30 s");
}

static void being_told_to_stop_ends_it(void **state)
{
	struct sample s;

	(void)state;
	stop_at = 5000;
	s = sampled(700, 1500, 0);
	assert_int_equal(s.end, SAMPLE_STOPPED);
	assert_int_equal(s.bytes, 700);
	assert_int_equal(now, 5000);
}

static void who_takes_the_bytes_may_end_it(void **state)
{
	struct sample s;

	(void)state;
	refuse_from = 600;
	s = sampled(2000, 1500, ERR_IO);
	assert_int_equal(s.end, SAMPLE_BROKEN);
	assert_string_equal(err.text, "full");
	(void)close(ends[0]);
	ends[0] = open("/", O_RDONLY | O_CLOEXEC);
	source.fd = ends[0];
	s = sampled(0, 10, ERR_IO);
	assert_non_null(strstr(err.text, "cannot read /a (unplugged?)"));
}

static void a_terminal_sees_how_long_it_takes(void **state)
{
	FILE *to = fmemopen(line, sizeof line, "w");
	struct sample s = {
	    .clock = &stepped, .wanted = 1000000, .bytes = 250000, .ms = 30000};

	(void)state;
	assert_non_null(to);
	progress = (struct progress){.to = to};
	progress_show(&progress, &s);
	assert_string_equal(line,
	    "\r\033[K[######                  ]  25 %  250,000 bytes, 1 min 31 s "
	    "left (Ctrl-C: that is enough)");
	s.bytes = 260000;
	now += 199;
	progress_show(&progress, &s);
	assert_null(strstr(line, "260,000"));
	now++;
	progress_show(&progress, &s);
	assert_non_null(strstr(line, "260,000"));
	progress_end(&progress);
	assert_string_equal(line + strlen(line) - 4, "\r\033[K");
	rewind(to);
	s.bytes = 0;
	progress_show(&progress, &s);
	assert_non_null(strstr(line, "waiting for the first byte"));
	assert_int_equal(fclose(to), 0);
	progress.to = NULL;
	progress_show(&progress, &s);
	progress_say(&progress, "x");
	progress_end(&progress);
}

static void numbers_are_for_people(void **state)
{
	static const struct {
		uint64_t n;
		const char *text;
	} numbers[] = {{0, "0"}, {999, "999"}, {1000, "1,000"},
	    {1234567, "1,234,567"}, {UINT64_MAX, "18,446,744,073,709,551,615"}};
	static const struct {
		double rate;
		const char *text;
	} rates[] = {{0, "0.0 B/s"}, {13, "13 B/s"}, {999, "999 B/s"},
	    {81234, "81.2 kB/s"}, {1e6, "1.0 MB/s"}, {1e13, "10000.0 GB/s"}};
	char text[PROGRESS_NUMBER_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
		progress_number(text, numbers[i].n);
		assert_string_equal(text, numbers[i].text);
	}
	for (size_t i = 0; i < sizeof rates / sizeof rates[0]; i++) {
		progress_rate(text, rates[i].rate);
		assert_string_equal(text, rates[i].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
		no_more_is_read_than_is_wanted, begin, end),
	    cmocka_unit_test_setup_teardown(
		a_source_that_ends_gives_what_it_had, begin, end),
	    cmocka_unit_test_setup_teardown(silence_ends_it, begin, end),
	    cmocka_unit_test_setup_teardown(
		being_told_to_stop_ends_it, begin, end),
	    cmocka_unit_test_setup_teardown(
		who_takes_the_bytes_may_end_it, begin, end),
	    cmocka_unit_test_setup_teardown(
		a_terminal_sees_how_long_it_takes, begin, end),
	    cmocka_unit_test(numbers_are_for_people),
	};

	return cmocka_run_group_tests_name("sample", tests, NULL, NULL);
}
