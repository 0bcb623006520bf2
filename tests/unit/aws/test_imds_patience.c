/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long IMDS is asked, and how it ends: each fault at each moment, in
 * virtual time.  The service is simulated below the functions of
 * http/transfer.h, so that a day passes at once and nothing depends on the
 * machine.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aws/imds.h"
#include "http/transfer.h"

#define ROLES "/iam/security-credentials/"
#define DOCUMENT                                                               \
	"{\"Code\":\"Success\",\"AccessKeyId\":\"ASIAX\","                     \
	"\"SecretAccessKey\":\"secret\",\"Token\":\"tok==\","                  \
	"\"Expiration\":\"2026-11-22T08:00:00Z\"}"
#define CODE(code)  "{\"Code\":\"" code "\",\"Message\":\"no\"}"
/* More than a value may have, and less than an answer. */
#define WORDS       "sign in to this network, please, sign in to this network; "
#define PAGE        WORDS WORDS WORDS WORDS WORDS
#define ATTEMPTS    "AWS_METADATA_SERVICE_NUM_ATTEMPTS"
#define TRY_TIME    "AWS_METADATA_SERVICE_TIMEOUT"
#define ENDPOINT    "AWS_EC2_METADATA_SERVICE_ENDPOINT"
#define DEADLINE_MS 10000 /* the agent's */
#define FOR_EVER    INT64_MAX

/* ---- the service */

enum moment { TOKEN, ROLE, ROLE_DOCUMENT, REGION, TAG, MOMENTS, ALL = MOMENTS };

static const char *const moments[] = {
    "token", "role list", "role document", "region", "tag"};

/* What happens to a request: an answer after some time, or a failure. */
struct fault {
	const char *name;
	int delay; /* ms; beyond any deadline: silence */
	int rc;    /* of the transport, 0: an answer */
	int status;
	const char *body; /* of a 200 that is wrong; NULL: what is right */
};

#define SILENCE 100000000

static int64_t now; /* ms */
static struct {
	struct fault fault;
	enum moment moment; /* ALL: at each */
	int64_t until;      /* since the beginning */
	int count;          /* requests that it strikes */
	bool single;        /* each token serves once */
	bool fresh;         /* the last one has not */
	bool mute;          /* nobody answers when the fault is over */
} world;
static int requests, open_now, open_most;
static int64_t request_at[1000];

struct http_transfer {
	struct http_request req;
	struct buf *body;
	int status, rc;
	int64_t due;
};

int __wrap_http_start(struct http *h, const struct http_request *req,
    struct http_transfer **out, struct err *err);
size_t __wrap_http_wait_any(
    struct http *h, struct http_transfer *const *all, size_t n, int64_t until);
int __wrap_http_wait(struct http *h, struct http_transfer *t, struct err *err);
int __wrap_http_status(const struct http_transfer *t);
const struct buf *__wrap_http_body(const struct http_transfer *t);
void __wrap_http_transfer_free(struct http_transfer *t);

static enum moment find_moment(const struct http_request *req)
{
	const char *roles = strstr(req->url, ROLES);

	if (strcmp(req->method, "PUT") == 0)
		return TOKEN;
	if (roles != NULL)
		return roles[strlen(ROLES)] == '\0' ? ROLE : ROLE_DOCUMENT;
	return strstr(req->url, "/tags/") != NULL ? TAG : REGION;
}

static void answer(struct http_transfer *t)
{
	static const char *const right[] = {
	    "token==", "role", DOCUMENT, "eu-west-1", "queue"};
	const enum moment m = find_moment(&t->req);
	const struct fault *f = &world.fault;
	const char *body = right[m];
	int64_t ends = now;

	t->status = 200;
	if ((world.moment == ALL || world.moment == m) && now < world.until &&
	    world.count > 0) {
		world.count--;
		ends += f->delay;
		t->rc = f->rc;
		t->status = f->status != 0 ? f->status : 200;
		body = f->body != NULL ? f->body : right[m];
	} else if (world.mute)
		ends += SILENCE;
	if (world.single && m != TOKEN && !world.fresh)
		t->status = 401;
	world.fresh = m == TOKEN;
	t->due = ends;
	if (ends > t->req.deadline) {
		t->due = t->req.deadline;
		t->rc = ERR_TIMEOUT;
	}
	assert_int_equal(buf_set(t->body, body, strlen(body)), 0);
}

