/* SPDX-License-Identifier: Apache-2.0 */
/* Credentials, the chain of sources, and the environment. */
#include "aws/cred.h"
#include "aws/cred_env.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#define MINUTE 60000

/* ---- a clock and a source that do what the test says */

struct world {
	int64_t mono, wall;
	int rc; /* what the source answers */
	int64_t expires;
	int wordy; /* bytes that its reason is longer */
	int loads;
	int64_t deadline; /* as the source got it */
	struct clock clock;
	struct err err;
};

static int64_t mono_of(void *ctx)
{
	return ((struct world *)ctx)->mono;
}

static int64_t wall_of(void *ctx)
{
	return ((struct world *)ctx)->wall;
}

static int load(void *ctx, struct cred *out, int64_t deadline, struct err *err)
{
	struct world *w = ctx;

	w->loads++;
	w->deadline = deadline;
	if (w->rc != 0)
		return err_set(err, w->rc, "reason %0*d", w->wordy, w->loads);
	out->expires = w->expires;
	return cred_set(out, "AKIAX", w->loads % 2 ? "odd" : "even", NULL);
}

static void world_new(struct world *w)
{
	*w = (struct world){.mono = 1000, .wall = 1700000000000};
	w->clock = (struct clock){.mono = mono_of, .wall = wall_of, .ctx = w};
}

static struct cred_source source_of(struct world *w, const char *name)
{
	return (struct cred_source){.name = name, .load = load, .ctx = w};
}

static struct cred_chain *chain_of(struct world *w)
{
	struct cred_source s = source_of(w, "test");
	struct cred_chain *chain = cred_chain_new(&s, 1, w->clock);

	assert_non_null(chain);
	return chain;
}

static void advance(struct world *w, int64_t ms)
{
	w->mono += ms;
	w->wall += ms;
}

/* Get: credentials with this secret key, or the error. */
static void expect(
    struct world *w, struct cred_chain *chain, int rc, const char *secret)
{
	const struct cred *c;

	assert_int_equal(cred_chain_get(chain, 77, &c, &w->err), rc);
	if (rc == 0)
		assert_string_equal(buf_str(c->secret_key), secret);
	else
		assert_null(c);
}

/* ---- one set of credentials */

static void credentials_are_set_whole_or_not_at_all(void **state)
{
	static char longest[CRED_KEY_MAX + 2], token[CRED_TOKEN_MAX + 2];
	struct cred *c = cred_new();

	(void)state;
	memset(longest, 'k', CRED_KEY_MAX);
	memset(token, 't', CRED_TOKEN_MAX);
	assert_int_equal(cred_set(c, longest, longest, token), 0);
	assert_int_equal(buf_len(c->token), CRED_TOKEN_MAX);
	assert_int_equal(cred_set(c, "a", "s", NULL), 0);
	assert_string_equal(buf_str(c->access_key), "a");
	assert_string_equal(buf_str(c->token), "");
	longest[CRED_KEY_MAX] = 'k';
	token[CRED_TOKEN_MAX] = 't';
	assert_int_equal(cred_set(c, longest, "s", NULL), ERR_LIMIT);
	assert_int_equal(cred_set(c, "a", longest, NULL), ERR_LIMIT);
	assert_int_equal(cred_set(c, "a", "s", token), ERR_LIMIT);
	/* Nothing half-set is left. */
	assert_int_equal(buf_len(c->access_key), 0);
	assert_int_equal(buf_len(c->secret_key), 0);
	assert_int_equal(buf_len(c->token), 0);
	assert_int_equal(cred_set(c, "", "s", NULL), ERR_FORMAT);
	assert_int_equal(cred_set(c, "a", "", NULL), ERR_FORMAT);
	assert_int_equal(cred_set(c, "a b", "s", NULL), ERR_FORMAT);
	assert_int_equal(cred_set(c, "a", "s\n", NULL), ERR_FORMAT);
	assert_int_equal(cred_set(c, "a", "s", "t\r\nX: y"), ERR_FORMAT);
	assert_int_equal(cred_set(c, "a", "s\xc3\xa9", NULL), ERR_FORMAT);
	cred_free(c);
	cred_free(NULL);
}

/* ---- the chain */

