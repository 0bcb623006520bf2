/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_DOCTOR_NETWORK_H
#define SQS_ENTROPY_DOCTOR_NETWORK_H

#include <stdbool.h>
#include <stdint.h>

#include "doctor/findings.h"
#include "sqs/session.h"

/* What --doctor asks others, in the online half as it runs.  Nobody is asked
 * for anything that acts. */
struct doctor_wants {
	bool sends;            /* a producer; else it receives and deletes */
	bool signs;            /* a producer whose messages have a date */
	long run_s;            /* how long a run of an agent may take */
	long bytes;            /* of a producer's payload, sealed if it is */
	bool random;           /* of KMS, in place of a message */
	const char *parameter; /* that has the sealing key; NULL: none */
};

/* Look at all that a run of an initialised session would meet: IMDS, the
 * credentials and whose they are, and for each queue the way to it, the
 * permissions and its attributes.  Ends by deadline. */
void doctor_network(struct findings *all, struct session *s,
    const struct doctor_wants *wants, int64_t deadline);

/* Parts of it.  deadline is of this part.  How we get to an endpoint: name,
 * route, proxy, TLS, and whose clock is right.  False, with a FAIL for what is
 * wrong, when no answer came. */
bool doctor_endpoint(struct findings *all, struct session *s, const char *url,
    const struct doctor_wants *wants, int64_t deadline);

/* What credentials that are there may do with the queue that is open, and what
 * it is. */
void doctor_queue(struct findings *all, const struct session_queue *q,
    const struct doctor_wants *wants, int64_t deadline);

/* The services beside the queues that a run of the agent asks.  blocked is why
 * nobody can be asked; NULL: they can. */
void doctor_beside(struct findings *all, struct session *s,
    const struct doctor_wants *wants, const char *blocked, int64_t deadline);

/* A FAIL for a call on q that failed with rc, by what it is about. */
void doctor_refused(struct findings *all, const struct session_queue *q,
    const char *permission, int rc, const struct err *err);

#endif
