/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_AWS_CRED_CONTAINER_H
#define SQS_ENTROPY_AWS_CRED_CONTAINER_H

#include <stdbool.h>

#include "aws/cred.h"
#include "base/clock.h"
#include "http/client.h"

/*
 * The credentials that a container's host gives: ECS tasks, EKS Pod Identity,
 * Greengrass (AWS SDKs and Tools Reference Guide, "Container credential
 * provider").  AWS_CONTAINER_CREDENTIALS_RELATIVE_URI is a path at
 * http://169.254.170.2 and goes before AWS_CONTAINER_CREDENTIALS_FULL_URI: any
 * https URL, or http to loopback, 169.254.170.2, 169.254.170.23 or
 * fd00:ec2::23.  The content of the file
 * AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE, read anew for each request, or else
 * AWS_CONTAINER_AUTHORIZATION_TOKEN, is sent as the header Authorization.
 */
#define CONTAINER_URL_MAX    2048  /* bytes, with the NUL */
#define CONTAINER_TOKEN_MAX  16384 /* bytes */
#define CONTAINER_ANSWER_MAX 65536 /* bytes */

struct cred_container {
	struct http *http;
	const struct clock *clock;
	bool wait_for_route; /* at boot: no network yet is not an error */
};

/* Borrows c.  ERR_ABSENT: neither of the two is set.  ERR_CONFIG: what is set
 * is no such URL, or the token no header's value; ERR_DENIED; ERR_THROTTLED;
 * ERR_SERVICE; ERR_FORMAT; and what http_do() has. */
struct cred_source cred_container(struct cred_container *c);

/* The URL that is asked, if it is a good one: asks nobody.  ERR_ABSENT,
 * ERR_CONFIG, ERR_NOMEM.  It may be a secret. */
int cred_container_url(char url[static CONTAINER_URL_MAX], struct err *err)
    MUST_CHECK;

/* The token file that is set, NULL for none. */
const char *cred_container_token_file(void);

#endif
