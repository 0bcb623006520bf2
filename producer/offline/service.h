/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_PRODUCER_OFFLINE_SERVICE_H
#define SQS_ENTROPY_PRODUCER_OFFLINE_SERVICE_H

#include <stdbool.h>
#include <stdint.h>

#include "producer/offline/notify.h"
#include "producer/record.h"

/*
 * What the service manager is told (sd_notify(3)), and when.  Ready: the
 * sources have passed their start-up test and both halves are confined; the
 * network need not be there.  A sign of life: the online half has just given
 * one, and the offline half has read it.  Times are CLOCK_MONOTONIC ms.
 */
#define SERVICE_STATUS_MAX 1024

struct service {
	const struct notify *notify;
	bool tested, online; /* both are needed to be ready */
	bool ready;          /* the manager was told so */
	int64_t extended;    /* when more time to start was asked for */
	int64_t second;      /* when the current second began */
	unsigned signs;      /* of life in that second */
	int64_t told;        /* when this status was last told */
	char status[SERVICE_STATUS_MAX];
};

/* The start-up test goes on: a slow source takes over a minute. */
void service_testing(struct service *m, int64_t now);
void service_tested(struct service *m);

/* The online half says it is confined and what it does. */
void service_heartbeat(
    struct service *m, const struct record_heartbeat *heartbeat, int64_t now);

void service_stopping(const struct service *m);

#endif
