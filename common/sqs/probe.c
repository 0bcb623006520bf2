/* SPDX-License-Identifier: Apache-2.0 */
#include "sqs/probe.h"

#include <string.h>
#include <strings.h>

#include "sqs/call.h"

static const struct sqs_op probes[] = {
    [SQS_PROBE_RECEIVE] = {.name = "ReceiveMessage",
	.permission = "sqs:ReceiveMessage"},
    [SQS_PROBE_DELETE] = {.name = "DeleteMessage",
	.permission = "sqs:DeleteMessage"},
    [SQS_PROBE_SEND] = {.name = "SendMessageBatch",
	.permission = "sqs:SendMessage"},
};

const char *sqs_probe_permission(enum sqs_probe what)
{
	return probes[what].permission;
}

/* Where a stand-in for SQS gives a message all the same, others can have it at
 * once. */
static void put_nothing(struct json_writer *w, enum sqs_probe what)
{
	if (what == SQS_PROBE_RECEIVE) {
		json_put_integer(w, "MaxNumberOfMessages", 0);
		json_put_integer(w, "VisibilityTimeout", 0);
		json_put_integer(w, "WaitTimeSeconds", 0);
	} else if (what == SQS_PROBE_DELETE) {
		json_put_string(w, "ReceiptHandle", "none");
	} else {
		json_begin_array(w, "Entries");
		json_end_array(w);
	}
}

/* "AccessDenied", "AccessDeniedException", and what proxies and other services
 * say without a name. */
static bool is_of_policy(const struct sqs_error *e)
{
	return e->name[0] == '\0' ||
	       strncmp(e->name, "AccessDenied", 12) == 0 ||
	       strcmp(e->name, "AuthorizationError") == 0 ||
	       strcmp(e->name, "NotAuthorized") == 0;
}

enum sqs_fault sqs_fault_of(const struct sqs *s, int rc)
{
	const struct sqs_error *e = &s->last;

	if (rc == ERR_NOCRED)
		return SQS_FAULT_CREDENTIALS;
	if (rc == ERR_NOQUEUE)
		return SQS_FAULT_QUEUE;
	if (e->status == 0 || (rc != ERR_DENIED && rc != ERR_CONFIG))
		return SQS_FAULT_OTHER;
	if (strncasecmp(e->name, "Kms", 3) == 0)
		return SQS_FAULT_KEY;
	if (rc == ERR_CONFIG)
		return SQS_FAULT_REGION;
	if (e->remedy == SQS_REMEDY_CLOCK)
		return SQS_FAULT_CLOCK;
	return is_of_policy(e) ? SQS_FAULT_PERMISSION : SQS_FAULT_CREDENTIALS;
}

/* A refusal of what was asked for, by somebody who had read it. */
static bool is_of_request(const struct sqs_error *e, int rc)
{
	return rc == ERR_SERVICE && e->status / 100 == 4 &&
	       e->name[0] != '\0' && e->remedy == SQS_REMEDY_NONE;
}

int sqs_probe(struct sqs *s, enum sqs_probe what, const char *queue_url,
    int64_t deadline, enum sqs_fault *fault, struct err *err)
{
	struct json_writer *w = json_writer_new();
	struct json *answer;
	int rc;

	json_begin_object(w, NULL);
	json_put_string(w, "QueueUrl", queue_url);
	put_nothing(w, what);
	json_end_object(w);
	s->last = (struct sqs_error){.status = 0};
	rc = sqs_call(s, &probes[what], queue_url, w, deadline, &answer, err);
	json_free(answer);
	*fault = sqs_fault_of(s, rc);
	if (rc == 0 || !is_of_request(&s->last, rc))
		return rc;
	*err = (struct err){.code = 0};
	return 0;
}
