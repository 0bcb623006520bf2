/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_AWS_CRED_ENV_H
#define SQS_ENTROPY_AWS_CRED_ENV_H

#include "aws/cred.h"

/* AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN or, as it was
 * called once, AWS_SECURITY_TOKEN, AWS_CREDENTIAL_EXPIRATION (AWS SDKs and
 * Tools Reference Guide, "Environment variables").  ERR_ABSENT: no key;
 * ERR_CONFIG: one without the other, a malformed one, no time. */
struct cred_source cred_env(void);

/* Overwrite the secret ones in this process's own environment: for the half
 * that has no use for them. */
void cred_env_forget(void);

#endif
