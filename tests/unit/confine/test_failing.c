/* SPDX-License-Identifier: Apache-2.0 */
/* A half that gives up its rights, where a step fails for once: it is told, and
 * root does not go on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <unistd.h>

#include "aid/confine.h"
#include "aid/failing.h"
#include "confine/confine.h"
#include "confine/steps.h"

static const char *const reading[] = {"/etc", "/usr", NULL};

/* As confine.h says of confine_half(). */
static bool is_told_by_confine_half(int rc)
{
	return rc == 0 || rc == ERR_PERM || rc == ERR_IO || rc == ERR_NOMEM ||
	       rc == ERR_INTERNAL;
}

static int confine_in_child(void *state)
{
	const struct confine_half *half = state;
	const bool root = geteuid() == 0;
	struct err err = {0};
	int rc = confine_no_core();

	if (rc == 0) {
		rc = confine_half(half, &err);
		CHECK(err.code == rc && is_told_by_confine_half(rc));
		CHECK((err.text[0] == '\0') == (rc == 0));
	}
	failing_hold(true);
	if (rc == 0 && root) {
		CHECK(geteuid() != 0);
		CHECK(setresuid(0, 0, 0) != 0);
	}
	return rc;
}

static int confine_once(void *state)
{
	return failing_in_child(confine_in_child, state);
}

static void each_step_may_fail(void **state)
{
	static const struct confine_half halves[] = {
	    {.role = CONFINE_ONLINE,
		.user = "nobody",
		.cap = -1,
		.readable = reading,
		.lifetime_ms = 60000},
	    {.role = CONFINE_AGENT_OFFLINE,
		.user = "nobody",
		.cap = 21, /* CAP_SYS_ADMIN */
		.readable = reading + 2},
	};

	(void)state;
	SKIP_IF(confine_aid_valgrind(), "valgrind makes calls of its own");
	for (size_t i = 0; i < sizeof halves / sizeof halves[0]; i++)
		print_message("%u calls failed\n",
		    failing_each(confine_once, (void *)&halves[i], true));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_step_may_fail)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
