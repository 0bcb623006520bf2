/* SPDX-License-Identifier: Apache-2.0 */
/* What depends on a kernel that no test can have: its generator, its clock. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/timex.h>

#include "doctor/host.h"

static struct finding last;
static size_t found;
static struct findings all;

static void keep(void *ctx, const struct finding *f)
{
	(void)ctx;
	last = *f;
	found++;
}

static int begin(void **state)
{
	(void)state;
	found = 0;
	findings_send(&all, keep, NULL);
	return 0;
}

static bool ready;

ssize_t __wrap_getrandom(void *out, size_t len, unsigned flags);
ssize_t __wrap_getrandom(void *out, size_t len, unsigned flags)
{
	assert_int_equal(flags, GRND_NONBLOCK);
	if (!ready) {
		errno = EAGAIN;
		return -1;
	}
	memset(out, 0, len);
	return (ssize_t)len;
}

static int clock_state, clock_flags, clock_errno;

static int read_clock(struct timex *t)
{
	assert_int_equal(t->modes, 0);
	t->status = clock_flags;
	t->maxerror = 12345;
	errno = clock_errno;
	return clock_state;
}

int __wrap_adjtimex(struct timex *t);
int __wrap_adjtimex(struct timex *t)
{
	return read_clock(t);
}

int __wrap____adjtimex64(struct timex *t);
int __wrap____adjtimex64(struct timex *t)
{
	return read_clock(t);
}

static void expect(enum finding_level level, const char *name, const char *text,
    const char *remedy)
{
	assert_int_equal(found, 1);
	assert_int_equal(last.level, level);
	assert_string_equal(last.name, name);
	if (strstr(last.text, text) == NULL)
		fail_msg("not \"%s\" in \"%s\"", text, last.text);
	assert_string_equal(last.remedy, remedy);
}

static void a_generator_that_is_not_ready_is_told(void **state)
{
	(void)state;
	ready = false;
	doctor_kernel(&all);
	expect(FINDING_WARNING, "kernel",
	    "its generator is not ready, and who asks it waits; the CPU has ",
	    "systemctl start sqs-entropy-agent");
	(void)begin(NULL);
	ready = true;
	doctor_kernel(&all);
	expect(FINDING_OK, "kernel", "its generator is ready", "");
}

/* Each state of adjtimex(2) and what it says. */
static void a_clock_that_nobody_keeps_is_told(void **state)
{
	static const struct {
		int state, flags, error;
		enum finding_level level;
		const char *text, *remedy;
	} cases[] = {
	    {TIME_OK, 0, 0, FINDING_OK, "kept right, within 12 ms", ""},
	    {TIME_ERROR, STA_UNSYNC, 0, FINDING_WARNING,
		"nothing keeps it right", "timedatectl set-ntp true"},
	    {TIME_OK, STA_UNSYNC, 0, FINDING_WARNING, "nothing keeps it right",
		"timedatectl set-ntp true"},
	    {-1, 0, EPERM, FINDING_NOT_ASKED,
		"whether it is kept right is not told: ", ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		(void)begin(NULL);
		clock_state = cases[i].state;
		clock_flags = cases[i].flags;
		clock_errno = cases[i].error;
		doctor_clock(&all);
		expect(cases[i].level, "clock", cases[i].text, cases[i].remedy);
	}
}

static void a_queue_without_an_account_is_told(void **state)
{
	static const char queues[LIMIT_QUEUES][LIMIT_URL] = {
	    "https://sqs.eu-west-1.amazonaws.com/123456789012/good",
	    "https://sqs.example/queue/short"};

	(void)state;
	doctor_arns(&all, queues);
	expect(FINDING_WARNING, "ARN",
	    "https://sqs.example/queue/short: the queue has no ARN, because "
	    "its URL names no account of 12 digits: no message of it earns "
	    "credit",
	    "write the queue as SQS tells its URL");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(
		a_generator_that_is_not_ready_is_told, begin),
	    cmocka_unit_test_setup(a_clock_that_nobody_keeps_is_told, begin),
	    cmocka_unit_test_setup(a_queue_without_an_account_is_told, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
