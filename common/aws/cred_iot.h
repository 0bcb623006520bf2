/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_AWS_CRED_IOT_H
#define SQS_ENTROPY_AWS_CRED_IOT_H

#include <stdbool.h>

#include "aws/cred.h"
#include "base/clock.h"
#include "base/err.h"
#include "http/client.h"

/*
 * The credentials of a role that AWS IoT gives to a thing for its certificate
 * (AWS IoT Core Developer Guide, "Authorizing direct calls to AWS services
 * using AWS IoT Core credential provider").
 */
#define CRED_IOT_NAME_MAX   128   /* characters of an alias, of a thing */
#define CRED_IOT_ANSWER_MAX 65536 /* bytes */

struct cred_iot_config {
	const char *endpoint; /* "HOST.credentials.iot.REGION.amazonaws.com" */
	const char *role_alias;
	const char *thing_name;
	const char *certificate; /* path, PEM, with those it was issued by */
	const char *private_key; /* path, PEM, without a pass phrase */
};

/* True if any of them is set, which are NULL or "" when they are not. */
bool cred_iot_is_set(const struct cred_iot_config *cfg);

struct cred_iot;

/* Borrows all, and reads both files ahead as pem_file.h says.  *out is the
 * caller's to free.  ERR_CONFIG, with the setting's name: some are set and
 * others are not, a name that cannot be, what pem_file.h has; ERR_NOMEM. */
int cred_iot_new(const struct cred_iot_config *cfg, struct http *http,
    const struct clock *clock, bool wait_for_route, struct cred_iot **out,
    struct err *err) MUST_CHECK;
void cred_iot_free(struct cred_iot *i);

/* Borrows i.  It is the source that was asked for: it never passes the turn to
 * another.  The files are read anew for each request.  ERR_CONFIG; ERR_DENIED:
 * AWS IoT refuses the certificate, or that it has this role; ERR_THROTTLED;
 * ERR_SERVICE; ERR_FORMAT; and what http_do() has. */
struct cred_source cred_iot_source(struct cred_iot *i);

#endif
