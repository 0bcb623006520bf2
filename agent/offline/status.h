/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_AGENT_OFFLINE_STATUS_H
#define SQS_ENTROPY_AGENT_OFFLINE_STATUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/offline/credit.h"
#include "agent/offline/last_seed.h"
#include "base/err.h"

/*
 * What the last run did, as a JSON document that anybody may read; it holds
 * no secret.  The privileged half writes it, a process of its own
 * (sqs-entropy-agent --status) reads it.
 */
#define STATUS_DIRECTORY "/run/sqs-entropy" /* or RUNTIME_DIRECTORY */
#define STATUS_NAME      "agent.json"
#define STATUS_MAX       16384 /* bytes */

struct status {
	int code;                   /* enum err_code of the run */
	int64_t time;               /* its end, epoch ms */
	int64_t boottime;           /* the same, CLOCK_BOOTTIME ms */
	uint32_t received;          /* messages that the service gave */
	size_t bytes;               /* of messages, injected */
	size_t fallback;            /* in place of a message, injected */
	unsigned credit;            /* bits given */
	bool kernel;                /* injected, not written to a file */
	struct last_seed last_seed; /* this run included */
	size_t n;                   /* messages handed over: elements of at */
	const struct verdict *at;
};

/* RUNTIME_DIRECTORY (systemd.exec(5)) or STATUS_DIRECTORY. */
const char *status_directory(void);

/* Open the file of that name in the directory for writing, and make both when
 * they are not there.  -1 when that is not possible; a run goes on without. */
int status_open(const char *name);

/* Replace the content in one write, because a confined process can make no
 * file.  A kill within it can leave a document that status_print() finds
 * damaged; nothing but that depends on it, and the next run replaces it.
 * ERR_IO, ERR_NOMEM, ERR_LIMIT: over STATUS_MAX. */
int status_write(int fd, const struct status *s) MUST_CHECK;

/* Write the status of a run that was to seed the kernel and failed before it
 * took any message.  What earlier runs of this boot did stays noted.  A failure
 * to write is logged at most. */
void status_write_failure(int code);

/* --status: print the last run for people, as it is (conf's json), or as
 * metrics (openmetrics).  ERR_EMPTY: none since boot, or after it was printed,
 * none in max_age seconds; ERR_INTERNAL: the document is damaged; ERR_LIMIT,
 * ERR_IO. */
struct conf;
int status_print(const struct conf *conf, struct err *err) MUST_CHECK;

#endif