static void the_first_source_that_has_credentials_gives_them(void **state)
{
	struct cred_source s[3];
	struct world w[3];
	struct cred_chain *chain;
	const struct cred *c;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		world_new(&w[i]);
		s[i] = source_of(&w[i], i == 1 ? "second" : "other");
	}
	w[0].rc = ERR_ABSENT;
	chain = cred_chain_new(s, 3, w[0].clock);
	assert_int_equal(cred_chain_get(chain, 77, &c, NULL), 0);
	assert_string_equal(c->source, "second");
	assert_int_equal(w[1].deadline, 77);
	assert_int_equal(w[2].loads, 0);
	/* Without an end they are asked for once. */
	w[0].mono += 1000000 * (int64_t)MINUTE;
	w[0].wall += 1000000 * (int64_t)MINUTE;
	assert_int_equal(cred_chain_get(chain, 77, &c, NULL), 0);
	assert_int_equal(w[1].loads, 1);
	cred_chain_free(chain);
	cred_chain_free(NULL);
}

static void without_credentials_each_source_gives_its_reason(void **state)
{
	struct cred_source s[2];
	struct world w[2];
	struct cred_chain *chain;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		world_new(&w[i]);
		w[i].rc = ERR_ABSENT;
		s[i] = source_of(&w[i], i == 0 ? "first" : "second");
	}
	chain = cred_chain_new(s, 2, w[0].clock);
	expect(&w[0], chain, ERR_NOCRED, NULL);
	assert_string_equal(w[0].err.text,
	    "no AWS credentials: first: reason 1; second: reason 1");
	assert_int_equal(w[0].err.code, ERR_NOCRED);
	cred_chain_free(chain);
	assert_null(cred_chain_new(s, CRED_SOURCES_MAX + 1, w[0].clock));
}

static void no_source_talks_so_long_that_another_is_not_heard(void **state)
{
	struct cred_source s[CRED_SOURCES_MAX];
	struct world w[CRED_SOURCES_MAX];
	struct cred_chain *chain;
	const char *at;

	(void)state;
	for (size_t i = 0; i < CRED_SOURCES_MAX; i++) {
		world_new(&w[i]);
		w[i].rc = ERR_ABSENT;
		w[i].wordy = i == 1 ? 0 : 1500;
		s[i] = source_of(&w[i], i == 1 ? "short" : "long");
	}
	chain = cred_chain_new(s, CRED_SOURCES_MAX, w[0].clock);
	expect(&w[0], chain, ERR_NOCRED, NULL);
	at = w[0].err.text;
	for (size_t i = 0; i < CRED_SOURCES_MAX; i++) {
		at = strstr(
		    at, i == 1 ? "; short: reason 1; " : "long: reason 000");
		assert_non_null(at);
		if (i != 1) {
			at = strstr(at, "0 ... 0");
			assert_non_null(at);
			at = strstr(at, "0001");
			assert_non_null(at);
		}
	}
	cred_chain_free(chain);
}

/* What is configured and broken is not passed over, nor is a deadline. */
static void a_source_that_fails_is_not_passed_over(void **state)
{
	static const int codes[] = {ERR_CONFIG, ERR_TIMEOUT, ERR_CANCELED,
	    ERR_DENIED, ERR_FORMAT, ERR_SERVICE};

	(void)state;
	for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
		struct world w, other;
		struct cred_source s[2];
		struct cred_chain *chain;

		world_new(&w);
		world_new(&other);
		w.rc = codes[i];
		s[0] = source_of(&w, "first");
		s[1] = source_of(&other, "second");
		chain = cred_chain_new(s, 2, w.clock);
		expect(&w, chain, codes[i], NULL);
		assert_string_equal(w.err.text, "reason 1");
		assert_int_equal(w.err.code, codes[i]);
		assert_int_equal(other.loads, 0);
		/* Without any credentials, each call tries again. */
		expect(&w, chain, codes[i], NULL);
		assert_int_equal(w.loads, 2);
		cred_chain_free(chain);
	}
}

