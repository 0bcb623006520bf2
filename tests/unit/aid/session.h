/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_AID_SESSION_H
#define SQS_ENTROPY_AID_SESSION_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sqs/session.h"

/* What the tests of sessions share. */

/* Nothing of the host's own settings counts, and there is no metadata service.
 */
static inline void session_aid_forget_host(void)
{
	static const char *const variables[] = {"AWS_REGION",
	    "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL_KMS",
	    "AWS_ENDPOINT_URL_SQS", "AWS_ENDPOINT_URL", "AWS_CA_BUNDLE",
	    "AWS_PROFILE", "AWS_EC2_METADATA_SERVICE_ENDPOINT",
	    "AWS_SESSION_TOKEN", "AWS_USE_FIPS_ENDPOINT",
	    "AWS_USE_DUALSTACK_ENDPOINT",
	    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"};

	for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++)
		(void)unsetenv(variables[i]);
	(void)setenv("AWS_EC2_METADATA_DISABLED", "true", 1);
	(void)setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent/a", 1);
	(void)setenv("AWS_CONFIG_FILE", "/nonexistent/b", 1);
}

/* A session of two queues, either of which may be "", up to the next call. */
static inline struct session_config session_aid_of(
    const char *first, const char *second)
{
	static char queues[LIMIT_QUEUES][LIMIT_URL];

	memset(queues, 0, sizeof queues);
	assert_true(strlen(first) < LIMIT_URL && strlen(second) < LIMIT_URL);
	strcpy(queues[0], first);
	strcpy(queues[1], second);
	return (struct session_config){
	    .queues = (const char(*)[LIMIT_URL])queues,
	    .region = "",
	    .endpoint_url = "",
	    .profile = "",
	    .ca_bundle = "",
	    .agent = "test",
	    .cancel_fd = -1};
}

#endif
