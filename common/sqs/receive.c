/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "sqs/call.h"
#include "sqs/md5.h"
#include "sqs/messages.h"

#define RECEIVE_MESSAGE "ReceiveMessage"

/* One answer while it comes. */
struct receiving {
	struct sqs_messages *out;
	size_t listed; /* elements so far, whether they are messages or not */
};

static void put_receive_request(
    struct json_writer *w, const char *queue_url, int max, int wait_s)
{
	json_begin_object(w, NULL);
	json_put_string(w, "QueueUrl", queue_url);
	json_put_integer(w, "MaxNumberOfMessages", max);
	json_put_integer(w, "WaitTimeSeconds", wait_s);
	json_begin_array(w, "MessageSystemAttributeNames");
	json_put_string(w, NULL, "SentTimestamp");
	json_put_string(w, NULL, "ApproximateReceiveCount");
	json_end_array(w);
	json_begin_array(w, "MessageAttributeNames");
	json_put_string(w, NULL, "All");
	json_end_array(w);
	json_end_object(w);
}

static bool is_binary(const struct json *attribute)
{
	const char *type = json_string(json_get(attribute, "DataType"));

	return type != NULL && strncmp(type, "Binary", 6) == 0;
}

static const char *value_of(const struct json *attribute)
{
	return json_string(json_get(
	    attribute, is_binary(attribute) ? "BinaryValue" : "StringValue"));
}

/* One attribute as it is digested; a binary one is decoded into space.
 * False when something is missing. */
static bool read_attribute(const struct json *from, const char *name,
    struct buf *space, struct sqs_attribute *out)
{
	const char *text = value_of(from);
	uint8_t *bytes;

	out->name = name;
	out->type = json_string(json_get(from, "DataType"));
	if (out->type == NULL || text == NULL)
		return false;
	out->value = text;
	out->len = strlen(text);
	if (!is_binary(from))
		return true;
	if (buf_extend(space, out->len, &bytes) != 0)
		return false;
	out->value = bytes;
	return base64_decode(bytes, out->len, &out->len, text, out->len) == 0;
}

static bool attributes_intact(const struct json *attributes, const char *hex)
{
	struct sqs_attribute list[SQS_MD5_ATTRIBUTES_MAX];
	struct buf *space[SQS_MD5_ATTRIBUTES_MAX] = {NULL};
	const struct json *from;
	bool intact = true;
	const char *name;
	size_t n = 0;

	while ((from = json_member(attributes, n, &name)) != NULL && intact) {
		intact = n < SQS_MD5_ATTRIBUTES_MAX;
		if (!intact)
			break;
		/* A buffer each, because one that grows moves. */
		space[n] = buf_new(JSON_STRING_MAX);
		intact = space[n] != NULL &&
			 read_attribute(from, name, space[n], &list[n]);
		n++;
	}
	intact = intact && sqs_md5_attributes(list, n, hex);
	for (size_t i = 0; i < SQS_MD5_ATTRIBUTES_MAX; i++)
		buf_free(space[i]);
	return intact;
}

static void read_signature(struct message *m, const struct json *attribute)
{
	const char *text = is_binary(attribute) ? value_of(attribute) : NULL;
	size_t len;

	if (text != NULL &&
	    base64_decode(m->signature, sizeof m->signature, &len, text,
		strlen(text)) == 0 &&
	    len == sizeof m->signature)
		m->signature_len = MESSAGE_SIGNATURE_LEN;
}

static int64_t number_or_0(const struct json *value)
{
	int64_t n;

	return json_integer(value, &n) == 0 && n > 0 ? n : 0;
}

static uint32_t count_or_0(const struct json *value)
{
	const int64_t n = number_or_0(value);

	return n > UINT32_MAX ? UINT32_MAX : (uint32_t)n;
}

static void read_attributes(struct message *m, const struct json *own)
{
	const struct json *entropy = json_get(own, MESSAGE_ATTR_ENTROPY);
	const char *claim = is_binary(entropy) ? NULL : value_of(entropy);

	if (claim != NULL)
		message_set_claim(m, claim);
	read_signature(m, json_get(own, MESSAGE_ATTR_SIGNATURE));
}

/* False for what cannot be sent back as it came. */
static bool copy_whole(char *out, size_t size, const struct json *from)
{
	const char *text = json_string(from);

	if (text == NULL || strlen(text) >= size || json_changed(from))
		return false;
	memcpy(out, text, strlen(text) + 1);
	return true;
}

static bool read_receipt(struct sqs_receipt *r, const struct json *from)
{
	*r = (struct sqs_receipt){0};
	return copy_whole(r->id, sizeof r->id, json_get(from, "MessageId")) &&
	       copy_whole(r->handle, sizeof r->handle,
		   json_get(from, "ReceiptHandle"));
}

/* What was cut on reading is too large to be one of our messages, even when
 * the rest of it looks like one. */
static int read_body(struct message *m, const struct json *from)
{
	const struct json *body = json_get(from, "Body");
	const char *text = json_string(body);
	int rc = message_from_body(m, text, strlen(text));

	if (rc != 0 || !json_changed(from))
		return rc;
	explicit_bzero(m->payload, m->payload_len);
	m->payload_len = 0;
	return json_changed(body) ? ERR_LIMIT : ERR_UNUSABLE;
}

