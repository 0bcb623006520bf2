/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_PRODUCER_OFFLINE_STATUS_H
#define SQS_ENTROPY_PRODUCER_OFFLINE_STATUS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"
#include "producer/conf.h"
#include "producer/offline/blocks.h"
#include "producer/offline/signer.h"
#include "producer/record.h"

/*
 * What a producer does now, as a JSON document that anybody may read; it holds
 * no secret.  The offline half writes it, a process of its own
 * (sqs-entropy-producer --status) reads it.  It is written when something
 * changes that is not a number, when the online half begins to rest, and at
 * most once in PRODUCER_STATUS_PAUSE_MS otherwise.  What the online half says
 * in it is bounded and printable, and may be a lie.
 *
 * "serial" stands at both ends: they differ where a reader found parts of two
 * documents.
 */
#define PRODUCER_STATUS_DIRECTORY "/run/sqs-entropy-producer"
#define PRODUCER_STATUS_NAME      "producer.json"
#define PRODUCER_STATUS_MAX       65536 /* bytes */
#define PRODUCER_STATUS_PAUSE_MS  1000

/* sources and signer may be NULL before they are open. */
struct producer_status {
	int fd; /* -1: none is written */
	const struct conf *conf;
	const struct blocks *blocks;
	const struct signer *signer;
	uint64_t serial;
	int64_t started;               /* epoch ms */
	char boot[CLOCK_BOOT_MAX];     /* the id of that boot, or "" */
	int64_t written;               /* CLOCK_MONOTONIC ms */
	struct record_heartbeat heard; /* queues 0: nothing yet */
	int64_t since[LIMIT_QUEUES];   /* code is 0, or not; epoch ms */
	bool ended;
	int code;          /* of the end, enum err_code */
	char why[512];     /* messages cannot be made, or it ended; or "" */
	int64_t why_since; /* epoch ms */
};

/* Begin one for a run with that configuration: opened for a producer that runs
 * until told to stop, else without a file. */
void producer_status_open(struct producer_status *s, const struct conf *conf);
void producer_status_close(struct producer_status *s);

/* The start is over. */
void producer_status_begin(struct producer_status *s,
    const struct blocks *blocks, const struct signer *signer);

void producer_status_heartbeat(
    struct producer_status *s, const struct record_heartbeat *heartbeat);

/* Why no message can be made; NULL: one was made. */
void producer_status_source(struct producer_status *s, const char *why);

/* It ends so; why is told elsewhere, too.  Nothing is written afterwards. */
void producer_status_end(struct producer_status *s, int code, const char *why);

#endif
