/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_AWS_DENIAL_H
#define SQS_ENTROPY_AWS_DENIAL_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Which policy of AWS denied a request, as the text of an AccessDenied tells it
 * (IAM User Guide, "Troubleshoot access denied error messages"): "User: WHO is
 * not authorized to perform: ACTION on resource: ARN because no KIND allows the
 * ACTION action", or "... with an explicit deny in a KIND", which the policy's
 * ARN may follow.  Pure.
 */
enum denial_policy {
	DENIAL_UNTOLD, /* the text does not say */
	DENIAL_IDENTITY,
	DENIAL_RESOURCE, /* of the queue, of the key; a role's trust policy */
	DENIAL_BOUNDARY,
	DENIAL_SESSION,
	DENIAL_ORGANIZATION,          /* a service control policy */
	DENIAL_ORGANIZATION_RESOURCE, /* a resource control policy */
	DENIAL_ENDPOINT
};

/* In the text that was read, which has to live as long. */
struct denial_word {
	const char *at;
	int len; /* 0: not told */
};

struct denial {
	enum denial_policy policy;
	bool by_deny; /* by a Deny statement; else nothing allows it */
	struct denial_word action;   /* "sqs:receivemessage" */
	struct denial_word resource; /* its ARN */
	struct denial_word which;    /* the ARN of the policy */
};

void denial_read(struct denial *d, const char *text);

/* The first ARN of that service in the text. */
struct denial_word denial_find_arn(const char *text, const char *service);

/* "WORD" as a word. */
struct denial_word denial_word_of(const char *word);

/* Write what its reader can do about a denial whose action and resource are
 * known.  own is what the resource's own policy is called ("queue's own
 * policy"; a KMS key's is known), source where the credentials come from.  The
 * remedy fits into 700 bytes unless the ARNs are longer than any of SQS and
 * KMS. */
void denial_advise(const struct denial *d, const char *own, const char *source,
    char *out, size_t size);

#endif
