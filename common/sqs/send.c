/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/base64.h"
#include "base/text.h"
#include "crypto/digest.h"
#include "sqs/batch.h"
#include "sqs/md5.h"
#include "sqs/messages.h"

#define ID_BYTES    16 /* of the body's SHA-256 */
#define TYPE_STRING "String"
#define TYPE_BINARY "Binary"

static const struct sqs_op send_message_batch = {
    .name = "SendMessageBatch",
    .permission = "sqs:SendMessage",
    .once = true,
};
/* With our own date in it, which the correction of a clock leaves wrong. */
static const struct sqs_op send_dated_batch = {
    .name = "SendMessageBatch",
    .permission = "sqs:SendMessage",
    .once = true,
    .dated = true,
};

struct sending {
	const struct message *const *messages;
	bool *sent;
	bool fifo;
	size_t altered; /* messages that the queue holds with other bytes */
	char body[MESSAGE_BODY_MAX + 1]; /* of the message at hand */
};

static void put_attribute(struct json_writer *w, const char *name,
    const char *type, const char *key, const char *value)
{
	json_begin_object(w, name);
	json_put_string(w, "DataType", type);
	json_put_string(w, key, value);
	json_end_object(w);
}

static void put_attributes(struct json_writer *w, const struct message *m)
{
	char text[BASE64_LEN(MESSAGE_SIGNATURE_LEN) + 1];

	if (m->entropy_len == 0 && m->signature_len == 0)
		return;
	json_begin_object(w, "MessageAttributes");
	if (m->entropy_len > 0)
		put_attribute(w, MESSAGE_ATTR_ENTROPY, TYPE_STRING,
		    "StringValue", m->entropy);
	if (m->signature_len > 0) {
		base64_encode(text, m->signature, m->signature_len);
		put_attribute(w, MESSAGE_ATTR_SIGNATURE, TYPE_BINARY,
		    "BinaryValue", text);
	}
	json_end_object(w);
}

/*
 * A FIFO queue gives nothing out of a group of which a message is in flight,
 * and entropy has no order: every message is a group of its own.  The body
 * names it, so that the queue finds a second copy wherever it looks for one,
 * in itself or in the group (DeduplicationScope).
 */
static int put_fifo(struct json_writer *w, const char *body)
{
	const struct digest_part part = {body, strlen(body)};
	char id[TEXT_HEX_LEN(ID_BYTES)];
	uint8_t digest[DIGEST_SHA256_LEN];
	int rc = digest_sha256(digest, &part, 1);

	if (rc != 0)
		return rc;
	text_hex(id, digest, ID_BYTES);
	json_put_string(w, "MessageGroupId", id);
	json_put_string(w, "MessageDeduplicationId", id);
	return 0;
}

static int put_message(void *ctx, struct json_writer *w, size_t k)
{
	struct sending *to = ctx;
	const int rc = message_to_body(to->messages[k], to->body);

	if (rc != 0)
		return rc;
	if (to->messages[k]->signature_len > MESSAGE_SIGNATURE_LEN)
		return ERR_LIMIT;
	json_put_string(w, "MessageBody", to->body);
	put_attributes(w, to->messages[k]);
	return to->fifo ? put_fifo(w, to->body) : 0;
}

static bool attributes_match(const struct message *m, const char *hex)
{
	struct sqs_attribute attributes[2];
	size_t n = 0;

	if (m->entropy_len > 0)
		attributes[n++] = (struct sqs_attribute){MESSAGE_ATTR_ENTROPY,
		    TYPE_STRING, m->entropy, m->entropy_len};
	if (m->signature_len > 0)
		attributes[n++] = (struct sqs_attribute){MESSAGE_ATTR_SIGNATURE,
		    TYPE_BINARY, m->signature, m->signature_len};
	return sqs_md5_attributes(attributes, n, hex);
}

static bool body_matches(
    struct sending *to, const struct message *m, const char *hex)
{
	return message_to_body(m, to->body) == 0 &&
	       sqs_md5_body(to->body, strlen(to->body), hex);
}

static int confirm_sent(
    void *ctx, size_t k, const struct json *entry, struct err *err)
{
	struct sending *to = ctx;
	const struct message *m = to->messages[k];

	if (!body_matches(
		to, m, json_string(json_get(entry, "MD5OfMessageBody"))) ||
	    !attributes_match(
		m, json_string(json_get(entry, "MD5OfMessageAttributes")))) {
		to->altered++;
		return err_set(err, ERR_FORMAT,
		    "%s: the queue holds other bytes than were sent (MD5 "
		    "differs); this message does not count as sent",
		    send_message_batch.name);
	}
	to->sent[k] = true;
	return 0;
}

static bool is_fifo(const char *queue_url)
{
	size_t len = strlen(queue_url);

	return len > 5 && strcmp(queue_url + len - 5, ".fifo") == 0;
}

/* Nobody may take "failed" for "not sent". */
static void tell_unsure(size_t unsure, size_t n, struct err *err)
{
	const struct err why = *err;

	if (unsure > 0)
		(void)err_set(err, why.code,
		    "%s; the outcome is unknown for %zu of %zu messages, "
		    "which are not sent again",
		    why.text, unsure, n);
}

int sqs_send(struct sqs *s, const char *queue_url,
    const struct message *const messages[], size_t n, bool sent[],
    size_t *unsure, int64_t deadline, struct err *err)
{
	struct sending to = {
	    .messages = messages, .sent = sent, .fifo = is_fifo(queue_url)};
	struct sqs_batch b = {.op = &send_message_batch,
	    .put = put_message,
	    .confirm = confirm_sent,
	    .ctx = &to};
	int rc;

	*unsure = 0;
	if (n < 1 || n > LIMIT_BATCH)
		return err_set(err, ERR_LIMIT,
		    "a batch has 1 to %d messages, not %zu", LIMIT_BATCH, n);
	for (size_t k = 0; k < n; k++) {
		sent[k] = false;
		b.pending[k] = true;
		if (messages[k]->entropy_len > 0)
			b.op = &send_dated_batch;
	}
	rc = sqs_batch_run(s, &b, queue_url, deadline, err);
	explicit_bzero(to.body, sizeof to.body);
	*unsure = b.unsure + to.altered;
	tell_unsure(b.unsure, n, err);
	if (rc != 0)
		return rc;
	for (size_t k = 0; k < n; k++)
		if (sent[k])
			return 0;
	return err->code;
}