/* Its error tells the code, and what the sources before it said. */
static void a_source_that_cannot_be_reached_is_no_lack_of_credentials(
    void **state)
{
	static const int codes[] = {ERR_TIMEOUT, ERR_UNREACHABLE, ERR_CONNECT,
	    ERR_NET, ERR_SERVICE, ERR_THROTTLED};

	(void)state;
	for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
		struct cred_source s[3];
		struct cred_chain *chain;
		struct world w[3];

		for (size_t k = 0; k < 3; k++) {
			world_new(&w[k]);
			s[k] = source_of(&w[k], k == 0 ? "first" : "second");
		}
		w[0].rc = ERR_ABSENT;
		w[1].rc = codes[i];
		chain = cred_chain_new(s, 3, w[0].clock);
		expect(&w[0], chain, codes[i], NULL);
		assert_string_equal(w[0].err.text,
		    "no AWS credentials: first: reason 1; second: reason 1");
		assert_int_equal(err_exit(w[0].err.code), 69);
		assert_int_equal(w[2].loads, 0);
		cred_chain_free(chain);
	}
}

/* With some to go on with, what they are for has the rest of the time. */
static void a_refresh_does_not_use_the_time_up(void **state)
{
	struct cred_chain *chain;
	const struct cred *got;
	int64_t now;
	struct world w;

	(void)state;
	world_new(&w);
	w.expires = w.wall + MINUTE;
	chain = chain_of(&w);
	now = clock_mono(&w.clock);
	assert_int_equal(cred_chain_get(chain, now + 30000, &got, &w.err), 0);
	assert_int_equal(w.deadline, now + 30000);
	w.rc = ERR_TIMEOUT;
	for (int k = 0; k < 2; k++) {
		const int64_t given = k == 0 ? 4000 : 30000;

		advance(&w, 2 * MINUTE);
		now = clock_mono(&w.clock);
		assert_int_equal(
		    cred_chain_get(chain, now + given, &got, &w.err), 0);
		assert_int_equal(w.deadline, now + (k == 0 ? 2000 : 5000));
	}
	cred_chain_free(chain);
}

static void credentials_are_renewed_before_they_expire(void **state)
{
	struct cred_chain *chain;
	struct world w;

	(void)state;
	world_new(&w);
	w.expires = w.wall + 60 * MINUTE;
	chain = chain_of(&w);
	expect(&w, chain, 0, "odd");
	advance(&w, 55 * MINUTE - 1);
	expect(&w, chain, 0, "odd");
	assert_int_equal(w.loads, 1);
	advance(&w, 1);
	w.expires = w.wall + 60 * MINUTE;
	expect(&w, chain, 0, "even");
	assert_int_equal(w.loads, 2);
	expect(&w, chain, 0, "even");
	assert_int_equal(w.loads, 2);
	cred_chain_free(chain);
}

/* A source that goes on giving the same ones is asked once a minute. */
static void a_source_that_gives_the_same_is_asked_once_a_minute(void **state)
{
	struct cred_chain *chain;
	struct world w;

	(void)state;
	world_new(&w);
	w.expires = w.wall + 4 * MINUTE;
	chain = chain_of(&w);
	for (int second = 0; second < 180; second++) {
		expect(&w, chain, 0, second / 60 == 1 ? "even" : "odd");
		advance(&w, 1000);
	}
	assert_int_equal(w.loads, 3);
	cred_chain_free(chain);
}

static void old_credentials_serve_while_none_are_to_be_had(void **state)
{
	struct cred_chain *chain;
	struct world w;

	(void)state;
	world_new(&w);
	w.expires = w.wall + 10 * MINUTE;
	chain = chain_of(&w);
	expect(&w, chain, 0, "odd");
	w.rc = ERR_ABSENT;
	advance(&w, 6 * MINUTE);
	expect(&w, chain, 0, "odd"); /* due, failing, still valid */
	assert_int_equal(w.loads, 2);
	advance(&w, 4 * MINUTE - 1);
	expect(&w, chain, 0, "odd");
	assert_int_equal(w.loads, 3);
	advance(&w, 1);
	expect(&w, chain, 0, "odd"); /* expired, and not asked again */
	assert_int_equal(w.loads, 3);
	advance(&w, MINUTE);
	w.rc = ERR_TIMEOUT;
	expect(&w, chain, 0, "odd");
	assert_int_equal(w.loads, 4);
	/* Told to stop is told on, and does not count as a try. */
	advance(&w, MINUTE);
	w.rc = ERR_CANCELED;
	expect(&w, chain, ERR_CANCELED, NULL);
	w.rc = 0;
	w.expires = w.wall + 60 * MINUTE;
	expect(&w, chain, 0, "even");
	assert_int_equal(w.loads, 6);
	cred_chain_free(chain);
}

