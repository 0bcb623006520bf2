/* SPDX-License-Identifier: Apache-2.0 */
#include "producer/show_status.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/date.h"
#include "base/status_file.h"
#include "base/trouble.h"
#include "producer/offline/status.h"
#include "json/document.h"
#include "json/metrics.h"

#define PREFIX "sqs_entropy_producer_"
#define SOURCE PREFIX "source_"
#define QUEUE  PREFIX "queue_"

static bool is_text(const struct json *object, const char *key, const char *s)
{
	return strcmp(document_text(object, key), s) == 0;
}

/* " since 2026-11-22T08:00:00Z (3 h 12 min)" */
static void print_since(const struct json *object, const char *key)
{
	const int64_t since = document_number(object, key);
	char date[DATE_TEXT_MAX], lasted[TROUBLE_TIME_MAX];

	date_format_rfc3339(since, date);
	trouble_say_time(lasted, clock_read(CLOCK_REALTIME) - since);
	(void)printf(" since %s (%s)", date, lasted);
}

static void print_state(const struct document *d)
{
	const struct json *root = d->root;
	char age[TROUBLE_TIME_MAX];

	(void)printf("producer ");
	document_put(root, "version", stdout);
	(void)printf(": ");
	document_put(root, "state", stdout);
	if (is_text(root, "state", "ended")) {
		(void)printf(", ");
		document_put(root, "result", stdout);
		(void)printf(
		    " (exit %lld)", (long long)document_number(root, "exit"));
	} else {
		print_since(root, "started");
	}
	trouble_say_time(age, document_age(d));
	(void)printf("; written %s ago\n", age);
	if (!document_has(root, "why"))
		return;
	(void)printf("no messages");
	print_since(root, "since");
	(void)printf(": ");
	document_put(root, "why", stdout);
	(void)printf("\n");
}

static void print_source_state(const struct json *s)
{
	(void)printf("source ");
	document_put(s, "device", stdout);
	(void)printf(": ");
	document_put(s, "state", stdout);
	(void)printf(
	    ", %lld bytes read", (long long)document_number(s, "bytes"));
	if (document_number(s, "rate") > 0)
		(void)printf(
		    " at %lld a second", (long long)document_number(s, "rate"));
	(void)printf(", %lld blocks discarded",
	    (long long)document_number(s, "discarded"));
	if (document_has(s, "last_failure")) {
		(void)printf(", the last for: ");
		document_put(s, "last_failure", stdout);
	}
	(void)printf("\n");
}

static void print_queue(const struct json *q)
{
	(void)printf("queue ");
	document_put(q, "queue", stdout);
	if (document_has(q, "messages"))
		(void)printf(": %lld messages, %lld in flight",
		    (long long)document_number(q, "messages"),
		    (long long)document_number(q, "in_flight"));
	else
		(void)printf(": not reached yet");
	(void)printf(", %lld sent\n", (long long)document_number(q, "sent"));
	if (!document_has(q, "result") || is_text(q, "result", "done"))
		return;
	(void)printf("  fails");
	print_since(q, "since");
	(void)printf(": ");
	document_put(q, document_has(q, "why") ? "why" : "result", stdout);
	(void)printf("\n");
}

static void print_keys(const struct json *root)
{
	const int64_t behind = document_number(root, "clock_behind");

	if (document_has(root, "key")) {
		(void)printf("signs as ");
		document_put(root, "key", stdout);
		(void)printf(
		    "%s\n", is_text(root, "sealed", "yes") ? ", seals" : "");
	} else {
		(void)printf("does not sign: no message earns credit\n");
	}
	if (document_has(root, "clock_behind"))
		(void)printf("clock: %lld.%llu s %s the service's\n",
		    (long long)(behind < 0 ? -behind : behind) / 1000,
		    (unsigned long long)(behind < 0 ? -behind : behind) % 1000 /
			100,
		    behind < 0 ? "ahead of" : "behind");
}

static void print_people(const struct document *d)
{
	const struct json *sources = json_get(d->root, "sources");
	const struct json *queues = json_get(d->root, "queues");

	print_state(d);
	for (size_t i = 0; i < json_count(sources); i++)
		print_source_state(json_at(sources, i));
	print_keys(d->root);
	for (size_t i = 0; i < json_count(queues); i++)
		print_queue(json_at(queues, i));
}

/* A member of each element of an array that has it. */
struct series {
	const char *name, *help, *key;
};

