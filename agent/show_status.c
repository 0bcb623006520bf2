/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/offline/status.h"

#include <stdio.h>
#include <string.h>

#include "agent/conf.h"
#include "agent/offline/credit.h"
#include "base/clock.h"
#include "base/date.h"
#include "base/text.h"
#include "json/document.h"
#include "json/metrics.h"

#define PREFIX "sqs_entropy_agent_"

static bool has_text(const struct json *object, const char *key)
{
	return document_text(object, key)[0] != '\0';
}

/* Names of files and of producers are in the status. */
static void print_member(const struct json *object, const char *key)
{
	document_put(object, key, stdout);
}

static long long number_of(const struct json *object, const char *key)
{
	return (long long)document_number(object, key);
}

static void print_time(const struct json *root)
{
	char text[DATE_TEXT_MAX];

	date_format_rfc3339(document_number(root, "time"), text);
	(void)printf("last run: %s, ", text);
	print_member(root, "result");
	(void)printf(" (exit %lld)\n", number_of(root, "exit"));
}

static void print_reason(const struct json *value)
{
	const char *s = json_string(value);

	if (s != NULL)
		text_print(stdout, s);
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
		print_reason(json_at(withheld, i));
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
	if (number_of(root, "fallback") > 0)
		(void)printf("  %lld bytes of KMS in place of a message, 0 "
			     "bits: no producer signed them\n",
		    number_of(root, "fallback"));
	print_seeded();
}

/* When the kernel was seeded last, by today's clock. */
static void put_seeded(const char *name, const char *help, bool credit)
{
	struct last_seed seeded;
	int64_t age;

	last_seed_read(&seeded);
	age = last_seed_age(&seeded, credit, clock_read(CLOCK_BOOTTIME));
	if (age >= 0)
		metrics_one_ms(
		    stdout, name, help, clock_read(CLOCK_REALTIME) - age);
}

/* Messages that credit was withheld from, by reason. */
static void put_withheld(const struct json *root)
{
	static const char name[] = PREFIX "last_run_withheld_messages";
	const struct json *messages = json_get(root, "messages");

	metrics_begin(stdout, name,
	    "Messages of the last run that earned no credit, by reason.");
	for (unsigned k = 0; k < CREDIT_REASONS; k++) {
		int64_t n = 0;

		for (size_t i = 0; i < json_count(messages); i++) {
			const struct json *m = json_at(messages, i);
			const struct json *why = json_get(m, "withheld");

			for (size_t w = 0; w < json_count(why); w++) {
				const char *s = json_string(json_at(why, w));

				n += s != NULL &&
				     strcmp(s, credit_reason(k)) == 0;
			}
		}
		metrics_put(stdout, name, "reason", credit_reason(k), n);
	}
}

static void print_metrics(const struct json *root)
{
	static const struct {
		const char *name, *help, *key;
	} numbers[] = {
	    {PREFIX "last_run_exit_code", "Exit code of the last run.", "exit"},
	    {PREFIX "last_run_received_messages",
		"Messages that the service gave.", "received"},
	    {PREFIX "last_run_used_bytes", "Bytes injected or written.",
		"bytes"},
	    {PREFIX "last_run_fallback_bytes",
		"Bytes of KMS injected in place of a message.", "fallback"},
	    {PREFIX "last_run_credit", "Bits of credit given to the kernel.",
		"credit"},
	};

	metrics_one_ms(stdout, PREFIX "last_run_timestamp_seconds",
	    "When the last run ended.", document_number(root, "time"));
	for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
		metrics_one(stdout, numbers[i].name, numbers[i].help,
		    document_number(root, numbers[i].key));
	put_withheld(root);
	put_seeded(PREFIX "last_injected_timestamp_seconds",
	    "When bytes went into the kernel last, in this boot.", false);
	put_seeded(PREFIX "last_credited_timestamp_seconds",
	    "When the kernel was given credit last, in this boot.", true);
	metrics_end(stdout);
}

static int show(struct document *d, const struct conf *conf, struct err *err)
{
	if (conf->json)
		document_print(d, stdout);
	else if (conf->openmetrics)
		print_metrics(d->root);
	else
		print(d->root);
	if (fflush(stdout) != 0)
		return err_errno(err, ERR_IO, "cannot write the status");
	return document_check_age(d, conf->max_age, err);
}

int status_print(const struct conf *conf, struct err *err)
{
	static struct document document;
	char path[256];
	int rc;

	(void)snprintf(
	    path, sizeof path, "%s/%s", status_directory(), STATUS_NAME);
	rc = document_read(&document, path, "the status of the last run", err);
	if (rc == ERR_ABSENT)
		return err_set(err, ERR_EMPTY,
		    "the agent has not run since boot (no %s)", path);
	if (rc == 0)
		rc = show(&document, conf, err);
	document_close(&document);
	return rc;
}
