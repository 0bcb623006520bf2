/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_TESTS_SEND_BENCH_H
#define SQS_ENTROPY_TESTS_SEND_BENCH_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "aid/sqs.h"
#include "sqs/messages.h"

/* MD5s of 44 times "A", "B", "C": bodies of 33 bytes each. */
#define MD5_A "23005536dba2c412a23bbe1041e007ca"
#define MD5_B "d4f1807d5a331844c4bc0401a6a80156"
#define MD5_C "97428edd33410cc946847b05de62338e"
#define BODY_B                                                                 \
	"BBBBBBBBBBBBBBBBBBBBBB"                                               \
	"BBBBBBBBBBBBBBBBBBBBBB"
#define BODY_C                                                                 \
	"CCCCCCCCCCCCCCCCCCCCCC"                                               \
	"CCCCCCCCCCCCCCCCCCCCCC"
#define SENT(id, md5)                                                          \
	"{\"Id\":\"" id "\",\"MessageId\":\"m\",\"MD5OfMessageBody\":\"" md5   \
	"\"}"
#define FAILED(id, code, sender)                                               \
	"{\"Id\":\"" id "\",\"Code\":\"" code "\",\"SenderFault\":" sender     \
	",\"Message\":\"why\"}"
#define ANSWER(sent, failed)                                                   \
	"{\"Successful\":[" sent "],\"Failed\":[" failed "]}"
#define ALL                                                                    \
	ANSWER(SENT("0", MD5_A) "," SENT("1", MD5_B) "," SENT("2", MD5_C), "")

/* The messages of a send. */
static struct message messages[LIMIT_BATCH + 1];
static const struct message *list[LIMIT_BATCH + 1];

/* Whose body is that letter, 44 times. */
static inline void make_message(struct message *m, char letter)
{
	char body[44];

	memset(m, 0, sizeof *m);
	memset(body, letter, sizeof body);
	assert_int_equal(message_from_body(m, body, sizeof body), 0);
}

static inline void make_messages(void)
{
	for (size_t k = 0; k <= LIMIT_BATCH; k++) {
		make_message(&messages[k], (char)('A' + k));
		list[k] = &messages[k];
	}
}

struct result {
	int rc;
	int requests;
	bool sent[LIMIT_BATCH];
	size_t unsure;
	struct err err;
};

static inline int send_three(
    struct aid_sqs *a, const char *queue, struct result *r)
{
	memset(r, 0, sizeof *r);
	memset(r->sent, 1, sizeof r->sent);
	r->err.code = 77;
	make_messages();
	r->unsure = 77;
	r->rc = sqs_send(a->sqs, queue, list, 3, r->sent, &r->unsure,
	    aid_deadline(a), &r->err);
	r->requests = loopback_requests(a->loopback);
	return r->rc;
}

/* "110" in sent for the first two of three. */
static inline void assert_sends(const struct loopback_step *steps, int n,
    int rc, int requests, const char *sent, const char *word)
{
	struct aid_sqs *a = aid_open(steps, n);
	char got[4] = "";
	struct result r;

	(void)send_three(a, AID_QUEUE, &r);
	for (int i = 0; i < 3; i++)
		got[i] = r.sent[i] ? '1' : '0';
	if (r.rc != rc || r.requests != requests || strcmp(got, sent) != 0 ||
	    (r.unsure > 0) !=
		(strstr(r.err.text, " is unknown for ") != NULL ||
		    strstr(r.err.text, "holds other bytes") != NULL) ||
	    (word == NULL) != (r.err.code == 0) ||
	    (word != NULL && strstr(r.err.text, word) == NULL))
		fail_msg("%d after %d, %s: %d %s", r.rc, r.requests, got,
		    r.err.code, r.err.text);
	aid_close(a);
}

static inline void assert_one(struct loopback_step step, int rc, int requests,
    const char *sent, const char *word)
{
	assert_sends(&step, 1, rc, requests, sent, word);
}

static inline const struct json *entry(const struct json *request, size_t k)
{
	return json_at(json_get(request, "Entries"), k);
}

#endif
