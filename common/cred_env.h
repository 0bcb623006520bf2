/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_CRED_ENV_H
#define SQS_ENTROPY_CRED_ENV_H

#include "cred.h"

/* AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN (AWS SDKs and
 * Tools Reference Guide, "Environment variables").  One key without the other
 * is ERR_CONFIG. */
struct cred_source cred_env(void);

#endif