int __wrap_http_start(struct http *h, const struct http_request *req,
    struct http_transfer **out, struct err *err)
{
	struct http_transfer *t = calloc(1, sizeof *t);

	(void)h;
	(void)err;
	assert_non_null(t);
	t->req = *req;
	t->body = buf_new(4096);
	answer(t);
	assert_true(requests < 1000);
	request_at[requests++] = now;
	if (++open_now > open_most)
		open_most = open_now;
	*out = t;
	return 0;
}

size_t __wrap_http_wait_any(
    struct http *h, struct http_transfer *const *all, size_t n, int64_t until)
{
	size_t first = 0;

	(void)h;
	for (size_t k = 1; k < n; k++)
		if (all[k]->due < all[first]->due)
			first = k;
	if (all[first]->due > until) {
		if (now < until)
			now = until;
		return n;
	}
	if (now < all[first]->due)
		now = all[first]->due;
	return first;
}

int __wrap_http_wait(struct http *h, struct http_transfer *t, struct err *err)
{
	(void)h;
	return t->rc != 0 ? err_set(err, t->rc, "http failed") : 0;
}

int __wrap_http_status(const struct http_transfer *t)
{
	return t->status;
}

const struct buf *__wrap_http_body(const struct http_transfer *t)
{
	return t->body;
}

void __wrap_http_transfer_free(struct http_transfer *t)
{
	if (t == NULL)
		return;
	open_now--;
	buf_free(t->body);
	free(t);
}

/* ---- the clock */

static int64_t read_now(void *ctx)
{
	(void)ctx;
	return now;
}

static int sleep_until(void *ctx, int64_t ms)
{
	(void)ctx;
	assert_true(ms >= 0);
	now += ms;
	return 0;
}

static double chance;

static double read_chance(void *ctx)
{
	(void)ctx;
	return chance;
}

static const struct clock the_clock = {.mono = read_now,
    .wall = read_now,
    .sleep = sleep_until,
    .chance = read_chance};

/* ---- asking */

static struct imds_config config;
static struct imds *imds;
static struct err err;

static void start(enum imds_machine machine, bool configured)
{
	config = (struct imds_config){.machine = machine};
	if (configured)
		assert_int_equal(setenv(ENDPOINT, "http://127.0.0.1:9", 1), 0);
	else
		assert_int_equal(unsetenv(ENDPOINT), 0);
	assert_int_equal(imds_new(NULL, &the_clock, &config, &imds, &err), 0);
	now = 0;
	requests = open_most = 0;
	err = (struct err){0};
}

static void strike(const struct fault *f, enum moment m, int64_t until)
{
	world.fault = *f;
	world.moment = m;
	world.until = until;
	world.count = INT32_MAX;
}

static int load(void)
{
	const struct cred_source source = imds_source(imds);
	struct cred_chain *chain = cred_chain_new(&source, 1, the_clock);
	const struct cred *got;
	int rc = cred_chain_get(chain, DEADLINE_MS, &got, &err);

	cred_chain_free(chain);
	return rc;
}

static int ask(enum moment m)
{
	char out[IMDS_TEXT_MAX];

	if (m == REGION)
		return imds_region(imds, out, DEADLINE_MS, &err);
	if (m == TAG)
		return imds_tag(imds, "queue", out, DEADLINE_MS, &err);
	return load();
}

static void finish(void)
{
	assert_int_equal(open_now, 0);
	imds_free(imds);
}

/* ---- each fault at each moment */

/* exits: of the codes for ever, by moment; 0: it is served all the same.  What
 * the region and the tag lack is the session's to judge (69 here). */
