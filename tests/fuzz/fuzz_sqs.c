/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What SQS, KMS and Parameter Store answer: the first byte chooses the
 * operation, the rest is the answer's body; for errors a status, a line as the
 * header, the body.
 */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "fuzz.h"
#include "sqs/call.h"
#include "sqs/error.h"
#include "sqs/explain.h"
#include "sqs/kms.h"
#include "sqs/messages.h"
#include "sqs/queue.h"
#include "sqs/ssm.h"
#include "json/parse.h"
#include "json/writer.h"

#define URL  "https://sqs.eu-west-1.amazonaws.com/1/q"
#define NAME "/entropy/seal-key"

enum { RECEIVED, SENT, DELETED, ASKED, DRAWN, KEYED, WAYS };

static const uint8_t *answer_data;
static size_t answer_len;

/* In place of those in sqs/call.c: the network says what the fuzzer says. */
int sqs_call(struct sqs *s, const struct sqs_op *op, const char *queue,
    struct json_writer *request, int64_t deadline, struct json **answer,
    struct err *err)
{
	struct buf *body = buf_new(JSON_TEXT_MAX);
	struct json_stream *stream;
	int rc = 0;

	(void)s;
	(void)queue;
	(void)deadline;
	*answer = NULL;
	FUZZ_CHECK(body != NULL && json_writer_finish(request, body) == 0);
	json_writer_free(request);
	buf_free(body);
	FUZZ_CHECK(json_stream_new(op->each, &stream) == 0);
	if (op->begin != NULL)
		op->begin(op->each->ctx);
	for (size_t i = 0; i < answer_len && rc == 0; i += 7)
		rc = json_stream_add(stream, answer_data + i,
		    answer_len - i < 7 ? answer_len - i : 7);
	rc = json_stream_end(stream, answer);
	json_stream_free(stream);
	if (rc == 0 && !json_is_object(*answer)) {
		json_free(*answer);
		*answer = NULL;
		rc = ERR_FORMAT;
	}
	return rc == 0 ? 0 : err_set(err, rc, "not JSON");
}

bool sqs_may_try_again(const struct sqs *s, int attempts, int rc)
{
	(void)s;
	FUZZ_CHECK(rc < 0);
	return attempts < 3;
}

int sqs_backoff(const struct sqs *s, int attempts, int rc, int64_t deadline)
{
	(void)s;
	(void)attempts;
	FUZZ_CHECK(rc < 0);
	(void)deadline;
	return 0;
}

static void explain_error(const struct sqs *s, const struct sqs_error *e)
{
	static const struct {
		const struct sqs_service *service; /* NULL: that of s */
		struct sqs_op op;
		const char *about;
	} cases[] = {
	    {NULL,
		{.name = "ReceiveMessage", .permission = "sqs:ReceiveMessage"},
		URL},
	    {NULL,
		{.name = "SendMessageBatch", .permission = "sqs:SendMessage"},
		URL},
	    {&kms_service,
		{.name = "GenerateRandom",
		    .permission = KMS_PERMISSION,
		    .resource = "*"},
		"KMS"},
	    {&ssm_service,
		{.name = "GetParameter",
		    .permission = SSM_PERMISSION,
		    .resource = NAME},
		NAME}};
	struct err err = {0};
	int rc;

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct sqs asked = *s;

		if (cases[i].service != NULL)
			asked.service = cases[i].service;
		rc = sqs_explain(&asked, &cases[i].op, cases[i].about, e, &err);
		FUZZ_CHECK(e->code < 0 && err.code == rc);
		FUZZ_CHECK(rc == e->code ||
			   (rc == ERR_CONFIG && asked.service == &ssm_service));
		FUZZ_CHECK(strlen(err.text) < sizeof err.text);
		FUZZ_CHECK(text_is_printable(err.text, strlen(err.text)));
	}
}

static void read_error(const struct sqs *s, const uint8_t *data, size_t len)
{
	static const int statuses[] = {
	    200, 301, 400, 403, 404, 413, 429, 500, 503, 0};
	const size_t n = sizeof statuses / sizeof statuses[0];
	struct sqs_error e;
	char *header, *end;

	if (len == 0)
		return;
	header = fuzz_text(data + 1, len - 1);
	end = strchr(header, '\n');
	if (end != NULL)
		*end++ = '\0';
	sqs_error_read(&e, statuses[data[0] % n], end != NULL ? header : NULL,
	    end != NULL ? end : header, strlen(end != NULL ? end : header));
	FUZZ_CHECK(memchr(e.name, '\0', sizeof e.name) != NULL);
	FUZZ_CHECK(memchr(e.text, '\0', sizeof e.text) != NULL);
	explain_error(s, &e);
	sqs_error_entry(&e, header, end, data[0] & 1);
	explain_error(s, &e);
	free(header);
}

