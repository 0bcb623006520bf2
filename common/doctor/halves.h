/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_DOCTOR_HALVES_H
#define SQS_ENTROPY_DOCTOR_HALVES_H

#include <stdint.h>

#include "confine/runner.h"
#include "doctor/findings.h"
#include "doctor/network.h"
#include "sqs/session.h"

/*
 * --doctor in two halves, with the users and the confinement of a run.  The
 * online half sends each finding as a record; the offline half, which is the
 * parent, takes nothing else from it, and reports.
 */
#define DOCTOR_MS 30000 /* for what others are asked */

struct doctor_halves {
	/* In the child, first: let go of what only the offline half holds. */
	void (*leave)(void *ctx);
	/* The online half, confined as a run's, without its cancel_fd. */
	struct session_config session;
	struct doctor_wants wants;
	int (*start_runner)(struct session *s, struct runner *runner,
	    int cancel_fd, struct err *err);
	int (*confine_online)(
	    const char *const *readable, int64_t deadline, struct err *err);
	/* The offline half: confine it, then look at what it can do so. */
	int (*confine_offline)(void *ctx, struct err *err);
	void (*look)(void *ctx, struct findings *all);
	void *ctx;
};

/* Run both and add what they find to all.  ERR_IO: there is no second half;
 * ERR_PERM and others: this one could not be confined. */
int doctor_run_halves(struct findings *all, const struct doctor_halves *plan,
    struct err *err) MUST_CHECK;

#endif