static const struct {
	struct fault fault;
	int exits[MOMENTS];
} matrix[] = {
    {{.name = "refused", .rc = ERR_CONNECT}, {69, 69, 69, 69, 69}},
    {{.name = "no route", .rc = ERR_UNREACHABLE}, {69, 69, 69, 69, 69}},
    {{.name = "silent", .delay = SILENCE}, {69, 69, 69, 69, 69}},
    {{.name = "1.5 s", .delay = 1500}, {0, 0, 0, 0, 0}},
    {{.name = "3 s", .delay = 3000}, {0, 0, 0, 0, 0}},
    {{.name = "429", .status = 429}, {69, 69, 69, 69, 69}},
    {{.name = "500", .status = 500}, {69, 69, 69, 69, 69}},
    {{.name = "503", .status = 503}, {69, 69, 69, 69, 69}},
    {{.name = "slow 503", .status = 503, .delay = 1500}, {69, 69, 69, 69, 69}},
    {{.name = "reset", .rc = ERR_NET}, {69, 69, 69, 69, 69}},
    {{.name = "cut", .rc = ERR_NET, .delay = 200}, {69, 69, 69, 69, 69}},
    {{.name = "401", .status = 401}, {77, 69, 69, 69, 69}},
    {{.name = "403", .status = 403}, {77, 77, 77, 77, 77}},
    {{.name = "404", .status = 404}, {77, 77, 69, 69, 69}},
    {{.name = "empty", .body = ""}, {69, 77, 69, 69, 0}},
    {{.name = "malformed", .body = "a\tb"}, {69, 69, 69, 69, 69}},
    {{.name = "too large", .rc = ERR_LIMIT}, {69, 69, 69, 69, 69}},
    {{.name = "a page", .body = PAGE}, {69, 69, 69, 69, 69}},
    {{.name = "Failed", .body = CODE("Failed")}, {-1, -1, 69, -1, -1}},
    {{.name = "no trust", .body = CODE("AssumeRoleUnauthorizedAccess")},
	{-1, -1, 77, -1, -1}},
    {{.name = "truncated", .body = "{\"Code\":\"Succ"}, {-1, -1, 69, -1, -1}},
};

#define FAULTS (sizeof matrix / sizeof matrix[0])

/* Refused for good, whatever comes later. */
static bool is_final(const struct fault *f, enum moment m)
{
	return f->status == 403 || (f->status == 401 && m == TOKEN);
}

static void each_fault_for_ever_ends_in_time_with_its_code(void **state)
{
	(void)state;
	for (size_t k = 0; k < FAULTS * MOMENTS; k++) {
		const struct fault *f = &matrix[k / MOMENTS].fault;
		const enum moment m = k % MOMENTS;
		const int want = matrix[k / MOMENTS].exits[m];
		int rc;

		if (want < 0)
			continue;
		start(IMDS_MACHINE_EC2, true);
		strike(f, m, FOR_EVER);
		rc = ask(m);
		if (err_exit(rc) != want || now > DEADLINE_MS ||
		    (rc != 0 && err.text[0] == '\0'))
			fail_msg("%s at %s: %d after %d ms: %s", f->name,
			    moments[m], rc, (int)now, err.text);
		/* What passes by itself is not given up before. */
		if (want == 69 && f->status != 404 && now < DEADLINE_MS - 800)
			fail_msg("%s at %s: given up after %d ms", f->name,
			    moments[m], (int)now);
		assert_in_range(requests, 1, 100);
		assert_in_range(open_most, 1, 4);
		finish();
	}
}

static void each_fault_that_passes_is_waited_for(void **state)
{
	(void)state;
	for (size_t k = 0; k < FAULTS * MOMENTS * 3; k++) {
		const struct fault *f = &matrix[k / (3 * MOMENTS)].fault;
		const enum moment m = k / 3 % MOMENTS;
		const int want = matrix[k / (3 * MOMENTS)].exits[m];
		const int64_t lasts = 1000 * (int64_t)(k % 3) + 100;
		int rc;

		if (want < 0 || is_final(f, m))
			continue;
		chance = (double)(k % 10) / 10;
		start(IMDS_MACHINE_EC2, true);
		strike(f, m, lasts);
		rc = ask(m);
		/* Beyond the fault lies one pause or one try, and for a slow
		 * one its own time. */
		if (rc != 0 || now > lasts + 3000)
			fail_msg("%s at %s for %d ms: %d after %d ms: %s",
			    f->name, moments[m], (int)lasts, rc, (int)now,
			    err.text);
		finish();
	}
}

