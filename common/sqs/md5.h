/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_SQS_MD5_H
#define SQS_ENTROPY_SQS_MD5_H

#include <stdbool.h>
#include <stddef.h>

/*
 * The digests by which SQS and its clients notice damage on the way (SQS
 * Developer Guide, "Calculating the MD5 message digest for message
 * attributes").  Where OpenSSL has no MD5 they are not looked at.
 */
#define SQS_MD5_ATTRIBUTES_MAX 10

struct sqs_attribute {
	const char *name;
	const char *type; /* "String", "Number", "Binary", or with ".LABEL" */
	const void *value;
	size_t len;
};

/* True if hex, in small letters or capitals, is the MD5 of body.  NULL
 * never matches. */
bool sqs_md5_body(const char *body, size_t len, const char *hex);

/* The same for n attributes, which are sorted in place.  Without attributes
 * hex has to be NULL. */
bool sqs_md5_attributes(
    struct sqs_attribute *attributes, size_t n, const char *hex);

#endif
