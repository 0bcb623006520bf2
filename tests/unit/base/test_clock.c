/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <sys/time.h>
#include <unistd.h>

#include "aid/virtual.h"
#include "base/clock.h"
#include "base/err.h"

static void sleep_ends_in_time_and_by_cancel(void **state)
{
	int fds[2], cancel = -1;
	struct clock c = clock_system(&cancel);
	int64_t start = clock_mono(&c);

	(void)state;
	assert_int_equal(pipe(fds), 0);
	cancel = fds[0];
	assert_int_equal(clock_sleep(&c, 30), 0);
	assert_in_range(clock_mono(&c) - start, 30, 30 + VIRTUAL_LATE_MS);
	assert_int_equal(write(fds[1], "", 1), 1);
	assert_int_equal(clock_sleep(&c, 100000), ERR_CANCELED);
	assert_int_equal(clock_sleep(&c, 0), ERR_CANCELED);
	/* Not after the 100 s. */
	assert_true(clock_mono(&c) - start < 30 + 2 * VIRTUAL_LATE_MS);
	(void)close(fds[0]);
	(void)close(fds[1]);
}

static void do_nothing(int signal)
{
	(void)signal;
}

/* A signal that is handled, as a hang-up is, is no end of a wait. */
static void a_signal_does_not_shorten_a_sleep(void **state)
{
	const struct sigaction handled = {.sa_handler = do_nothing};
	const struct itimerval soon = {.it_value = {.tv_usec = 20000}};
	const struct clock c = clock_system(NULL);
	const int64_t start = clock_mono(&c);

	(void)state;
	assert_int_equal(sigaction(SIGALRM, &handled, NULL), 0);
	assert_int_equal(setitimer(ITIMER_REAL, &soon, NULL), 0);
	assert_int_equal(clock_sleep(&c, 200), 0);
	assert_true(clock_mono(&c) - start >= 200);
}

static void the_clocks_are_the_kernels(void **state)
{
	const struct clock c = clock_system(NULL);
	struct timespec ts;

	(void)state;
	assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &ts), 0);
	assert_in_range(clock_mono(&c), ts.tv_sec * INT64_C(1000),
	    ts.tv_sec * INT64_C(1000) + VIRTUAL_LATE_MS);
	assert_int_equal(clock_gettime(CLOCK_REALTIME, &ts), 0);
	assert_in_range(clock_wall(&c), ts.tv_sec * INT64_C(1000),
	    ts.tv_sec * INT64_C(1000) + VIRTUAL_LATE_MS);
	assert_int_equal(clock_read((clockid_t)99), 0);
}

static void chance_is_within_bounds(void **state)
{
	const struct clock c = clock_system(NULL);
	double low = 1, high = 0;

	(void)state;
	for (int i = 0; i < 10000; i++) {
		double x = clock_chance(&c);

		assert_true(x >= 0 && x < 1);
		low = x < low ? x : low;
		high = x > high ? x : high;
	}
	assert_true(low < 0.01 && high > 0.99);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(sleep_ends_in_time_and_by_cancel),
	    cmocka_unit_test(a_signal_does_not_shorten_a_sleep),
	    cmocka_unit_test(the_clocks_are_the_kernels),
	    cmocka_unit_test(chance_is_within_bounds),
	};

	return cmocka_run_group_tests_name("clock", tests, NULL, NULL);
}
