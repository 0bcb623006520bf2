/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_SQS_SESSION_H
#define SQS_ENTROPY_SQS_SESSION_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "aws/chain.h"
#include "aws/cred_iot.h"
#include "aws/cred_process.h"
#include "aws/endpoint.h"
#include "aws/imds.h"
#include "base/arn.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/limits.h"
#include "http/client.h"
#include "sqs/client.h"
#include "sqs/reach.h"

/*
 * What both online halves set up before they can use their queues: once the
 * credential chain and the connections, for each queue the endpoint, the region
 * and the URL, each resolved in the order of the AWS SDKs.  err is never NULL.
 */
struct session_config {
	/* LIMIT_QUEUES URLs, ARNs or names, "" behind the last one; none is
	 * configured: the tag SESSION_QUEUE_TAG has a queue of AWS's. */
	const char (*queues)[LIMIT_URL];
	const char *region;          /* configured; "" for none */
	const char *endpoint_option; /* by option; "" or NULL for none */
	const char *endpoint_url;    /* configured; "" for none */
	enum text_switch use_fips, use_dualstack; /* configured */
	const char *profile;                      /* configured; "" for none */
	const char *ca_bundle;                    /* configured; "" for none */
	struct cred_iot_config iot;               /* of AWS IoT */
	const char *agent;                        /* User-Agent */
	bool wait_for_route; /* boot: no network yet is not an error */
	bool brief;          /* as in client.h */
	int64_t sign_by;     /* the same */
	/* What may come right later is no error: a CA bundle that is not
	 * there, shared files that are malformed. */
	bool patient;
	cred_told *told;   /* of who signs; NULL: nobody wants to know */
	cred_told *called; /* of each call (client.h); NULL as well */
	int cancel_fd;     /* -1 for none */
};

#define SESSION_QUEUE_TAG   "sqs-entropy:queue"
#define SESSION_WARNING_MAX ERR_TEXT_MAX
#define SESSION_STORY_MAX   4096

/* One queue of a session; it has its own region, and so its own client. */
struct session_queue {
	const char *entry; /* as it is configured; "": the tag's */
	struct sqs *sqs;   /* NULL: not opened yet */
	bool stored;       /* a shared file says the endpoint */
	char region[LIMIT_REGION];
	char endpoint[LIMIT_URL];
	char warning[SESSION_WARNING_MAX]; /* what a user should know, or "" */
	char url[LIMIT_URL];
	struct arn arn; /* no account, no name: not known */
};

struct session {
	struct http *http;
	struct imds *imds;
	struct cred_iot *iot; /* NULL: not configured */
	struct shared_files *file;
	struct cred_process *process;
	struct chain *chain;
	const struct clock *clock;
	const struct session_config *cfg;
	struct reach reach;
	bool looked; /* by reach_look() */
	bool placed; /* the chain has a region */
	size_t n;    /* queues: those that are configured, or the tag's */
	struct session_queue queues[LIMIT_QUEUES];
};

/* What needs no network and may need more rights than are left later: the
 * clients are made, the shared credential files are read ahead.  cfg, its
 * strings and clock are borrowed until close.  ERR_CONFIG, also for a queue
 * that is malformed, so that no good one hides it; ERR_NOMEM, ERR_INTERNAL. */
int session_init(struct session *s, const struct session_config *cfg,
    const struct clock *clock, struct err *err) MUST_CHECK;

/* What can be said of a queue without asking anybody. */
struct session_found_queue {
	char endpoint[LIMIT_URL]; /* "": in the region that IMDS tells */
	char endpoint_from[ENDPOINT_FROM_MAX]; /* what says so, for people */
	char warning[SESSION_WARNING_MAX]; /* what a user should know, or "" */
};

/* And of a session. */
struct session_found {
	size_t n;
	struct session_found_queue queues[LIMIT_QUEUES];
	/* A line for each source of credentials, up to the one that would sign
	 * or would be asked. */
	char story[SESSION_STORY_MAX];
};

/* What session_init() and session_open() would find, or find wrong with cfg
 * and the environment, without asking anybody.  ERR_CONFIG with the name of the
 * setting, ERR_NOMEM, ERR_INTERNAL. */
int session_check(const struct session_config *cfg, struct session_found *found,
    struct err *err) MUST_CHECK;

/* session_check(), told: warnings line by line to warn; each endpoint and what
 * says so, and who would sign and why no source before does, to to, as comments
 * of the configuration. */
int session_show(const struct session_config *cfg, FILE *to, cred_told *warn,
    struct err *err) MUST_CHECK;

/*
 * For struct runner_plan of an initialised session, which ctx is: the command
 * of the profile, NULL for none or one that is not well formed, which whoever
 * asks for credentials is told; and to close the session in the runner.  Then
 * who runs the command: contract of runner_ask().
 */
const struct words *session_command(void *session);
void session_leave(void *session);
void session_use_runner(struct session *s, cred_process_run *run, void *runner);

/* What an initialised session has to be able to read (reach.h): a
 * NULL-terminated list that lives until the next call, or its close. */
const char *const *session_readable(struct session *s);

/* The path of a file that may be why a call on q failed with rc, and that this
 * process, confined to what session_readable() told, will never be able to
 * read: one that moved, or was only readable before.  Only a new process can
 * go on then.  NULL if there is none. */
const char *session_shut_out(
    const struct session *s, const struct session_queue *q, int rc);

/*
 * Find region, endpoint and URL of queue q of s by deadline; may be repeated
 * after a failure.  Endpoint: that of endpoint_find(), the queue URL's scheme
 * and host, or the region's own.  Region: the one that the queue's ARN or the
 * host of its URL names, AWS_REGION, AWS_DEFAULT_REGION, configured, the one
 * that the endpoint's host names, the profile's, IMDS.  ERR_CONFIG, with what
 * to set where; the errors of shared_read(), imds.h and client.h.
 */
int session_open(struct session *s, struct session_queue *q, int64_t deadline,
    struct err *err) MUST_CHECK;

/*
 * A client, in *out, of another service than SQS, which sqs_free() ends before
 * the session.  Endpoint: that of endpoint_find() for the service, or the
 * region's own.  Region: as of the first configured queue in session_open();
 * what a tag says chooses none.  Errors as there.
 */
int session_open_service(struct session *s, const struct sqs_service *service,
    int64_t deadline, struct sqs **out, struct err *err) MUST_CHECK;

/* What session_open_service() would find, or find wrong, without asking
 * anybody, as a comment of the configuration.  ERR_CONFIG, ERR_NOMEM. */
int session_show_service(const struct session_config *cfg,
    const struct sqs_service *service, FILE *to, struct err *err) MUST_CHECK;
void session_close(struct session *s);

#endif
