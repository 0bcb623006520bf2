/* SPDX-License-Identifier: Apache-2.0 */
#include "aws/chain_sts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aws/endpoint.h"
#include "base/arn.h"

static int find_sts_region(
    const struct chain_profile *p, const struct shared *s, const char **out)
{
	const char *region = arn_set_region(p->cfg.region, NULL);

	if (*region == '\0')
		region = shared_get(s, shared_profile(s), "region");
	if (region == NULL || *region == '\0')
		region = p->region;
	*out = region;
	return *region != '\0' ? 0 : ERR_ABSENT;
}

static int read_legacy(const struct shared *s, bool *legacy, struct err *err)
{
	const char *mode = getenv("AWS_STS_REGIONAL_ENDPOINTS");

	if (mode == NULL || *mode == '\0')
		mode =
		    shared_get(s, shared_profile(s), "sts_regional_endpoints");
	*legacy = mode != NULL && strcmp(mode, "legacy") == 0;
	if (mode == NULL || *legacy || strcmp(mode, "regional") == 0)
		return 0;
	return err_set(err, ERR_CONFIG,
	    "AWS_STS_REGIONAL_ENDPOINTS or sts_regional_endpoints is neither "
	    "regional nor legacy");
}

/* The endpoint that follows from the region, unless one is set. */
static int make_endpoint(struct chain_profile *p, struct endpoint *e,
    const char *region, bool legacy, struct err *err)
{
	const char *scope = region;

	if (e->url[0] == '\0' && !e->fips && !e->dual) {
		if (sts_default_endpoint(region, legacy, e->url, &scope) != 0)
			return err_set(
			    err, ERR_CONFIG, "the region of STS is too long");
	} else {
		endpoint_make("sts", region, e);
	}
	(void)snprintf(p->endpoint, sizeof p->endpoint, "%s", e->url);
	(void)snprintf(p->scope, sizeof p->scope, "%s", scope);
	p->sts.endpoint = p->endpoint;
	p->sts.region = p->scope;
	return 0;
}

int chain_sts_place(struct chain_profile *p, const struct shared *s, bool signs,
    struct err *err)
{
	const struct endpoint_config config = {.service = "sts",
	    .use_fips = p->cfg.use_fips,
	    .use_dualstack = p->cfg.use_dualstack};
	struct endpoint endpoint;
	const char *region;
	bool legacy;
	int rc = endpoint_find(&config, s, &endpoint, err);

	if (rc == 0)
		rc = read_legacy(s, &legacy, err);
	if (rc != 0)
		return rc;
	if (find_sts_region(p, s, &region) != 0 &&
	    (signs || endpoint.url[0] == '\0'))
		return p->dry ? 0
			      : err_set(err, ERR_CONFIG,
				    "STS is in no region: set AWS_REGION, or "
				    "\"region\" in the profile");
	if (*region != '\0' && !arn_is_region(region))
		return err_set(err, ERR_CONFIG,
		    "\"%.64s\" is no name of a region for STS, such as "
		    "eu-west-1",
		    region);
	return make_endpoint(p, &endpoint, region, legacy, err);
}
