/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_AWS_IMDS_SETTINGS_H
#define SQS_ENTROPY_AWS_IMDS_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>

#include "aws/shared.h"
#include "base/err.h"

#define IMDS_ENDPOINT_MAX 256 /* bytes, with NUL */

/* What the environment and the profile in force say about IMDS. */
struct imds_settings {
	char endpoint[IMDS_ENDPOINT_MAX]; /* without a final slash */
	bool configured;                  /* somebody has set the endpoint */
	bool disabled;
	int try_ms; /* of each try; 0: as long as seems good */
	int tries;  /* of each request; 0: as many as there is time for */
};

/*
 * In the order of the AWS SDKs, a variable before the profile's key:
 * AWS_EC2_METADATA_SERVICE_ENDPOINT (ec2_metadata_service_endpoint), then
 * AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE (ec2_metadata_service_endpoint_mode),
 * IPv4 or IPv6 in any case; AWS_METADATA_SERVICE_TIMEOUT in seconds
 * (metadata_service_timeout), AWS_METADATA_SERVICE_NUM_ATTEMPTS
 * (metadata_service_num_attempts); AWS_EC2_METADATA_DISABLED.  An empty one
 * counts as not set.  files may be NULL.  ERR_CONFIG with the name of the one
 * that is wrong; errors of shared_read().
 */
int imds_settings_read(struct shared_files *files, struct imds_settings *out,
    struct err *err) MUST_CHECK;

#endif
