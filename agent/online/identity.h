/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_AGENT_ONLINE_IDENTITY_H
#define SQS_ENTROPY_AGENT_ONLINE_IDENTITY_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/record.h"
#include "aws/imds.h"
#include "base/clock.h"

/* ms for the instance id: of an IMDS that has answered or should be there, or
 * of one that may not be, as on all machines that are no EC2 instance. */
#define IDENTITY_MS          1000
#define IDENTITY_IF_THERE_MS 300

/* Ask IMDS for the instance id, by deadline at the latest.  False, which is
 * logged, when it does not tell. */
bool identity_find(struct imds *imds, const struct clock *clock,
    int64_t deadline, struct record_identity *out);

#endif
