/* SPDX-License-Identifier: Apache-2.0 */
#include "sqs/batch.h"
#include "sqs/messages.h"

static const struct sqs_op delete_message_batch = {
    .name = "DeleteMessageBatch", .permission = "sqs:DeleteMessage"};

struct deleting {
	const struct sqs_messages *messages;
	bool *deleted;
};

static int put(void *ctx, struct json_writer *w, size_t k)
{
	const struct deleting *d = ctx;

	json_put_string(w, "ReceiptHandle", d->messages->receipts[k].handle);
	return 0;
}

static int confirm(
    void *ctx, size_t k, const struct json *entry, struct err *err)
{
	struct deleting *d = ctx;

	(void)entry;
	(void)err;
	d->deleted[k] = true;
	return 0;
}

int sqs_delete(struct sqs *s, const char *queue_url,
    const struct sqs_messages *m, const bool want[], bool deleted[],
    int64_t deadline, struct err *err)
{
	struct deleting d = {.messages = m, .deleted = deleted};
	struct sqs_batch b = {.op = &delete_message_batch,
	    .put = put,
	    .confirm = confirm,
	    .ctx = &d};

	for (size_t k = 0; k < m->n; k++) {
		deleted[k] = false;
		b.pending[k] = want[k];
	}
	return sqs_batch_run(s, &b, queue_url, deadline, err);
}
