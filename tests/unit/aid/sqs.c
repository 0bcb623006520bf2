/* SPDX-License-Identifier: Apache-2.0 */
#include "aid/sqs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#define ANSWERS_MAX 64

static char *answers[ANSWERS_MAX];
static int answers_n;

struct loopback_step aid_answer(
    const char *status, const char *headers, const char *body)
{
	char *text;

	assert_true(answers_n < ANSWERS_MAX);
	assert_true(
	    asprintf(&text, "HTTP/1.1 %s\r\nContent-Length: %zu\r\n%s\r\n%s",
		status, strlen(body), headers, body) > 0);
	answers[answers_n++] = text;
	return (struct loopback_step){.answer = text};
}

struct loopback_step aid_ok(const char *body)
{
	return aid_answer("200 OK", "", body);
}

static int64_t on_mono(void *ctx)
{
	const struct aid_sqs *a = ctx;
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000 + a->slept;
}

static int64_t on_wall(void *ctx)
{
	const struct aid_sqs *a = ctx;

	return a->wall + a->slept;
}

static int on_sleep(void *ctx, int64_t ms)
{
	struct aid_sqs *a = ctx;

	assert_true(ms >= 0);
	if (a->sleeps < AID_SLEEPS_MAX)
		a->sleep[a->sleeps] = ms;
	a->sleeps++;
	a->slept += ms;
	return a->sleep_rc;
}

static double on_chance(void *ctx)
{
	const struct aid_sqs *a = ctx;

	return a->chance;
}

static int on_load(
    void *ctx, struct cred *out, int64_t deadline, struct err *err)
{
	struct aid_sqs *a = ctx;
	char key[32];

	(void)deadline;
	a->loads++;
	if (a->load_rc != 0)
		return err_set(err, a->load_rc, "the test says so");
	(void)snprintf(key, sizeof key, "AKIDTEST%d", a->same ? 0 : a->loads);
	return cred_set(out, key, "secret", "token/+=");
}

int64_t aid_deadline(const struct aid_sqs *a)
{
	return clock_mono(&a->clock) + AID_DEADLINE_MS;
}

static struct aid_sqs *open_client(
    const struct sqs_service *service, const char *endpoint, bool patient)
{
	struct aid_sqs *a = calloc(1, sizeof *a);
	const struct http_config http = {.agent = "test", .cancel_fd = -1};
	const struct cred_source source = {
	    .name = "test", .load = on_load, .ctx = a};
	const struct sqs_config cfg = {.service = service,
	    .endpoint = endpoint,
	    .region = "eu-west-1",
	    .patient = patient};

	assert_non_null(a);
	a->clock = (struct clock){on_mono, on_wall, on_sleep, on_chance, a};
	a->chance = 0.5;
	a->wall = AID_WALL;
	assert_int_equal(http_new(&http, &a->http, &a->err), 0);
	a->chain = cred_chain_new(&source, 1, a->clock);
	assert_non_null(a->chain);
	assert_int_equal(
	    sqs_new(a->http, a->chain, &a->clock, &cfg, &a->sqs, &a->err), 0);
	return a;
}

struct aid_sqs *aid_open_at(const char *endpoint, bool patient)
{
	return open_client(NULL, endpoint, patient);
}

struct aid_sqs *aid_open_as(
    const struct sqs_service *service, const struct loopback_step *steps, int n)
{
	struct loopback *l = loopback_new(steps, n);
	struct aid_sqs *a = open_client(service, loopback_url(l), false);

	a->loopback = l;
	return a;
}

struct aid_sqs *aid_open(const struct loopback_step *steps, int n)
{
	return aid_open_as(NULL, steps, n);
}

void aid_close(struct aid_sqs *a)
{
	sqs_free(a->sqs);
	cred_chain_free(a->chain);
	http_free(a->http);
	loopback_free(a->loopback);
	free(a);
	while (answers_n > 0)
		free(answers[--answers_n]);
}

struct json *aid_request(const struct aid_sqs *a, int k)
{
	const char *raw = loopback_request(a->loopback, k);
	const char *body = strstr(raw, "\r\n\r\n");
	struct json *root;

	assert_true(body != NULL);
	assert_int_equal(json_parse(body + 4, strlen(body + 4), &root), 0);
	return root;
}

void aid_header(
    const struct aid_sqs *a, int k, const char *name, char *out, size_t size)
{
	const char *line = loopback_request(a->loopback, k), *end;
	size_t len = strlen(name);

	out[0] = '\0';
	for (; line != NULL && *line != '\0' && *line != '\r'; line = end) {
		end = strstr(line, "\r\n");
		assert_true(end != NULL);
		if (strncasecmp(line, name, len) == 0 && line[len] == ':')
			(void)snprintf(out, size, "%.*s",
			    (int)(end - line - (ptrdiff_t)len - 2),
			    line + len + 2);
		end += 2;
	}
}
