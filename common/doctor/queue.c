/* SPDX-License-Identifier: Apache-2.0 */
/* What the credentials may do with a queue, and what the queue is. */
#include "doctor/network.h"

#include <stdio.h>

#include "base/clock.h"
#include "sqs/probe.h"
#include "sqs/queue.h"

#define DAY_S       86400
#define CLAIM_BYTES 400                 /* at most, of a message's attributes */
#define TEXT_LEN(n) (((n) + 2) / 3 * 4) /* of n bytes in base64 */
#define SET         "aws sqs set-queue-attributes --queue-url %s --attributes "

/* What is looked at. */
struct look {
	struct findings *all;
	const struct session_queue *q;
	const struct doctor_wants *wants;
	int64_t deadline;
	struct sqs_attributes is;
};

void doctor_refused(struct findings *all, const struct session_queue *q,
    const char *permission, int rc, const struct err *err)
{
	static const char *const names[] = {[SQS_FAULT_KEY] = "queue key",
	    [SQS_FAULT_CREDENTIALS] = "credentials",
	    [SQS_FAULT_CLOCK] = "clock skew",
	    [SQS_FAULT_REGION] = "region",
	    [SQS_FAULT_QUEUE] = "queue",
	    [SQS_FAULT_OTHER] = "service"};
	const enum sqs_fault fault =
	    q->sqs != NULL ? sqs_fault_of(q->sqs, rc) : SQS_FAULT_QUEUE;
	char name[FINDING_NAME_MAX];

	(void)snprintf(name, sizeof name, "permission %s", permission);
	findings_err(
	    all, fault == SQS_FAULT_PERMISSION ? name : names[fault], err);
}

/* ---- permissions */

/* False when what is wrong concerns every call. */
static bool ask_permission(const struct look *l, enum sqs_probe what)
{
	const char *permission = sqs_probe_permission(what);
	char name[FINDING_NAME_MAX];
	enum sqs_fault fault;
	struct err err = {0};
	const int rc =
	    sqs_probe(l->q->sqs, what, l->q->url, l->deadline, &fault, &err);

	(void)snprintf(name, sizeof name, "permission %s", permission);
	if (rc == 0)
		findings_ok(l->all, name, "granted on %s", l->q->url);
	else
		doctor_refused(l->all, l->q, permission, rc, &err);
	return rc == 0 || fault == SQS_FAULT_PERMISSION ||
	       fault == SQS_FAULT_KEY;
}

/* ---- attributes */

static void look_at_encryption(const struct look *l)
{
	char remedy[FINDING_REMEDY_MAX];

	(void)snprintf(
	    remedy, sizeof remedy, SET "SqsManagedSseEnabled=true", l->q->url);
	if (l->is.kms_key[0] != '\0')
		findings_not_asked(l->all, "queue key",
		    "the queue is encrypted with KMS's key %s: whether the "
		    "credentials may use it shows only with a message",
		    l->is.kms_key);
	else if (l->is.encrypted == 0)
		findings_warn(l->all, "queue encryption", remedy,
		    "the queue's messages are stored in the clear");
}

/* Credit is for the first receipt alone. */
static void look_at_visibility(const struct look *l)
{
	char remedy[FINDING_REMEDY_MAX];

	if (l->wants->sends || l->is.visibility_s < 0 ||
	    l->is.visibility_s >= l->wants->run_s)
		return;
	(void)snprintf(
	    remedy, sizeof remedy, SET "VisibilityTimeout=30", l->q->url);
	findings_warn(l->all, "queue visibility", remedy,
	    "the visibility time-out of %lld s is shorter than a run of %ld "
	    "s: a message may come back before it is deleted",
	    (long long)l->is.visibility_s, l->wants->run_s);
}

static void look_at_redrive(const struct look *l)
{
	char remedy[FINDING_REMEDY_MAX];

	if (l->is.redrive[0] == '\0')
		return;
	(void)snprintf(
	    remedy, sizeof remedy, SET "'{\"RedrivePolicy\":\"\"}'", l->q->url);
	findings_warn(l->all, "queue redrive", remedy,
	    "messages that are received and not deleted move to a queue that "
	    "nobody takes them from: %s",
	    l->is.redrive);
}

static void look_at_size(const struct look *l)
{
	const long long needed = TEXT_LEN(l->wants->bytes) + CLAIM_BYTES;
	char remedy[FINDING_REMEDY_MAX];

	if (!l->wants->sends || l->is.bytes_max < 0 ||
	    l->is.bytes_max >= needed)
		return;
	(void)snprintf(
	    remedy, sizeof remedy, SET "MaximumMessageSize=262144", l->q->url);
	findings_fail(l->all, ERR_CONFIG, "queue message size", remedy,
	    "a message takes up to %lld bytes, and the queue takes no more "
	    "than %lld",
	    needed, (long long)l->is.bytes_max);
}

static void look_at_depth(const struct look *l)
{
	if (!l->wants->sends && l->is.depth.visible == 0)
		findings_warn(l->all, "queue depth",
		    "sqs-entropy-producer --status, on the machine that fills "
		    "it",
		    "the queue is empty");
}

static const char *name_encryption(const struct sqs_attributes *is)
{
	if (is->kms_key[0] != '\0')
		return "encrypted by KMS";
	if (is->encrypted < 0)
		return "encryption not told";
	return is->encrypted > 0 ? "encrypted by SQS" : "not encrypted";
}

static void tell_attributes(const struct look *l)
{
	findings_ok(l->all, "queue",
	    "%s: %s, %s, visibility time-out %lld s, messages kept for %lld "
	    "days, %lld there, %lld in flight",
	    l->q->url, l->is.fifo ? "FIFO" : "standard",
	    name_encryption(&l->is), (long long)l->is.visibility_s,
	    (long long)(l->is.retention_s / DAY_S),
	    (long long)l->is.depth.visible, (long long)l->is.depth.in_flight);
	look_at_encryption(l);
	look_at_visibility(l);
	look_at_redrive(l);
	look_at_size(l);
	look_at_depth(l);
}

/* A producer needs them for its work, an agent does without. */
static void look_at_attributes(struct look *l)
{
	static const char permission[] = "sqs:GetQueueAttributes";
	struct err err = {0};
	const int rc = sqs_queue_attributes(
	    l->q->sqs, l->q->url, &l->is, l->deadline, &err);
	const bool denied =
	    rc != 0 && sqs_fault_of(l->q->sqs, rc) == SQS_FAULT_PERMISSION;

	if (rc == 0 && l->wants->sends)
		findings_ok(l->all, "permission sqs:GetQueueAttributes",
		    "granted on %s", l->q->url);
	if (rc == 0)
		tell_attributes(l);
	else if (denied && !l->wants->sends)
		findings_not_asked(l->all, "queue",
		    "%s: these credentials may not ask for its attributes, "
		    "and need not",
		    l->q->url);
	else
		doctor_refused(l->all, l->q, permission, rc, &err);
}

void doctor_queue(struct findings *all, const struct session_queue *q,
    const struct doctor_wants *wants, int64_t deadline)
{
	struct look l = {
	    .all = all, .q = q, .wants = wants, .deadline = deadline};
	bool sound;

	if (wants->sends)
		sound = ask_permission(&l, SQS_PROBE_SEND);
	else
		sound = ask_permission(&l, SQS_PROBE_RECEIVE) &&
			ask_permission(&l, SQS_PROBE_DELETE);
	if (sound)
		look_at_attributes(&l);
}
