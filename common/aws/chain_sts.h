/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_AWS_CHAIN_STS_H
#define SQS_ENTROPY_AWS_CHAIN_STS_H

#include "aws/chain_profile.h"

/* For chain_profile.c alone: set p->sts to the endpoint of STS and its region.
 * Region: AWS_REGION, AWS_DEFAULT_REGION, configured, the profile in force, the
 * one of chain_set_region().  Endpoint: as endpoint.h says, and with
 * AWS_STS_REGIONAL_ENDPOINTS or sts_regional_endpoints "legacy" the global one
 * in old regions.  What is not signed needs no region where an endpoint is set.
 * ERR_CONFIG. */
int chain_sts_place(struct chain_profile *p, const struct shared *s, bool signs,
    struct err *err) MUST_CHECK;

#endif
