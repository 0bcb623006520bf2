/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/offline/status.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"
#include "json/parse.h"

static bool has_text(const struct json *object, const char *key)
{
	const char *s = json_string(json_get(object, key));

	return s != NULL && s[0] != '\0';
}

/* Names of files and of producers are in the status. */
static void print_value(const struct json *value)
{
	const char *s = json_string(value);

	if (s != NULL)
		text_print(stdout, s);
}

static void print_member(const struct json *object, const char *key)
{
	print_value(json_get(object, key));
}

static long long number_of(const struct json *object, const char *key)
{
	int64_t n;

	return json_integer(json_get(object, key), &n) == 0 ? (long long)n : 0;
}

static void print_time(const struct json *root)
{
	time_t t = (time_t)(number_of(root, "time") / 1000);
	char text[32] = "";
	struct tm tm;

	if (gmtime_r(&t, &tm) != NULL)
		(void)strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm);
	(void)printf("last run: %s, ", text);
	print_member(root, "result");
	(void)printf(" (exit %lld)\n", number_of(root, "exit"));
}

static void print_message(const struct json *m)
{
	const struct json *withheld = json_get(m, "withheld");

	(void)printf("  %lld bytes, %lld bits", number_of(m, "bytes"),
	    number_of(m, "bits"));
	if (has_text(m, "producer")) {
		(void)printf(", from ");
		print_member(m, "producer");
		(void)printf(", number %lld", number_of(m, "seq"));
	}
	if (has_text(m, "discarded")) {
		(void)printf(", discarded: ");
		print_member(m, "discarded");
	}
	for (size_t i = 0; i < json_count(withheld); i++) {
		(void)printf(i == 0 ? ", no credit: " : ", ");
		print_value(json_at(withheld, i));
	}
	(void)printf("\n");
}

static void print_ago(const char *what, int64_t age)
{
	if (age >= 0)
		(void)printf("%s %lld s ago\n", what, (long long)age / 1000);
}

static void print_seeded(void)
{
	const int64_t now = clock_read(CLOCK_BOOTTIME);
	struct last_seed seeded;

	last_seed_read(&seeded);
	print_ago("kernel last seeded:", last_seed_age(&seeded, false, now));
	print_ago("with credit:", last_seed_age(&seeded, true, now));
}

static void print(const struct json *root)
{
	const struct json *messages = json_get(root, "messages");

	print_time(root);
	(void)printf("%lld bytes into the ", number_of(root, "bytes"));
	print_member(root, "target");
	(void)printf(", credit %lld bits, %lld messages received\n",
	    number_of(root, "credit"), number_of(root, "received"));
	for (size_t i = 0; i < json_count(messages); i++)
		print_message(json_at(messages, i));
	print_seeded();
}

/* Of what is not printable only line feeds are between the values of JSON. */
static void print_document(char *text, size_t len)
{
	char *const end = text + len;

	for (char *line = text, *next; line < end; line = next + 1) {
		next = memchr(line, '\n', (size_t)(end - line));
		if (next == NULL)
			next = end;
		text_make_printable(line, (size_t)(next - line));
	}
	(void)fwrite(text, 1, len, stdout);
}

static int show(char *text, size_t len, bool json, struct err *err)
{
	struct json *root = NULL;

	if (json_parse(text, len, &root) != 0 || !json_is_object(root)) {
		json_free(root);
		return err_set(
		    err, ERR_INTERNAL, "the status of the last run is damaged");
	}
	if (json)
		print_document(text, len);
	else
		print(root);
	json_free(root);
	if (fflush(stdout) != 0)
		return err_errno(err, ERR_IO, "cannot write the status");
	return 0;
}

int status_print(bool json, struct err *err)
{
	char path[256], text[STATUS_MAX];
	size_t len;
	int rc;

	(void)snprintf(
	    path, sizeof path, "%s/%s", status_directory(), STATUS_NAME);
	rc = file_read(path, text, sizeof text, &len);
	if (rc == ERR_ABSENT)
		return err_set(err, ERR_EMPTY,
		    "the agent has not run since boot (no %s)", path);
	if (rc != 0)
		return err_errno(err, rc, "cannot read %s", path);
	return show(text, len, json, err);
}