static void one_refused_token_costs_no_time(void **state)
{
	static const struct fault f = {.status = 401};

	(void)state;
	for (enum moment m = ROLE; m < MOMENTS; m++) {
		start(IMDS_MACHINE_EC2, true);
		strike(&f, m, FOR_EVER);
		world.count = 1;
		assert_int_equal(ask(m), 0);
		assert_int_equal(now, 0);
		finish();
	}
}

/* Each request of an answer may meet a token that has grown old. */
static void tokens_that_grow_old_are_renewed_each_time(void **state)
{
	static const struct fault f = {.status = 401};

	(void)state;
	start(IMDS_MACHINE_EC2, true);
	assert_int_equal(ask(REGION), 0);
	for (int k = 0; k < 2; k++) {
		strike(&f, k == 0 ? ROLE : ROLE_DOCUMENT, FOR_EVER);
		world.count = 1;
		assert_int_equal(load(), 0);
	}
	world.single = true;
	assert_int_equal(load(), 0);
	assert_int_equal(ask(REGION), 0);
	world.single = false;
	assert_int_equal(now, 0);
	finish();
}

static void a_slow_imds_is_served_within_the_deadline(void **state)
{
	static const struct fault slow = {.delay = 1500},
				  slower = {.delay = 3000};

	(void)state;
	start(IMDS_MACHINE_EC2, false);
	strike(&slow, ALL, FOR_EVER);
	assert_int_equal(ask(TAG), 0);
	assert_int_equal(ask(REGION), 0);
	assert_int_equal(load(), 0);
	/* Of five answers none is waited for longer than it takes. */
	assert_int_equal(now, 5 * 1500);
	finish();
	start(IMDS_MACHINE_EC2, false);
	strike(&slower, ALL, FOR_EVER);
	assert_int_equal(load(), 0);
	assert_int_equal(now, 3 * 3000);
	finish();
}

/* ---- a role */

/* The answers of a young instance: 404 until its credentials have come. */
static void a_role_may_come_late(void **state)
{
	static const struct fault none = {.status = 404};

	(void)state;
	for (int tenth = 0; tenth < 10; tenth++) {
		chance = tenth / 10.0;
		start(IMDS_MACHINE_EC2, true);
		strike(&none, ROLE, 2100);
		assert_int_equal(load(), 0);
		assert_in_range(now, 2100, 3000);
		finish();
	}
	start(IMDS_MACHINE_EC2, true);
	strike(&none, ROLE, FOR_EVER);
	assert_int_equal(load(), ERR_NOCRED);
	assert_int_equal(now, 3000);
	assert_non_null(strstr(err.text, "no IAM role is attached"));
	finish();
}

/* A role that is named and has no document: the list is asked for again. */
static void another_role_may_be_attached_meanwhile(void **state)
{
	static const struct fault gone = {.status = 404};

	(void)state;
	start(IMDS_MACHINE_EC2, true);
	strike(&gone, ROLE_DOCUMENT, FOR_EVER);
	world.count = 1;
	assert_int_equal(load(), 0);
	assert_int_equal(requests, 5); /* the token, twice two */
	assert_in_range(now, 50, 200);
	finish();
	start(IMDS_MACHINE_EC2, true);
	strike(&gone, ROLE_DOCUMENT, FOR_EVER);
	assert_int_equal(load(), ERR_SERVICE);
	assert_non_null(strstr(err.text, "names the role role and has no"));
	finish();
}

/* The list is not asked for anew while the document is late. */
static void a_document_that_is_late_is_asked_for_by_itself(void **state)
{
	static const struct fault busy = {.status = 503};

	(void)state;
	start(IMDS_MACHINE_EC2, true);
	strike(&busy, ROLE_DOCUMENT, FOR_EVER);
	world.count = 3;
	assert_int_equal(load(), 0);
	assert_int_equal(requests, 2 + 4);
	finish();
}

/* ---- the machine, and the variables */

