/* SPDX-License-Identifier: Apache-2.0 */
/*
 * protocol URL OPERATION
 *
 * Do one operation of SQS at that endpoint, for test_vectors_protocol.py: the
 * members of standard input's document, strings, integers, lists and
 * structures, are the request's.  Standard output has "ok" and a line for each
 * value of the answer that is neither a list nor a structure, "PATH TAB KIND
 * TAB VALUE"; or "error" and the text of the error.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "http/client.h"
#include "sqs/call.h"
#include "json/parse.h"
#include "json/writer.h"

#define PATH_MAX_LEN 512
#define ANSWER_MS    30000

static int load_key(
    void *ctx, struct cred *out, int64_t deadline, struct err *err)
{
	(void)ctx;
	(void)deadline;
	(void)err;
	return cred_set(out, "AKIDEXAMPLE", "secret", NULL);
}

static bool put_value(
    struct json_writer *w, const char *key, const struct json *v);

static bool put_members(struct json_writer *w, const struct json *object)
{
	const struct json *member;
	const char *name;
	bool known = true;

	for (size_t i = 0;
	     (member = json_member(object, i, &name)) != NULL && known; i++)
		known = put_value(w, name, member);
	return known;
}

/* False for what no request of SQS has. */
static bool put_value(
    struct json_writer *w, const char *key, const struct json *v)
{
	bool known = true;
	int64_t n;

	if (json_string(v) != NULL) {
		json_put_string(w, key, json_string(v));
	} else if (json_is_object(v)) {
		json_begin_object(w, key);
		known = put_members(w, v);
		json_end_object(w);
	} else if (json_is_array(v)) {
		json_begin_array(w, key);
		for (size_t i = 0; i < json_count(v) && known; i++)
			known = put_value(w, NULL, json_at(v, i));
		json_end_array(w);
	} else if (json_integer(v, &n) == 0) {
		json_put_integer(w, key, n);
	} else {
		known = false;
	}
	return known;
}

static void print_value(const char *path, const struct json *v)
{
	char below[PATH_MAX_LEN];
	const struct json *inner;
	const char *name;
	int64_t n;

	if (json_string(v) != NULL)
		(void)printf("%s\tstring\t%s\n", path, json_string(v));
	else if (json_is_true(v))
		(void)printf("%s\ttrue\t\n", path);
	else if (!json_is_object(v) && !json_is_array(v) &&
		 json_integer(v, &n) == 0)
		(void)printf("%s\tinteger\t%" PRId64 "\n", path, n);
	else if (!json_is_object(v) && !json_is_array(v))
		(void)printf("%s\tother\t\n", path);
	for (size_t i = 0; (inner = json_member(v, i, &name)) != NULL; i++) {
		(void)snprintf(below, sizeof below, "%s/%s", path, name);
		print_value(below, inner);
	}
	for (size_t i = 0; i < json_count(v); i++) {
		(void)snprintf(below, sizeof below, "%s/%zu", path, i);
		print_value(below, json_at(v, i));
	}
}

static struct json *read_request(void)
{
	static char text[1 << 16];
	struct json *root;

	if (json_parse(text, fread(text, 1, sizeof text, stdin), &root) != 0)
		return NULL;
	return root;
}

static int ask_service(struct sqs *s, const struct clock *clock,
    const char *operation, const struct json *request, struct err *err)
{
	const struct sqs_op op = {.name = operation, .permission = "sqs:X"};
	struct json_writer *w = json_writer_new();
	struct json *answer;
	int rc;

	if (!put_value(w, NULL, request)) {
		json_writer_free(w);
		return err_set(err, ERR_FORMAT, "no request of SQS");
	}
	rc = sqs_call(
	    s, &op, "q", w, clock_mono(clock) + ANSWER_MS, &answer, err);
	if (rc == 0) {
		(void)puts("ok");
		print_value("", answer);
	}
	json_free(answer);
	return rc;
}

int main(int argc, char *argv[])
{
	const struct cred_source source = {.name = "test", .load = load_key};
	const struct clock clock = clock_system(NULL);
	const struct http_config config = {
	    .agent = "protocol", .cancel_fd = -1};
	struct sqs_config cfg = {.region = "us-east-1"};
	struct cred_chain *chain = cred_chain_new(&source, 1, clock);
	struct json *request = read_request();
	struct http *http = NULL;
	struct sqs *s = NULL;
	struct err err = {0};
	int rc = ERR_USAGE;

	if (argc != 3 || chain == NULL || request == NULL)
		return 64;
	cfg.endpoint = argv[1];
	rc = http_new(&config, &http, &err);
	if (rc == 0)
		rc = sqs_new(http, chain, &clock, &cfg, &s, &err);
	if (rc == 0)
		rc = ask_service(s, &clock, argv[2], request, &err);
	if (rc != 0)
		(void)printf("error\n%s\n", err.text);
	sqs_free(s);
	http_free(http);
	cred_chain_free(chain);
	json_free(request);
	return 0;
}
