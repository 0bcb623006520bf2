/* SPDX-License-Identifier: Apache-2.0 */
#include "aws/cred_container.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aid/http.h"
#include "aid/loopback.h"

#define FULL "AWS_CONTAINER_CREDENTIALS_FULL_URI"

/* What passes is tried again at once. */
static int no_sleep(void *ctx, int64_t ms)
{
	(void)ctx;
	(void)ms;
	return 0;
}

static int load(const char *url, struct err *err)
{
	struct clock clock = clock_system(NULL);
	struct cred_container c = {
	    .http = http_aid_client(-1), .clock = &clock};
	const struct cred_source source = cred_container(&c);
	struct cred *got = cred_new();
	int rc;

	assert_non_null(got);
	clock.sleep = no_sleep;
	memset(err, 0, sizeof *err);
	(void)setenv(FULL, url, 1);
	rc = source.load(source.ctx, got, http_aid_now() + 60000, err);
	(void)unsetenv(FULL);
	cred_free(got);
	http_free(c.http);
	return rc;
}

static void a_refusal_says_what_to_look_at(void **state)
{
	static const struct {
		const char *status, *body;
		int rc;
		const char *want; /* behind "HTTP STATUS: " */
	} cases[] = {{"401", "{\"code\":\"A\",\"message\":\"b\"}", ERR_DENIED,
			 "check the role of the task or pod, and the token in "
			 "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE (A: b)"},
	    {"403", "{\"Code\":\"A\"}", ERR_DENIED,
		"check the role of the task or pod, and the token in "
		"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE (A)"},
	    {"404", "{\"Message\":\"b\"}", ERR_DENIED,
		"check the role of the task, or the association of the pod's "
		"service account with one (b)"},
	    {"400", "", ERR_DENIED,
		"check the role of the task, or the association of the pod's "
		"service account with one"},
	    {"204", "", ERR_SERVICE, "is this the host of a container?"},
	    {"302", "<p>", ERR_SERVICE,
		"is this the host of a container? (<p>)"},
	    {"429", "slowly", ERR_THROTTLED, "try later (slowly)"},
	    {"503", "", ERR_SERVICE, "try later"}};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char answer[256], want[256];
		const struct loopback_step step = {
		    .answer = answer, .close = 1};
		struct loopback *l;
		struct err err;

		(void)snprintf(answer, sizeof answer,
		    "HTTP/1.1 %s X\r\nContent-Length: %zu\r\n\r\n%s",
		    cases[i].status, strlen(cases[i].body), cases[i].body);
		l = loopback_new(&step, 1);
		assert_int_equal(load(loopback_url(l), &err), cases[i].rc);
		(void)snprintf(want, sizeof want,
		    "the container's credentials at %s (" FULL "): HTTP %s: %s",
		    loopback_url(l), cases[i].status, cases[i].want);
		assert_string_equal(err.text, want);
		loopback_free(l);
	}
}

static void an_address_that_is_too_long_is_refused(void **state)
{
	char url[CONTAINER_URL_MAX + 1];
	struct err err;

	(void)state;
	memset(url, 'a', sizeof url - 1);
	memcpy(url, "http://127.0.0.1/", 17);
	url[sizeof url - 1] = '\0';
	assert_int_equal(load(url, &err), ERR_CONFIG);
	assert_non_null(strstr(err.text, FULL " is over "));
	/* One less is asked for, of nobody. */
	url[sizeof url - 2] = '\0';
	assert_int_not_equal(load(url, &err), ERR_CONFIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_refusal_says_what_to_look_at),
	    cmocka_unit_test(an_address_that_is_too_long_is_refused)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
