/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_AGENT_DOCTOR_H
#define SQS_ENTROPY_AGENT_DOCTOR_H

#include "agent/conf.h"
#include "doctor/findings.h"

/*
 * --doctor: look at all that a run depends on, on this machine and elsewhere,
 * as the unit would meet it.  Receives nothing and changes nothing.  Returns 0,
 * the code of the first thing that is wrong, or what kept it from looking.
 */
int agent_doctor(const struct conf *conf, struct err *err) MUST_CHECK;

/* Parts of it: whether cloud-init has the module in its list, and what the last
 * run did. */
void agent_doctor_cloud_init(struct findings *all);
void agent_doctor_last_run(struct findings *all);

#endif