/* The digests of a message that was cut cannot be computed.  It counts as
 * intact, because it is to be deleted whatever the rest of it is. */
static bool is_intact(const struct json *from)
{
	const char *body = json_string(json_get(from, "Body"));

	return json_changed(from) ||
	       (sqs_md5_body(body, strlen(body),
		    json_string(json_get(from, "MD5OfBody"))) &&
		   attributes_intact(json_get(from, "MessageAttributes"),
		       json_string(json_get(from, "MD5OfMessageAttributes"))));
}

static bool read_message(
    struct message *m, struct sqs_receipt *r, const struct json *from)
{
	const struct json *system = json_get(from, "Attributes");

	if (!read_receipt(r, from) ||
	    json_string(json_get(from, "Body")) == NULL)
		return false;
	*m = (struct message){
	    .sent = number_or_0(json_get(system, "SentTimestamp")),
	    .receive_count =
		count_or_0(json_get(system, "ApproximateReceiveCount"))};
	r->body = read_body(m, from);
	r->intact = is_intact(from);
	read_attributes(m, json_get(from, "MessageAttributes"));
	return true;
}

/* A standard queue may deliver a message twice, even in one answer: it is one
 * message then, with the receipt handle that came last. */
static bool is_again(struct sqs_messages *out)
{
	const struct sqs_receipt *last = &out->receipts[out->n];
	const uint32_t count = out->at[out->n].receive_count;

	for (size_t k = 0; k < out->n; k++) {
		if (strcmp(out->receipts[k].id, last->id) != 0)
			continue;
		memcpy(
		    out->receipts[k].handle, last->handle, sizeof last->handle);
		if (count > out->at[k].receive_count)
			out->at[k].receive_count = count;
		return true;
	}
	return false;
}

static void begin_messages(void *ctx)
{
	struct receiving *r = ctx;

	r->out->n = 0;
	r->listed = 0;
}

/* Entries that are malformed, or too many, are passed over. */
static int take_received(void *ctx, const struct json *element)
{
	struct receiving *r = ctx;
	struct sqs_messages *out = r->out;

	r->listed++;
	if (out->n < out->room &&
	    read_message(&out->at[out->n], &out->receipts[out->n], element) &&
	    !is_again(out))
		out->n++;
	return 0;
}

/* If all entries were passed over, the answer is none of SQS, and the queue
 * must not be taken for an empty one. */
static int judge_answer(
    const struct receiving *r, const struct json *answer, struct err *err)
{
	const struct json *list = json_get(answer, "Messages");

	if (list == NULL ||
	    (json_is_array(list) && (r->out->n > 0 || r->listed == 0)))
		return 0;
	return err_set(err, ERR_FORMAT,
	    RECEIVE_MESSAGE ": the answer's Messages are malformed; is the "
			    "endpoint one of SQS?");
}

static int call_service(struct sqs *s, const char *queue_url, int wait_s,
    struct sqs_messages *out, int64_t deadline, struct err *err)
{
	struct receiving r = {.out = out};
	const struct json_each each = {"Messages", take_received, &r};
	const struct sqs_op op = {.name = RECEIVE_MESSAGE,
	    .permission = "sqs:ReceiveMessage",
	    .each = &each,
	    .begin = begin_messages,
	    .waits = wait_s > SQS_LOOK_S};
	struct json_writer *w = json_writer_new();
	struct json *answer;
	int rc;

	put_receive_request(w, queue_url, (int)out->room, wait_s);
	rc = sqs_call(s, &op, queue_url, w, deadline, &answer, err);
	if (rc == 0)
		rc = judge_answer(&r, answer, err);
	json_free(answer);
	return rc;
}

int sqs_receive(struct sqs *s, const char *queue_url, int max, int wait_s,
    struct sqs_messages *out, int64_t deadline, struct err *err)
{
	int rc;

	out->at = NULL;
	out->n = out->room = 0;
	if (max < 1 || max > LIMIT_BATCH || wait_s < 0 ||
	    wait_s > SQS_WAIT_MAX_S)
		return err_set(err, ERR_LIMIT,
		    "a receive takes 1 to %d messages and waits 0 to %d s",
		    LIMIT_BATCH, SQS_WAIT_MAX_S);
	out->at = calloc((size_t)max, sizeof *out->at);
	if (out->at == NULL)
		return err_set(err, ERR_NOMEM, "out of memory");
	out->room = (size_t)max;
	rc = call_service(s, queue_url, wait_s, out, deadline, err);
	if (rc != 0)
		sqs_messages_free(out);
	return rc;
}

void sqs_messages_free(struct sqs_messages *m)
{
	if (m->at != NULL) {
		explicit_bzero(m->at, m->room * sizeof *m->at);
		explicit_bzero(m->receipts, m->room * sizeof *m->receipts);
	}
	free(m->at);
	m->at = NULL;
	m->n = m->room = 0;
}
