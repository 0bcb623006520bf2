/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_SQS_KMS_H
#define SQS_ENTROPY_SQS_KMS_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "sqs/client.h"

/*
 * AWS Key Management Service by its AWS JSON 1.1 protocol, asked by a client
 * of sqs/client.h.
 */
extern const struct sqs_service kms_service;

#define KMS_PERMISSION "kms:GenerateRandom"

/* Fill out with len bytes, 1 to 1,024, of GenerateRandom (KMS API Reference),
 * which needs no key.  An answer that is not base64 of exactly so many bytes is
 * ERR_FORMAT, and out is wiped; else as in client.h. */
int kms_random(struct sqs *s, uint8_t *out, size_t len, int64_t deadline,
    struct err *err) MUST_CHECK;

#endif