static void refused_credentials_are_loaded_anew(void **state)
{
	struct cred_chain *chain;
	struct world w;

	(void)state;
	world_new(&w);
	chain = chain_of(&w);
	expect(&w, chain, 0, "odd");
	assert_true(cred_chain_renew(chain, 77));
	expect(&w, chain, 0, "even");
	assert_int_equal(w.loads, 2);
	/* The same ones are no others. */
	w.loads = 1;
	assert_false(cred_chain_renew(chain, 77));
	expect(&w, chain, 0, "even");
	assert_int_equal(w.loads, 2);
	w.rc = ERR_ABSENT;
	assert_false(cred_chain_renew(chain, 77));
	expect(&w, chain, ERR_NOCRED, NULL);
	/* They came back. */
	w.rc = 0;
	expect(&w, chain, 0, "odd");
	/* Who cannot be asked has said nothing against them. */
	w.rc = ERR_CONNECT;
	assert_false(cred_chain_renew(chain, 77));
	expect(&w, chain, 0, "odd");
	cred_chain_free(chain);
}

/* ---- the environment */

static void set(const char *access, const char *secret, const char *token)
{
	static const char *const names[] = {
	    "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"};
	const char *values[] = {access, secret, token};

	for (size_t i = 0; i < 3; i++)
		if (values[i] != NULL)
			assert_int_equal(setenv(names[i], values[i], 1), 0);
		else
			assert_int_equal(unsetenv(names[i]), 0);
}

static void expect_env(int rc, const char *text)
{
	struct cred_source s = cred_env();
	struct cred *c = cred_new();
	struct err err = {0};

	assert_int_equal(s.load(s.ctx, c, 0, &err), rc);
	if (rc != 0 && strstr(err.text, text) == NULL)
		fail_msg("%s", err.text);
	assert_null(strstr(err.text, "sesame"));
	if (rc == 0) {
		assert_string_equal(buf_str(c->access_key), "AKIAX");
		assert_string_equal(buf_str(c->secret_key), "sesame");
		assert_string_equal(buf_str(c->token), text);
		assert_int_equal(c->expires, 0);
	}
	cred_free(c);
}

static void the_variables_of_credentials_go_together(void **state)
{
	(void)state;
	set(NULL, NULL, NULL);
	expect_env(ERR_ABSENT, "AWS_ACCESS_KEY_ID is not set");
	set("", "", "");
	expect_env(ERR_ABSENT, "AWS_ACCESS_KEY_ID is not set");
	set(NULL, NULL, "token");
	expect_env(ERR_ABSENT, "AWS_ACCESS_KEY_ID is not set");
	set("AKIAX", "sesame", NULL);
	expect_env(0, "");
	set("AKIAX", "sesame", "token");
	expect_env(0, "token");
	set("AKIAX", NULL, NULL);
	expect_env(ERR_CONFIG, "go together");
	set("", "sesame", NULL);
	expect_env(ERR_CONFIG, "go together");
	set("AKIAX", "sesame\n", NULL);
	expect_env(ERR_CONFIG, "set them anew");
	set(NULL, NULL, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(credentials_are_set_whole_or_not_at_all),
	    cmocka_unit_test(the_first_source_that_has_credentials_gives_them),
	    cmocka_unit_test(without_credentials_each_source_gives_its_reason),
	    cmocka_unit_test(no_source_talks_so_long_that_another_is_not_heard),
	    cmocka_unit_test(a_source_that_fails_is_not_passed_over),
	    cmocka_unit_test(
		a_source_that_cannot_be_reached_is_no_lack_of_credentials),
	    cmocka_unit_test(a_refresh_does_not_use_the_time_up),
	    cmocka_unit_test(credentials_are_renewed_before_they_expire),
	    cmocka_unit_test(
		a_source_that_gives_the_same_is_asked_once_a_minute),
	    cmocka_unit_test(old_credentials_serve_while_none_are_to_be_had),
	    cmocka_unit_test(refused_credentials_are_loaded_anew),
	    cmocka_unit_test(the_variables_of_credentials_go_together),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