static void expect_patience(const struct fault *f, enum imds_machine machine,
    int rc, int64_t ms, int sent)
{
	start(machine, false);
	strike(f, TOKEN, FOR_EVER);
	assert_int_equal(ask(REGION), rc);
	if (now != ms || (sent > 0 && requests != sent))
		fail_msg("%d after %d ms, %d requests: %s", machine, (int)now,
		    requests, err.text);
	finish();
}

static void another_machine_waits_for_no_imds(void **state)
{
	static const struct fault silent = {.delay = SILENCE},
				  refused = {.rc = ERR_CONNECT},
				  strange = {.status = 404},
				  slow = {.delay = 900};

	(void)state;
	chance = 0.5;
	expect_patience(&silent, IMDS_MACHINE_OTHER, ERR_ABSENT, 1000, 1);
	assert_non_null(strstr(err.text, "this machine is no EC2 instance"));
	expect_patience(&refused, IMDS_MACHINE_OTHER, ERR_ABSENT, 0, 1);
	expect_patience(&strange, IMDS_MACHINE_OTHER, ERR_ABSENT, 0, 1);
	expect_patience(&slow, IMDS_MACHINE_OTHER, 0, 900, 2);
	expect_patience(&silent, IMDS_MACHINE_UNKNOWN, ERR_TIMEOUT, 3000, 2);
	assert_non_null(strstr(err.text, "--http-put-response-hop-limit 2"));
	expect_patience(&refused, IMDS_MACHINE_UNKNOWN, ERR_CONNECT, 3000, 0);
	expect_patience(&silent, IMDS_MACHINE_EC2, ERR_TIMEOUT, DEADLINE_MS, 4);
	assert_non_null(strstr(err.text, "--http-put-response-hop-limit 2"));
}

/* Once it has given a token it is there, whatever the machine says. */
static void an_imds_that_has_answered_is_waited_for(void **state)
{
	static const struct fault busy = {.status = 503};

	(void)state;
	start(IMDS_MACHINE_OTHER, false);
	strike(&busy, REGION, 5000);
	assert_int_equal(ask(REGION), 0);
	assert_true(imds_answers(imds));
	finish();
}

static void the_sdks_variables_are_honoured(void **state)
{
	static const struct fault silent = {.delay = SILENCE},
				  refused = {.rc = ERR_CONNECT},
				  stale = {.status = 401};

	(void)state;
	assert_int_equal(setenv(TRY_TIME, "2", 1), 0);
	expect_patience(&silent, IMDS_MACHINE_OTHER, ERR_ABSENT, 2000, 1);
	expect_patience(&silent, IMDS_MACHINE_EC2, ERR_TIMEOUT, DEADLINE_MS, 5);
	assert_int_equal(open_most, 1);
	assert_int_equal(setenv(ATTEMPTS, "3", 1), 0);
	expect_patience(&silent, IMDS_MACHINE_OTHER, ERR_TIMEOUT, 6000, 3);
	assert_int_equal(unsetenv(TRY_TIME), 0);
	expect_patience(&silent, IMDS_MACHINE_EC2, ERR_TIMEOUT, 7000, 3);
	assert_int_equal(setenv(ATTEMPTS, "1", 1), 0);
	expect_patience(&silent, IMDS_MACHINE_EC2, ERR_TIMEOUT, 1000, 1);
	expect_patience(&refused, IMDS_MACHINE_EC2, ERR_CONNECT, 0, 1);
	start(IMDS_MACHINE_EC2, false);
	strike(&stale, REGION, FOR_EVER);
	world.count = 1;
	assert_int_equal(ask(REGION), 0);
	finish();
	assert_int_equal(unsetenv(ATTEMPTS), 0);
}

static void pauses_grow(void **state)
{
	static const struct fault busy = {.status = 503};

	(void)state;
	chance = 0.5;
	start(IMDS_MACHINE_EC2, false);
	strike(&busy, TOKEN, FOR_EVER);
	assert_int_equal(ask(REGION), ERR_SERVICE);
	for (int k = 0, pause = 100; k + 1 < requests - 1; k++) {
		assert_int_equal(request_at[k + 1] - request_at[k], pause);
		pause = pause < 800 ? 2 * pause : 800;
	}
	assert_int_equal(now, DEADLINE_MS);
	finish();
}

