/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_DOCTOR_HOST_H
#define SQS_ENTROPY_DOCTOR_HOST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/limits.h"
#include "doctor/findings.h"

/* What --doctor looks at on this machine, before the program is confined. */

/* Whether the kernel's generator is ready, since when, and what may have made
 * it so. */
void doctor_kernel(struct findings *all);

/* Whether something keeps the clock right. */
void doctor_clock(struct findings *all);

/* The layers of confinement, the users of the halves. */
void doctor_confinement(
    struct findings *all, const char *offline_user, const char *online_user);

/* Have the environment that systemd gives the unit: take the variables of
 * /etc/default/NAME and /etc/sysconfig/NAME, as EnvironmentFile= does.  Where
 * they cannot be read that is said. */
void doctor_environment(struct findings *all, const char *name);

/* Each of the configured queues can have an ARN, without which no signature
 * holds. */
void doctor_arns(struct findings *all, const char (*queues)[LIMIT_URL]);

/* The files of the service can be written: file, or where it is not there its
 * directory. */
void doctor_state(struct findings *all, const char *name, const char *directory,
    const char *file);

/* One unit of systemd and what is expected of it. */
struct doctor_unit {
	const char *name; /* "sqs-entropy-agent.timer" */
	bool runs;        /* it is active as long as the machine is up */
	bool recurs;      /* a timer that always has a next time */
};

/* Ask systemd for n units of a package; nothing can be asked where it does not
 * run, or has none of them. */
void doctor_units(
    struct findings *all, const struct doctor_unit units[], size_t n);

#endif
