/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_PRODUCER_DOCTOR_H
#define SQS_ENTROPY_PRODUCER_DOCTOR_H

#include "base/err.h"
#include "doctor/findings.h"
#include "producer/conf.h"

/*
 * --doctor: look at all that the service depends on, on this machine and
 * elsewhere, as the unit would meet it.  Sends nothing and changes nothing;
 * only a few bytes of the devices are read.  Returns 0, the code of the first
 * thing that is wrong, or what kept it from looking.
 */
int producer_doctor(const struct conf *conf, struct err *err) MUST_CHECK;

/* A part of it: what the service says of itself. */
void producer_doctor_last_run(struct findings *all);

#endif