static void receive(struct sqs *s)
{
	struct sqs_messages m;
	struct err err = {0};

	if (sqs_receive(s, URL, LIMIT_BATCH, 1, &m, 0, &err) != 0)
		return;
	FUZZ_CHECK(m.n <= LIMIT_BATCH);
	for (size_t i = 0; i < m.n; i++) {
		const struct message *at = &m.at[i];

		FUZZ_CHECK(strlen(m.receipts[i].id) <= SQS_ID_MAX);
		FUZZ_CHECK(strlen(m.receipts[i].handle) <= SQS_HANDLE_MAX);
		FUZZ_CHECK((m.receipts[i].body == 0) == (at->payload_len > 0));
		FUZZ_CHECK(at->payload_len <= MESSAGE_PAYLOAD_MAX);
		FUZZ_CHECK(strlen(at->entropy) == at->entropy_len);
		FUZZ_CHECK(at->signature_len == 0 ||
			   at->signature_len == MESSAGE_SIGNATURE_LEN);
		FUZZ_CHECK(at->sent >= 0);
		if (m.receipts[i].intact && at->signature_len > 0)
			fuzz_went(RECEIVED);
	}
	sqs_messages_free(&m);
}

static void send_two(struct sqs *s)
{
	static const struct message one = {.payload_len = 33};
	static const struct message two = {.payload_len = 33,
	    .entropy_len = 3,
	    .entropy = "v=1",
	    .signature_len = MESSAGE_SIGNATURE_LEN};
	const struct message *const out[] = {&one, &two};
	bool sent[2] = {true, true};
	struct err err = {0};
	size_t unsure;
	int rc = sqs_send(s, URL, out, 2, sent, &unsure, 0, &err);

	FUZZ_CHECK(rc != 0 || sent[0] || sent[1]);
	FUZZ_CHECK(unsure + sent[0] + sent[1] <= 2);
	if (rc == 0)
		fuzz_went(SENT);
}

static void delete_three(struct sqs *s)
{
	const bool want[] = {true, false, true};
	bool deleted[3] = {true, true, true};
	struct sqs_messages m = {.n = 3};
	struct err err = {0};
	int rc;

	for (size_t i = 0; i < m.n; i++)
		m.receipts[i] = (struct sqs_receipt){.id = "m", .handle = "h"};
	rc = sqs_delete(s, URL, &m, want, deleted, 0, &err);
	FUZZ_CHECK(rc != 0 || !deleted[1]);
	if (rc == 0 && deleted[0])
		fuzz_went(DELETED);
}

static void ask(struct sqs *s)
{
	char url[LIMIT_URL];
	struct sqs_depth depth;
	struct err err = {0};

	if (sqs_queue_url(s, "q", url, 0, &err) == 0)
		FUZZ_CHECK(strlen(url) < sizeof url);
	if (sqs_queue_depth(s, URL, &depth, 0, &err) == 0) {
		FUZZ_CHECK(depth.visible >= 0 && depth.in_flight >= 0);
		fuzz_went(ASKED);
	}
}

static void draw(struct sqs *s)
{
	static const uint8_t none[64];
	uint8_t bytes[sizeof none] = {0};
	struct err err = {0};
	int rc = kms_random(s, bytes, sizeof bytes, 0, &err);

	FUZZ_CHECK(rc == 0 || err.code == rc);
	FUZZ_CHECK(rc == 0 || memcmp(bytes, none, sizeof none) == 0);
	if (rc == 0)
		fuzz_went(DRAWN);
}

/* Both versions of the parameter are the same here. */
static void ask_for_keys(struct sqs *s)
{
	struct ssm_keys keys = {.n = 0};
	struct err err = {0};
	int rc = ssm_seal_keys(s, NAME, 0, &keys, &err);

	FUZZ_CHECK(keys.n <= 1);
	FUZZ_CHECK(rc == 0 || err.code == rc);
	FUZZ_CHECK(text_is_printable(err.text, strlen(err.text)));
	if (rc != 0)
		return;
	FUZZ_CHECK(keys.n == 1 && keys.former.code == 0);
	FUZZ_CHECK(keys.keys[0].has[HPKE_X25519] == 1 ||
		   keys.keys[0].has[HPKE_XWING] == 1);
	fuzz_went(KEYED);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const struct sqs_service service = {.id = "sqs", .name = "SQS"};
	const struct clock clock = clock_system(NULL);
	struct sqs s = {.service = &service, .clock = &clock};

	fuzz_expect_ways(WAYS);
	if (len == 0)
		return 0;
	answer_data = data + 1;
	answer_len = len - 1;
	switch (data[0] % 7) {
	case 0:
		read_error(&s, data + 1, len - 1);
		break;
	case 1:
		receive(&s);
		break;
	case 2:
		send_two(&s);
		break;
	case 3:
		delete_three(&s);
		break;
	case 4:
		ask(&s);
		break;
	case 5:
		draw(&s);
		break;
	default:
		ask_for_keys(&s);
	}
	return 0;
}
