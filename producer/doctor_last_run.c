/* SPDX-License-Identifier: Apache-2.0 */
/* What the service itself says of its work. */
#include <stdio.h>
#include <string.h>

#include "base/date.h"
#include "base/status_file.h"
#include "producer/doctor.h"
#include "producer/offline/status.h"
#include "json/document.h"

#define NAME     "last run"
#define STATUS   "sqs-entropy-producer --status"
/* A service renews its status once a minute (HEARTBEAT_USUAL_MS). */
#define STALE_MS 180000
#define JOURNAL  "journalctl -b -u sqs-entropy-producer"

static const char *name_reason(const struct json *object)
{
	return document_text(
	    object, document_has(object, "why") ? "why" : "result");
}

static void tell_service_end(struct findings *all, const struct json *root)
{
	char when[DATE_TEXT_MAX];

	date_format_rfc3339(document_number(root, "time"), when);
	if (document_number(root, "exit") == 0)
		findings_ok(all, NAME, "ended on %s as it was told", when);
	else
		findings_warn(all, NAME, JOURNAL, "ended on %s: %s (exit %lld)",
		    when, name_reason(root),
		    (long long)document_number(root, "exit"));
}

/* How many of the queues fail. */
static size_t tell_failing_queues(
    struct findings *all, const struct json *queues)
{
	size_t n = 0;

	for (size_t i = 0; i < json_count(queues); i++) {
		const struct json *q = json_at(queues, i);
		char since[DATE_TEXT_MAX];

		if (!document_has(q, "result") ||
		    strcmp(document_text(q, "result"), "done") == 0)
			continue;
		date_format_rfc3339(document_number(q, "since"), since);
		findings_warn(all, NAME, STATUS, "%s fails since %s: %s",
		    document_text(q, "queue"), since, name_reason(q));
		n++;
	}
	return n;
}

/* A service that was killed could not write its end. */
static bool is_stale_status(const struct document *d)
{
	const int64_t age = document_age(d);

	return age < 0 || age > STALE_MS;
}

static void tell_running(struct findings *all, const struct document *d)
{
	const struct json *root = d->root;
	const struct json *queues = json_get(root, "queues");
	char started[DATE_TEXT_MAX], since[DATE_TEXT_MAX];
	long long sent = 0;

	date_format_rfc3339(document_number(root, "started"), started);
	date_format_rfc3339(document_number(root, "since"), since);
	for (size_t i = 0; i < json_count(queues); i++)
		sent += document_number(json_at(queues, i), "sent");
	if (is_stale_status(d))
		findings_warn(all, NAME, JOURNAL,
		    "running since %s by its own words, which it has not "
		    "renewed for minutes: it was killed, or hangs",
		    started);
	else if (document_has(root, "why"))
		findings_warn(all, NAME, JOURNAL, "no messages since %s: %s",
		    since, document_text(root, "why"));
	else if (tell_failing_queues(all, queues) == 0)
		findings_ok(all, NAME, "since %s: %s, %lld messages sent",
		    started, document_text(root, "state"), sent);
}

void producer_doctor_last_run(struct findings *all)
{
	static struct document document;
	char path[256];
	struct err err = {0};
	int rc;

	(void)snprintf(path, sizeof path, "%s/%s",
	    status_file_directory(PRODUCER_STATUS_DIRECTORY),
	    PRODUCER_STATUS_NAME);
	rc = document_read(&document, path, "the status of the producer", &err);
	if (rc == ERR_ABSENT)
		findings_not_asked(
		    all, NAME, "there was none since the boot (no %s)", path);
	else if (rc != 0)
		findings_warn(all, NAME, JOURNAL, "%s", err.text);
	else if (strcmp(document_text(document.root, "state"), "ended") == 0)
		tell_service_end(all, document.root);
	else
		tell_running(all, &document);
	document_close(&document);
}
