/* SPDX-License-Identifier: Apache-2.0 */
#include "sqs/batch.h"

#include <stdio.h>
#include <string.h>

#include "sqs/error.h"
#include "sqs/explain.h"

/* The service's answers to the entries of one call. */
struct round {
	const char *queue_url;
	bool open[LIMIT_BATCH];  /* not mentioned so far */
	bool again[LIMIT_BATCH]; /* refused, and not for good */
	struct err passing;      /* the last of the latter */
	struct err lasting;      /* the last failure for good, of all calls */
};

static int put_entries(
    struct sqs_batch *b, const char *queue_url, struct json_writer *w)
{
	char id[8];
	int rc = 0;

	json_begin_object(w, NULL);
	json_put_string(w, "QueueUrl", queue_url);
	json_begin_array(w, "Entries");
	for (size_t k = 0; k < LIMIT_BATCH && rc == 0; k++) {
		if (!b->pending[k])
			continue;
		(void)snprintf(id, sizeof id, "%zu", k);
		json_begin_object(w, NULL);
		json_put_string(w, "Id", id);
		rc = b->put(b->ctx, w, k);
		json_end_object(w);
	}
	json_end_array(w);
	json_end_object(w);
	return rc;
}

/* Take the entry as the answer for the index in *k; false when none waits for
 * one.  What is to be repeated, and is mentioned again, may have been done. */
static bool take_entry(
    struct sqs_batch *b, struct round *r, const struct json *entry, size_t *k)
{
	const char *id = json_string(json_get(entry, "Id"));
	bool waits;

	if (id == NULL || id[0] < '0' || id[0] > '9' || id[1] != '\0')
		return false;
	*k = (size_t)(id[0] - '0');
	if (r->again[*k] && b->op->once) {
		r->again[*k] = false;
		b->unsure++;
		(void)err_set(&r->lasting, ERR_FORMAT,
		    "%s: the answer mentions entry %zu twice", b->op->name, *k);
	}
	waits = r->open[*k];
	r->open[*k] = false;
	return waits;
}

/* Whether the entry may go into another call. */
static bool is_repeatable(const struct sqs_op *op, const struct sqs_error *e)
{
	return e->remedy == SQS_REMEDY_RETRY ||
	       (e->remedy == SQS_REMEDY_RETRY_UNSURE && !op->once);
}

static void read_failed_entries(struct sqs *s, struct sqs_batch *b,
    struct round *r, const struct json *failed)
{
	const struct json *entry;
	struct sqs_error e;
	struct err why;
	size_t k;

	for (size_t i = 0; i < json_count(failed); i++) {
		entry = json_at(failed, i);
		if (!take_entry(b, r, entry, &k))
			continue;
		sqs_error_entry(&e, json_string(json_get(entry, "Code")),
		    json_string(json_get(entry, "Message")),
		    json_is_true(json_get(entry, "SenderFault")));
		r->again[k] = is_repeatable(b->op, &e);
		b->unsure += !r->again[k] && !e.refused ? 1 : 0;
		(void)sqs_explain(s, b->op, r->queue_url, &e, &why);
		if (!r->again[k])
			r->lasting = why;
		else if (r->passing.code != ERR_THROTTLED)
			r->passing = why; /* one throttled slows down all */
	}
}

static void read_successful(
    struct sqs_batch *b, struct round *r, const struct json *successful)
{
	const struct json *entry;
	struct err why = {0};
	size_t k;

	for (size_t i = 0; i < json_count(successful); i++) {
		entry = json_at(successful, i);
		if (!take_entry(b, r, entry, &k))
			continue;
		if (b->confirm(b->ctx, k, entry, &why) != 0)
			r->lasting = why;
	}
}

static void read_unmentioned(struct sqs_batch *b, struct round *r)
{
	for (size_t k = 0; k < LIMIT_BATCH; k++) {
		if (!r->open[k])
			continue;
		b->unsure++;
		(void)err_set(&r->lasting, ERR_FORMAT,
		    "%s: the answer does not mention entry %zu, whose "
		    "outcome is unknown",
		    b->op->name, k);
	}
}

static size_t count_flags(const bool flags[static LIMIT_BATCH])
{
	size_t n = 0;

	for (size_t k = 0; k < LIMIT_BATCH; k++)
		n += flags[k] ? 1 : 0;
	return n;
}

static int call(struct sqs *s, struct sqs_batch *b, struct round *r,
    int64_t deadline, struct err *err)
{
	struct json_writer *w = json_writer_new();
	struct json *answer;
	int rc;

	memcpy(r->open, b->pending, sizeof r->open);
	memset(r->again, 0, sizeof r->again);
	r->passing.code = 0;
	rc = put_entries(b, r->queue_url, w);
	if (rc != 0) {
		json_writer_free(w);
		return err_set(err, rc, "%s: the request cannot be made: %s",
		    b->op->name, err_text(rc));
	}
	rc = sqs_call(s, b->op, r->queue_url, w, deadline, &answer, err);
	if (rc != 0) {
		b->unsure += s->unsure ? count_flags(b->pending) : 0;
		return rc;
	}
	read_failed_entries(s, b, r, json_get(answer, "Failed"));
	read_successful(b, r, json_get(answer, "Successful"));
	read_unmentioned(b, r);
	json_free(answer);
	return 0;
}

int sqs_batch_run(struct sqs *s, struct sqs_batch *b, const char *queue_url,
    int64_t deadline, struct err *err)
{
	struct round r = {.queue_url = queue_url};
	int rc = 0, attempt;

	b->unsure = 0;
	for (attempt = 1; count_flags(b->pending) > 0; attempt++) {
		rc = call(s, b, &r, deadline, err);
		memset(b->pending, 0, sizeof b->pending);
		if (rc != 0 || count_flags(r.again) == 0 ||
		    !sqs_may_try_again(s, attempt, r.passing.code))
			break;
		if (sqs_backoff(s, attempt, r.passing.code, deadline) != 0)
			break;
		memcpy(b->pending, r.again, sizeof b->pending);
	}
	memset(b->pending, 0, sizeof b->pending);
	if (rc != 0)
		return attempt > 1 ? 0 : rc;
	*err = r.passing.code != 0 ? r.passing : r.lasting;
	return 0;
}