static void start_before_the_network(enum imds_machine machine)
{
	start(machine, false);
	imds_free(imds);
	config.wait_for_route = true;
	assert_int_equal(imds_new(NULL, &the_clock, &config, &imds, &err), 0);
}

/* The route comes at once or after minutes, so it is looked for often, and it
 * is no answer of the machine's that there is none yet. */
static void a_route_is_waited_for_on_any_machine(void **state)
{
	static const struct fault none = {.rc = ERR_UNREACHABLE};

	(void)state;
	start_before_the_network(IMDS_MACHINE_OTHER);
	strike(&none, TOKEN, 6000);
	assert_int_equal(load(), 0);
	assert_in_range(now, 6000, 6250);
	finish();
}

/* An attempt that the deadline cuts off says less than the one before. */
static void the_end_of_time_hides_no_missing_route(void **state)
{
	(void)state;
	for (int ms = 0; ms < 400; ms += 3) {
		const struct fault none = {.rc = ERR_UNREACHABLE, .delay = ms};

		start_before_the_network(IMDS_MACHINE_UNKNOWN);
		strike(&none, TOKEN, FOR_EVER);
		assert_int_equal(load(), ERR_UNREACHABLE);
		assert_non_null(strstr(err.text, "no route"));
		assert_in_range(now, DEADLINE_MS - 400, DEADLINE_MS);
		finish();
	}
}

static void silence_after_the_route_came_is_told(void **state)
{
	static const struct fault none = {.rc = ERR_UNREACHABLE};

	(void)state;
	start_before_the_network(IMDS_MACHINE_EC2);
	strike(&none, TOKEN, 6000);
	world.mute = true;
	assert_int_equal(load(), ERR_TIMEOUT);
	assert_non_null(strstr(err.text, "nobody answers"));
	assert_null(strstr(err.text, "no route"));
	world.mute = false;
	finish();
}

static void an_endpoint_that_moves_is_followed(void **state)
{
	static const char there[] = "http://127.0.0.1:1";

	(void)state;
	world.count = 0;
	start(IMDS_MACHINE_OTHER, false);
	assert_int_equal(ask(REGION), 0);
	assert_int_equal(ask(REGION), 0);
	assert_int_equal(requests, 3);
	assert_int_equal(setenv(ENDPOINT, there, 1), 0);
	assert_int_equal(ask(REGION), 0);
	assert_string_equal(imds_endpoint(imds), there);
	assert_int_equal(requests, 5); /* with a token of its own */
	assert_int_equal(setenv(ENDPOINT, "nowhere", 1), 0);
	assert_int_equal(ask(REGION), ERR_CONFIG);
	assert_int_equal(unsetenv(ENDPOINT), 0);
	finish();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_fault_for_ever_ends_in_time_with_its_code),
	    cmocka_unit_test(each_fault_that_passes_is_waited_for),
	    cmocka_unit_test(one_refused_token_costs_no_time),
	    cmocka_unit_test(tokens_that_grow_old_are_renewed_each_time),
	    cmocka_unit_test(a_slow_imds_is_served_within_the_deadline),
	    cmocka_unit_test(a_role_may_come_late),
	    cmocka_unit_test(a_document_that_is_late_is_asked_for_by_itself),
	    cmocka_unit_test(another_role_may_be_attached_meanwhile),
	    cmocka_unit_test(another_machine_waits_for_no_imds),
	    cmocka_unit_test(an_imds_that_has_answered_is_waited_for),
	    cmocka_unit_test(the_sdks_variables_are_honoured),
	    cmocka_unit_test(pauses_grow),
	    cmocka_unit_test(a_route_is_waited_for_on_any_machine),
	    cmocka_unit_test(the_end_of_time_hides_no_missing_route),
	    cmocka_unit_test(silence_after_the_route_came_is_told),
	    cmocka_unit_test(an_endpoint_that_moves_is_followed),
	};
	static const char *const variables[] = {ENDPOINT, ENDPOINT "_MODE",
	    ATTEMPTS, TRY_TIME, "AWS_EC2_METADATA_DISABLED"};

	for (size_t k = 0; k < sizeof variables / sizeof variables[0]; k++)
		(void)unsetenv(variables[k]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
