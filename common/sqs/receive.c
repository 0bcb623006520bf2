/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "sqs/call.h"
#include "sqs/md5.h"
#include "sqs/messages.h"

static const struct sqs_op receive_message = {
    .name = "ReceiveMessage", .permission = "sqs:ReceiveMessage"};

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
		space[n] = buf_new(SQS_ANSWER_MAX);
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

static bool read_receipt(struct sqs_receipt *r, const struct json *from)
{
	*r =
	    (struct sqs_receipt){.id = json_string(json_get(from, "MessageId")),
		.handle = json_string(json_get(from, "ReceiptHandle"))};
	return r->id != NULL && r->handle != NULL;
}

static bool read_message(
    struct message *m, struct sqs_receipt *r, const struct json *from)
{
	const struct json *system = json_get(from, "Attributes");
	const struct json *own = json_get(from, "MessageAttributes");
	const char *body = json_string(json_get(from, "Body"));
	size_t len;

	if (!read_receipt(r, from) || body == NULL)
		return false;
	len = strlen(body);
	*m = (struct message){
	    .sent = number_or_0(json_get(system, "SentTimestamp")),
	    .receive_count =
		count_or_0(json_get(system, "ApproximateReceiveCount"))};
	read_attributes(m, own);
	r->body = message_from_body(m, body, len);
	r->intact =
	    sqs_md5_body(body, len, json_string(json_get(from, "MD5OfBody"))) &&
	    attributes_intact(
		own, json_string(json_get(from, "MD5OfMessageAttributes")));
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
		out->receipts[k].handle = last->handle;
		if (count > out->at[k].receive_count)
			out->at[k].receive_count = count;
		return true;
	}
	return false;
}

/* Entries that are malformed are passed over.  If all are, the answer is none
 * of SQS, and the queue must not be taken for an empty one. */
static int read_messages(struct sqs_messages *out, const struct json *list,
    size_t max, struct err *err)
{
	for (size_t i = 0; i < json_count(list) && out->n < max; i++)
		if (read_message(&out->at[out->n], &out->receipts[out->n],
			json_at(list, i)) &&
		    !is_again(out))
			out->n++;
	if (list == NULL ||
	    (json_is_array(list) && (out->n > 0 || json_count(list) == 0)))
		return 0;
	return err_set(err, ERR_FORMAT,
	    "%s: the answer's Messages are malformed; is the endpoint an SQS?",
	    receive_message.name);
}

static int take_answer(
    struct sqs_messages *out, struct json *answer, size_t max, struct err *err)
{
	out->answer = answer;
	out->at = calloc(max, sizeof *out->at);
	if (out->at == NULL)
		return err_set(err, ERR_NOMEM, "out of memory");
	out->room = max;
	return read_messages(out, json_get(answer, "Messages"), max, err);
}

int sqs_receive(struct sqs *s, const char *queue_url, int max, int wait_s,
    struct sqs_messages *out, int64_t deadline, struct err *err)
{
	struct json_writer *w;
	struct json *answer;
	int rc;

	memset(out, 0, sizeof *out);
	if (max < 1 || max > LIMIT_BATCH || wait_s < 0 || wait_s > 20)
		return err_set(err, ERR_LIMIT,
		    "a receive takes 1 to %d messages and waits 0 to 20 s",
		    LIMIT_BATCH);
	w = json_writer_new();
	put_receive_request(w, queue_url, max, wait_s);
	rc =
	    sqs_call(s, &receive_message, queue_url, w, deadline, &answer, err);
	if (rc == 0)
		rc = take_answer(out, answer, (size_t)max, err);
	if (rc != 0)
		sqs_messages_free(out);
	return rc;
}

void sqs_messages_free(struct sqs_messages *m)
{
	json_free(m->answer);
	if (m->at != NULL)
		explicit_bzero(m->at, m->room * sizeof *m->at);
	free(m->at);
	explicit_bzero(m, sizeof *m);
}
