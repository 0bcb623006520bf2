/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_SQS_SSM_H
#define SQS_ENTROPY_SQS_SSM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/limits.h"
#include "message/seal.h"
#include "sqs/client.h"

/*
 * AWS Systems Manager's Parameter Store by its AWS JSON 1.1 protocol, asked by
 * a client of sqs/client.h.
 */
extern const struct sqs_service ssm_service;

#define SSM_PERMISSION "ssm:GetParameter"
#define SSM_NAME_MAX   2048 /* characters of a name (API Reference) */

/* True if name could be a parameter's name or ARN, or such with ":VERSION" or
 * ":LABEL" behind it. */
bool ssm_is_name(const char *name);

/* The fleet's sealing keys, and those before them, so that what was sealed
 * before a key was changed still opens. */
struct ssm_keys {
	size_t n;                               /* the newest first; 0: none */
	int64_t version[LIMIT_SEAL_KEYS];       /* of the parameter */
	struct seal_keys keys[LIMIT_SEAL_KEYS]; /* the caller wipes them */
	struct err former; /* why the version before is missing; code 0: it is
			      not, or there is none */
};

/*
 * Read the key of a parameter (GetParameter with decryption), which has to be a
 * SecureString with the text of a key file (message/keyfile.h).  Of a name
 * without version and label, the version before is asked for, too; it may take
 * a quarter of the time, and is left out when it holds the same key.
 * ERR_CONFIG: it is not there, not encrypted, holds no such key, or its KMS key
 * cannot be used; ERR_UNSUPPORTED: OpenSSL cannot use the newest one; else as
 * in client.h.
 */
int ssm_seal_keys(struct sqs *s, const char *name, int64_t deadline,
    struct ssm_keys *out, struct err *err) MUST_CHECK;

#endif
