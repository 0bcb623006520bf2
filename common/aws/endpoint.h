/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_AWS_ENDPOINT_H
#define SQS_ENTROPY_AWS_ENDPOINT_H

#include <stdbool.h>

#include "aws/shared.h"
#include "base/err.h"
#include "base/limits.h"
#include "base/text.h"

/*
 * Where a service of AWS is asked (AWS SDKs and Tools Reference Guide,
 * "Service-specific endpoints" and "Dual-stack and FIPS endpoints"), in the
 * order of botocore, and by the rules of its endpoint rule sets of SQS, STS,
 * SSM and KMS, which read alike but for STS's global endpoint and KMS in
 * GovCloud.
 */
struct endpoint_config {
	const char *service; /* as in its host: "sqs" */
	/* URLs, "" or NULL for none: given for this run, and in our own
	 * configuration, which comes behind the environment. */
	const char *option;
	const char *configured;
	/* Of our own configuration. */
	enum text_switch use_fips, use_dualstack;
};

#define ENDPOINT_FROM_MAX 192 /* bytes, with the NUL */

struct endpoint {
	char url[LIMIT_URL];          /* "": none is set, see endpoint_make() */
	char from[ENDPOINT_FROM_MAX]; /* what says so, for people */
	bool stored;                  /* a shared file says so */
	bool fips;                    /* asked for, by: */
	bool dual;                    /* with IPv6, asked for, by: */
	char fips_from[ENDPOINT_FROM_MAX];
	char dual_from[ENDPOINT_FROM_MAX];
};

/*
 * The endpoint that is set: option, AWS_ENDPOINT_URL_SERVICE, AWS_ENDPOINT_URL,
 * configured, "endpoint_url" of the profile's services section, that of the
 * profile.  With AWS_IGNORE_CONFIGURED_ENDPOINT_URLS, or the profile's key of
 * that name, only option and configured count.  FIPS and dual-stack:
 * AWS_USE_FIPS_ENDPOINT, configured, the profile; the other likewise.
 * ERR_CONFIG, which names the place: a switch that is neither true nor false, a
 * URL that is too long, a services section that is not there, or an endpoint
 * beside FIPS or dual-stack, because nobody knows whether it is such a one.
 * Whether the URL is good is not judged.
 */
int endpoint_find(const struct endpoint_config *cfg,
    const struct shared *shared, struct endpoint *out, struct err *err)
    MUST_CHECK;

/* ERR_CONFIG if a FIPS or dual-stack endpoint was asked for and e->url is set,
 * to something that e->from names. */
int endpoint_check(const struct endpoint *e, struct err *err) MUST_CHECK;

/* The service's own endpoint in a good region, if e->url is "".  All
 * partitions that are known have hosts for FIPS and with IPv6. */
void endpoint_make(const char *service, const char *region, struct endpoint *e);

#endif
