/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_TESTS_YEARS_SERVICE_H
#define SQS_ENTROPY_TESTS_YEARS_SERVICE_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/bench/canned.h"

/*
 * The network, EC2's metadata and SQS, in the place of HTTP: what the program
 * asks for is answered in virtual time.
 */
enum service_net {
	NET_UP,
	NET_NO_ROUTE,
	NET_NO_NAME,
	NET_SILENT,
	NET_REFUSED,
	NET_BREAKS /* when the request was sent; the work may be done */
};
enum service_state {
	SQS_UP,
	SQS_THROTTLES,
	SQS_FAILS,   /* by turns with each status that says so */
	SQS_DENIES,  /* to send and to delete */
	SQS_GONE,    /* the queue */
	SQS_IN_PART, /* the first message of a batch is refused */
	SQS_REVOKED  /* the keys that it knew */
};
enum service_keys {
	KEYS_UP,
	KEYS_LATE, /* there is no role yet */
	KEYS_OLD,  /* they have expired, and no others come */
	KEYS_DOWN  /* nobody answers */
};

struct service_world {
	enum service_net net;
	enum service_state sqs;
	enum service_keys keys;
	bool empty;        /* a receive waits in vain */
	unsigned key;      /* number of the access key that is good */
	int64_t latency;   /* most that an answer takes */
	uint64_t requests; /* to SQS */
	uint64_t failed;   /* of these, without a 200 */
};
extern struct service_world service;

/* Given by the program: an operation of SQS that is not refused.  The answer
 * may be lost all the same. */
void world_answer(const struct request *r, struct answer *a);

/* For SQS_IN_PART: make of the answer to a batch, of which each is done, one
 * that says that the first was not. */
void service_refuse_first(struct answer *a);

#endif
