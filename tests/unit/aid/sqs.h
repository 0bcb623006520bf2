/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_AID_SQS_H
#define SQS_ENTROPY_AID_SQS_H

#include <stdint.h>

#include "aid/loopback.h"
#include "sqs/client.h"
#include "json/parse.h"

/* What the tests of sqs share: a client of a scripted service, with a clock
 * that moves when somebody sleeps. */

#define AID_QUEUE       "http://127.0.0.1/123456789012/entropy"
#define AID_SLEEPS_MAX  16
#define AID_DEADLINE_MS 60000
/* Thursday, 1 January 2026, 00:00:00 */
#define AID_WALL        INT64_C(1767225600000)

struct aid_sqs {
	struct loopback *loopback;
	struct http *http;
	struct cred_chain *chain;
	struct sqs *sqs;
	struct clock clock;
	int64_t slept; /* ms, all together */
	int64_t sleep[AID_SLEEPS_MAX];
	int sleeps;
	int sleep_rc;  /* what sleep answers */
	double chance; /* what chance answers */
	int64_t wall;
	int loads;   /* how often credentials were asked for */
	int load_rc; /* what the source answers */
	bool same;   /* it gives the same ones each time */
	struct err err;
};

/* An answer with this status line's end ("200 OK"), further header lines
 * (each with CR LF, or "") and body; kept until aid_close(). */
struct loopback_step aid_answer(
    const char *status, const char *headers, const char *body);
struct loopback_step aid_ok(const char *body);

/* steps are kept by reference. */
struct aid_sqs *aid_open(const struct loopback_step *steps, int n);
/* A client of another service. */
struct aid_sqs *aid_open_as(const struct sqs_service *service,
    const struct loopback_step *steps, int n);
/* No service, but a client of this endpoint. */
struct aid_sqs *aid_open_at(const char *endpoint, bool patient);
void aid_close(struct aid_sqs *a);

/* From now, in the simulated time. */
int64_t aid_deadline(const struct aid_sqs *a);

/* The body of request k, parsed; json_free() it. */
struct json *aid_request(const struct aid_sqs *a, int k);

/* "" when request k has no such header. */
void aid_header(
    const struct aid_sqs *a, int k, const char *name, char *out, size_t size);

#endif