static void put_series(const struct json *array, const char *label,
    const struct series *s, size_t n)
{
	for (; n > 0; n--, s++) {
		metrics_begin(stdout, s->name, s->help);
		for (size_t i = 0; i < json_count(array); i++) {
			const struct json *at = json_at(array, i);

			if (document_has(at, s->key))
				metrics_put(stdout, s->name, label,
				    document_text(at, label),
				    document_number(at, s->key));
		}
	}
}

/* 1 where the member is that text, else 0. */
static void put_if(const struct json *array, const char *label,
    const struct series *s, const char *text)
{
	metrics_begin(stdout, s->name, s->help);
	for (size_t i = 0; i < json_count(array); i++)
		metrics_put(stdout, s->name, label,
		    document_text(json_at(array, i), label),
		    is_text(json_at(array, i), s->key, text));
}

static void put_failing(const struct json *queues)
{
	static const char name[] = QUEUE "failing_since_timestamp_seconds";

	metrics_begin(stdout, name,
	    "Since when the queue fails; none for one that does not.");
	for (size_t i = 0; i < json_count(queues); i++) {
		const struct json *q = json_at(queues, i);

		if (document_has(q, "result") && !is_text(q, "result", "done"))
			metrics_put_ms(stdout, name, "queue",
			    document_text(q, "queue"),
			    document_number(q, "since"));
	}
}

static void put_source_metrics(const struct json *sources)
{
	static const struct series good = {SOURCE "good",
	    "1: the source passes its tests, and gives bytes.", "state"};
	static const struct series series[] = {
	    {SOURCE "read_bytes", "Bytes read, those of tests included.",
		"bytes"},
	    {SOURCE "rate_bytes_per_second",
		"Bytes read by the time that reading took.", "rate"},
	    {SOURCE "discarded_blocks", "Blocks that failed a health test.",
		"discarded"},
	    {SOURCE "consecutive_failures",
		"Blocks that failed a test in a row; 3 end the producer.",
		"in_a_row"},
	};

	put_if(sources, "device", &good, "good");
	put_series(sources, "device", series, sizeof series / sizeof *series);
}

static void put_queue_metrics(const struct json *queues)
{
	static const struct series good = {
	    QUEUE "good", "1: the last try succeeded.", "result"};
	static const struct series series[] = {
	    {QUEUE "visible_messages", "Messages that can be received.",
		"messages"},
	    {QUEUE "in_flight_messages",
		"Messages that are received and not deleted.", "in_flight"},
	    {QUEUE "sent_messages", "Messages sent since the start.", "sent"},
	};

	put_if(queues, "queue", &good, "done");
	put_series(queues, "queue", series, sizeof series / sizeof *series);
	put_failing(queues);
}

static void print_openmetrics(const struct json *root)
{
	metrics_one(stdout, PREFIX "running",
	    "1: it runs, 0: it starts or has ended.",
	    is_text(root, "state", "running"));
	metrics_one_ms(stdout, PREFIX "status_timestamp_seconds",
	    "When this was written.", document_number(root, "time"));
	metrics_one_ms(stdout, PREFIX "start_timestamp_seconds",
	    "When it was started.", document_number(root, "started"));
	metrics_one(stdout, PREFIX "wanted_messages",
	    "The depth or the low watermark of each queue.",
	    document_number(root, "wanted"));
	if (document_has(root, "exit"))
		metrics_one(stdout, PREFIX "exit_code", "What it ended with.",
		    document_number(root, "exit"));
	if (document_has(root, "clock_behind"))
		metrics_one_ms(stdout, PREFIX "clock_behind_seconds",
		    "How far this machine's clock is behind the service's.",
		    document_number(root, "clock_behind"));
	put_source_metrics(json_get(root, "sources"));
	put_queue_metrics(json_get(root, "queues"));
	metrics_end(stdout);
}

static int show_producer(
    struct document *d, const struct conf *conf, struct err *err)
{
	if (conf->json)
		document_print(d, stdout);
	else if (conf->openmetrics)
		print_openmetrics(d->root);
	else
		print_people(d);
	if (fflush(stdout) != 0)
		return err_errno(err, ERR_IO, "cannot write the status");
	return document_check_age(d, conf->max_age, err);
}

int producer_status_print(const struct conf *conf, struct err *err)
{
	static struct document document;
	char path[256];
	int rc;

	(void)snprintf(path, sizeof path, "%s/%s",
	    status_file_directory(PRODUCER_STATUS_DIRECTORY),
	    PRODUCER_STATUS_NAME);
	rc = document_read(&document, path, "the status of the producer", err);
	if (rc == ERR_ABSENT)
		return err_set(err, ERR_EMPTY,
		    "the producer has not run since boot (no %s)", path);
	if (rc == 0)
		rc = show_producer(&document, conf, err);
	document_close(&document);
	return rc;
}
