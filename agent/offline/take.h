/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_AGENT_OFFLINE_TAKE_H
#define SQS_ENTROPY_AGENT_OFFLINE_TAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/offline/credit.h"
#include "agent/offline/offline.h"
#include "agent/record.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/limits.h"

/* What the online half has handed over in one run, and what it is worth. */
struct taken {
	struct buf *payloads; /* of the used messages, one after the other */
	size_t queues;        /* configured, or 1 for one that was found */
	char arn[LIMIT_QUEUES][ARN_TEXT_MAX]; /* of each; "": not known */
	bool settled[LIMIT_QUEUES]; /* no RECORD_QUEUE may come any more */
	size_t n;                   /* messages that came */
	struct verdict at[LIMIT_BATCH];
	unsigned used;        /* messages whose bytes are in payloads */
	unsigned long bits;   /* sum of what they earned */
	struct buf *fallback; /* what came in place of a message; empty: none */
	bool keyed;           /* RECORD_SEAL_KEYS came */
	bool identified;      /* RECORD_IDENTITY came */
	bool ended;           /* RECORD_END came */
	struct record_end end;
};

/* ERR_NOMEM. */
int take_init(struct taken *t, const struct conf *conf) MUST_CHECK;
void take_free(struct taken *t);

/*
 * Take records from fd until one of the type last, RECORD_END or the deadline
 * (CLOCK_MONOTONIC ms).
 * 0, or what ended them before that: ERR_TIMEOUT, ERR_EOF,
 * ERR_FORMAT and ERR_LIMIT for a record that the online half cannot have sent,
 * ERR_NOMEM, ERR_INTERNAL.  The messages that came before are used all the
 * same, because they are deleted from the queue.
 */
int take_records(struct taken *t, const struct agent_offline *o, int fd,
    uint32_t last, int64_t deadline) MUST_CHECK;

#endif
