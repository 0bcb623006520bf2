/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/base64.h"
#include "base/text.h"
#include "crypto/digest.h"
#include "sqs/batch.h"
#include "sqs/md5.h"
#include "sqs/messages.h"

#define GROUP_ID    "sqs-entropy"
#define DEDUP_BYTES 16 /* of the body's SHA-256 */
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
	const struct sqs_outgoing *messages;
	bool *sent;
	bool fifo;
};

static void put_attribute(struct json_writer *w, const char *name,
    const char *type, const char *key, const char *value)
{
	json_key(w, name);
	json_begin_object(w);
	json_key(w, "DataType");
	json_put_string(w, type);
	json_key(w, key);
	json_put_string(w, value);
	json_end_object(w);
}

static void put_attributes(struct json_writer *w, const struct sqs_outgoing *m)
{
	char text[BASE64_LEN(MESSAGE_SIGNATURE_LEN) + 1];

	if (m->entropy == NULL && m->signature == NULL)
		return;
	json_key(w, "MessageAttributes");
	json_begin_object(w);
	if (m->entropy != NULL)
		put_attribute(w, MESSAGE_ATTR_ENTROPY, TYPE_STRING,
		    "StringValue", m->entropy);
	if (m->signature != NULL) {
		base64_encode(text, m->signature, m->signature_len);
		put_attribute(w, MESSAGE_ATTR_SIGNATURE, TYPE_BINARY,
		    "BinaryValue", text);
	}
	json_end_object(w);
}

/* One group: a FIFO queue hands out messages of a group in order. */
static int put_fifo(struct json_writer *w, const char *body)
{
	const struct digest_part part = {body, strlen(body)};
	char id[TEXT_HEX_LEN(DEDUP_BYTES)];
	uint8_t digest[DIGEST_SHA256_LEN];
	int rc = digest_sha256(digest, &part, 1);

	if (rc != 0)
		return rc;
	text_hex(id, digest, DEDUP_BYTES);
	json_key(w, "MessageGroupId");
	json_put_string(w, GROUP_ID);
	json_key(w, "MessageDeduplicationId");
	json_put_string(w, id);
	return 0;
}

static int put(void *ctx, struct json_writer *w, size_t k)
{
	const struct sending *to = ctx;
	const struct sqs_outgoing *m = &to->messages[k];

	json_key(w, "MessageBody");
	json_put_string(w, m->body);
	put_attributes(w, m);
	return to->fifo ? put_fifo(w, m->body) : 0;
}

static bool attributes_match(const struct sqs_outgoing *m, const char *hex)
{
	struct sqs_attribute attributes[2];
	size_t n = 0;

	if (m->entropy != NULL)
		attributes[n++] = (struct sqs_attribute){MESSAGE_ATTR_ENTROPY,
		    TYPE_STRING, m->entropy, strlen(m->entropy)};
	if (m->signature != NULL)
		attributes[n++] = (struct sqs_attribute){MESSAGE_ATTR_SIGNATURE,
		    TYPE_BINARY, m->signature, m->signature_len};
	return sqs_md5_attributes(attributes, n, hex);
}

static int confirm(
    void *ctx, size_t k, const struct json *entry, struct err *err)
{
	struct sending *to = ctx;
	const struct sqs_outgoing *m = &to->messages[k];
	const char *body = json_string(json_get(entry, "MD5OfMessageBody"));
	const char *attributes =
	    json_string(json_get(entry, "MD5OfMessageAttributes"));

	if (!sqs_md5_body(m->body, strlen(m->body), body) ||
	    !attributes_match(m, attributes))
		return err_set(err, ERR_FORMAT,
		    "%s: the queue holds other bytes than were sent (MD5 "
		    "differs); this message does not count as sent",
		    send_message_batch.name);
	to->sent[k] = true;
	return 0;
}

static bool is_fifo(const char *queue_url)
{
	size_t len = strlen(queue_url);

	return len > 5 && strcmp(queue_url + len - 5, ".fifo") == 0;
}

static int check(const struct sqs_outgoing *messages, size_t n, struct err *err)
{
	if (n < 1 || n > LIMIT_BATCH)
		return err_set(err, ERR_LIMIT,
		    "a batch has 1 to %d messages, not %zu", LIMIT_BATCH, n);
	for (size_t k = 0; k < n; k++)
		if (messages[k].signature != NULL &&
		    messages[k].signature_len > MESSAGE_SIGNATURE_LEN)
			return err_set(err, ERR_LIMIT,
			    "a signature has %d bytes, not %zu",
			    MESSAGE_SIGNATURE_LEN, messages[k].signature_len);
	return 0;
}

int sqs_send(struct sqs *s, const char *queue_url,
    const struct sqs_outgoing *messages, size_t n, bool sent[],
    int64_t deadline, struct err *err)
{
	struct sending to = {
	    .messages = messages, .sent = sent, .fifo = is_fifo(queue_url)};
	struct sqs_batch b = {.op = &send_message_batch,
	    .put = put,
	    .confirm = confirm,
	    .ctx = &to};
	struct err own = {0};
	int rc;

	err = err != NULL ? err : &own;
	rc = check(messages, n, err);
	if (rc != 0)
		return rc;
	for (size_t k = 0; k < n; k++) {
		sent[k] = false;
		b.pending[k] = true;
		if (messages[k].entropy != NULL)
			b.op = &send_dated_batch;
	}
	rc = sqs_batch_run(s, &b, queue_url, deadline, err);
	if (rc != 0)
		return rc;
	for (size_t k = 0; k < n; k++)
		if (sent[k])
			return 0;
	return err->code;
}
