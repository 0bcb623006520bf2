/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_BASE_LIMITS_H
#define SQS_ENTROPY_BASE_LIMITS_H

/* Lengths that both halves of a program agree on, so that the half without
 * network needs no header of what talks to it. */
#define LIMIT_BATCH     10  /* messages (SQS API Reference, ReceiveMessage) */
#define LIMIT_URL       512 /* bytes of a URL with its NUL */
#define LIMIT_REGION    64  /* bytes of a region's name with its NUL */
#define LIMIT_QUEUES    8   /* that one program may be given */
#define LIMIT_SEAL_KEYS 2   /* of a fleet: the newest, and the one before it */

#endif
