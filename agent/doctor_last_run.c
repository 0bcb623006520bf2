/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/doctor.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "agent/offline/last_seed.h"
#include "agent/offline/status.h"
#include "base/clock.h"
#include "base/date.h"
#include "json/document.h"

#define NAME        "last run"
#define REASONS_MAX 512 /* bytes of why credit was withheld */

/* Those of all messages, each once. */
static void list_reasons(const struct json *root, char out[static REASONS_MAX])
{
	const struct json *messages = json_get(root, "messages");
	size_t len = 0;

	out[0] = '\0';
	for (size_t i = 0; i < json_count(messages); i++) {
		const struct json *all =
		    json_get(json_at(messages, i), "withheld");

		for (size_t k = 0; k < json_count(all); k++) {
			const char *reason = json_string(json_at(all, k));

			if (reason == NULL || strstr(out, reason) != NULL)
				continue;
			(void)snprintf(out + len, REASONS_MAX - len, "%s%s",
			    len > 0 ? ", " : "", reason);
			len = strlen(out);
		}
	}
}

/* Other reasons than the signer's key have their row in docs/failures.md. */
static const char *advise_on(const char *reasons)
{
	if (strstr(reasons, "producer not trusted") != NULL)
		return "put the line that --genkey printed on the producer "
		       "into a file NAME.pub of trusted-producers";
	return "look for the reason in docs/failures.md, \"No credit\"";
}

static void judge_last_run(struct findings *all, const struct json *root)
{
	const long long code = (long long)document_number(root, "exit");
	const long long credit = (long long)document_number(root, "credit");
	char reasons[REASONS_MAX], when[DATE_TEXT_MAX];

	date_format_rfc3339(document_number(root, "time"), when);
	list_reasons(root, reasons);
	if (code != 0)
		findings_warn(all, NAME,
		    "journalctl -b -t sqs-entropy-agent -u sqs-entropy-agent",
		    "on %s: %s (exit %lld)", when,
		    document_text(root, "result"), code);
	else if (credit == 0 && reasons[0] != '\0')
		findings_warn(all, NAME, advise_on(reasons),
		    "on %s: %lld bytes without credit: %s", when,
		    (long long)document_number(root, "bytes"), reasons);
	else
		findings_ok(all, NAME, "on %s: %lld bytes, credit %lld bits",
		    when, (long long)document_number(root, "bytes"), credit);
}

/* What is in the kernel of ours, which may be of an earlier run than the last
 * one. */
static void tell_seeds(struct findings *all)
{
	const int64_t now = clock_read(CLOCK_BOOTTIME);
	struct last_seed last;
	int64_t any, credited;

	last_seed_read(&last);
	any = last_seed_age(&last, false, now);
	credited = last_seed_age(&last, true, now);
	if (any < 0)
		findings_not_asked(all, "kernel seed",
		    "no run has seeded the kernel with success since the boot");
	else if (credited < 0)
		findings_ok(all, "kernel seed",
		    "a run put bytes into the kernel %lld s ago, without "
		    "credit",
		    (long long)any / 1000);
	else
		findings_ok(all, "kernel seed",
		    "a run put bytes into the kernel %lld s ago, with credit "
		    "%lld s ago",
		    (long long)any / 1000, (long long)credited / 1000);
}

void agent_doctor_last_run(struct findings *all)
{
	static struct document document;
	char path[256];
	struct err err = {0};
	int rc;

	(void)snprintf(
	    path, sizeof path, "%s/%s", status_directory(), STATUS_NAME);
	rc = document_read(&document, path, "the status of the last run", &err);
	if (rc == 0)
		judge_last_run(all, document.root);
	else if (rc == ERR_ABSENT)
		findings_not_asked(
		    all, NAME, "there was none since the boot (no %s)", path);
	else
		findings_warn(all, NAME, "run the agent again", "%s", err.text);
	document_close(&document);
	tell_seeds(all);
}
