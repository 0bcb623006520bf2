/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_AWS_CRED_ENV_H
#define SQS_ENTROPY_AWS_CRED_ENV_H

#include "aws/cred.h"

/* AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN (AWS SDKs and
 * Tools Reference Guide, "Environment variables").  One key without the other
 * is ERR_CONFIG. */
struct cred_source cred_env(void);

/* Overwrite the secret ones in this process's own environment: for the half
 * that has no use for them. */
void cred_env_forget(void);

#endif
