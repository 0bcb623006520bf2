/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_BASE_ARN_H
#define SQS_ENTROPY_BASE_ARN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/limits.h"

/* ARNs of queues, the partitions of AWS and the names of its hosts (botocore's
 * partitions.json and endpoints.json).  Pure, but for arn_set_region(). */
#define ARN_ACCOUNT_LEN 12 /* digits */
#define ARN_NAME_MAX    80 /* characters, SQS API Reference, CreateQueue */

/* What an ARN is made of; "" stands for what is not known.  The partition
 * follows from the region.  One half hands it to the other as it is. */
struct arn {
	char region[LIMIT_REGION];
	char account[ARN_ACCOUNT_LEN + 1];
	char name[ARN_NAME_MAX + 1];
};

#define ARN_TEXT_MAX 192 /* bytes of an ARN as text, with its NUL */

struct arn_partition {
	const char *id;     /* "aws" */
	const char *region; /* how its regions begin */
	const char *suffix; /* of the domain of its hosts */
	const char *dual;   /* the same of hosts with IPv6 */
};

/* The partition of a region: "aws" for one that begins like no other's. */
const struct arn_partition *arn_partition(const char *region);

bool arn_is_region(const char *s);

/* True if a queue given as text is meant to be an ARN, good or bad. */
bool arn_is_meant(const char *text);

/*
 * The region in the name of a host that a service has at AWS: SERVICE.R.SUFFIX
 * and vpce-ID.SERVICE.R.vpce.SUFFIX, also with SERVICE-fips, where SUFFIX is
 * one of the partition of R; of "sqs" R.queue.SUFFIX, too, and
 * queue.amazonaws.com, which is us-east-1.  A port does not count.  False, and
 * region unchanged, for any other host.
 */
bool arn_region_of(
    const char *service, const char *host, char region[static LIMIT_REGION]);

/*
 * What a queue says of itself.  An ARN says all, a name only that, a URL
 * ("https://HOST/ACCOUNT/QUEUE") the region that its host names, if any, and
 * account and name, unless its path has no account of 12 digits.  ERR_FORMAT:
 * it is none of the three.
 */
int arn_read(const char *queue, struct arn *out) MUST_CHECK;

/* True if both say all of one queue. */
bool arn_is_same(const struct arn *a, const struct arn *b);

/* How many of LIMIT_QUEUES queues are configured: "" is behind the last one. */
size_t arn_count_queues(const char queues[][LIMIT_URL]);

/* What both programs say of a queue without an ARN.  True if the queue's URL is
 * such a one, whatever is found. */
#define ARN_MISSING                                                            \
	"the queue has no ARN, because its URL names no account of 12 digits"
bool arn_is_missing(const char *queue);

/* The region that a user has set: AWS_REGION, AWS_DEFAULT_REGION, or the one
 * that is configured; "" for none.  It may be no region.  *by, unless by is
 * NULL, becomes the name of that place. */
const char *arn_set_region(const char *configured, const char **by);

/* Of what the other half sends: each text ends within its array, and is sound
 * or "". */
bool arn_is_sound(const struct arn *arn);

/*
 * The ARN of the configured queue ("" if none is) as text: what it says of
 * itself, else the region that a user has set, else what was found.  found may
 * be NULL.  Nothing is found of a URL but its region.  "" if a part is missing.
 */
void arn_make(char text[static ARN_TEXT_MAX], const char *queue,
    const char *region, const struct arn *found);

#endif
