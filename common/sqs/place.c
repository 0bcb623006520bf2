/* SPDX-License-Identifier: Apache-2.0 */
#include "sqs/place.h"

#include <stdio.h>
#include <string.h>

#include "base/url.h"

/* The region that the endpoint's host names; false when it names none. */
static bool read_region_of(
    const struct place *p, char region[static LIMIT_REGION])
{
	struct url parts;

	return url_split(p->endpoint.url, &parts) == 0 &&
	       arn_region_of(p->service, parts.host, region);
}

static int refuse_queue(const char *queue, struct err *err)
{
	if (arn_is_meant(queue))
		return err_set(err, ERR_CONFIG,
		    "queue \"%.200s\" is not a queue's ARN: "
		    "arn:PARTITION:sqs:REGION:ACCOUNT:QUEUE, with the partition "
		    "of that region and an account of %d digits",
		    queue, ARN_ACCOUNT_LEN);
	if (url_is_meant(queue))
		return err_set(err, ERR_CONFIG,
		    "queue \"%.200s\" is not a queue's URL: "
		    "https://HOST/ACCOUNT/QUEUE",
		    queue);
	return err_set(err, ERR_CONFIG,
	    "queue \"%.128s\" is no queue name (up to %d of A-Z a-z 0-9 - _, "
	    "and .fifo), no URL and no ARN",
	    queue, ARN_NAME_MAX);
}

int place_find_queue(
    const char *service, const char *queue, struct place *p, struct err *err)
{
	struct url parts;

	*p = (struct place){.service = service};
	if (arn_read(queue, &p->said) != 0)
		return refuse_queue(queue, err);
	if (url_split(queue, &parts) == 0)
		memcpy(p->origin, parts.origin, sizeof p->origin);
	return 0;
}

/* True if a queue is known by a host of AWS that is asked over TLS at its usual
 * port, or by no host. */
static bool is_in_aws(const struct place *p)
{
	return p->origin[0] == '\0' ||
	       (p->said.region[0] != '\0' &&
		   strncmp(p->origin, "https://", 8) == 0 &&
		   strchr(p->origin + 8, ':') == NULL);
}

int place_check_tag(
    const struct session_config *cfg, const struct place *p, struct err *err)
{
	const char *by, *set = arn_set_region(cfg->region, &by);

	if (!is_in_aws(p))
		return err_set(err, ERR_CONFIG,
		    "the instance tag " SESSION_QUEUE_TAG " leads to %.200s, "
		    "which is no host of SQS at AWS: let the tag have the "
		    "queue's ARN, or set \"queue\" in the configuration",
		    p->origin);
	if (*set != '\0' && p->said.region[0] != '\0' &&
	    strcmp(set, p->said.region) != 0)
		return err_set(err, ERR_CONFIG,
		    "the instance tag " SESSION_QUEUE_TAG " names a queue in "
		    "%s, but %s says the region %.64s: let the tag name a "
		    "queue there",
		    p->said.region, by, set);
	return 0;
}

/* The host of a VPC endpoint is somebody's own choice, and no rule knows its
 * other forms. */
static bool has_other_forms(const struct place *p)
{
	return is_in_aws(p) && strncmp(p->origin, "https://vpce-", 13) != 0;
}

/* Without another endpoint the host of a queue's URL is asked, unless another
 * host of its region was asked for. */
static int take_origin(struct place *p, struct err *err)
{
	struct endpoint *e = &p->endpoint;

	if ((e->fips || e->dual) && has_other_forms(p))
		return 0;
	memcpy(e->url, p->origin, sizeof e->url);
	(void)snprintf(e->from, sizeof e->from, "the queue's URL");
	return endpoint_check(e, err);
}

int place_find_endpoint(const struct session_config *cfg,
    const struct shared *shared, struct place *p, struct err *err)
{
	const struct endpoint_config config = {.service = p->service,
	    .option = cfg->endpoint_option,
	    .configured = cfg->endpoint_url,
	    .use_fips = cfg->use_fips,
	    .use_dualstack = cfg->use_dualstack};
	int rc = endpoint_find(&config, shared, &p->endpoint, err);

	if (rc == 0 && p->endpoint.url[0] == '\0' && p->origin[0] != '\0')
		rc = take_origin(p, err);
	return rc;
}

/* Old SDKs had such names for the regions' FIPS endpoints. */
static bool is_pseudo_region(const char *region)
{
	const size_t len = strlen(region);

	return strncmp(region, "fips-", 5) == 0 ||
	       (len > 5 && strcmp(region + len - 5, "-fips") == 0);
}

int place_set_region(
    struct place *p, const char *region, const char *from, struct err *err)
{
	char there[LIMIT_REGION];

	if (!arn_is_region(region))
		return err_set(err, ERR_CONFIG,
		    "%s: \"%.64s\" is no name of a region, such as eu-west-1",
		    from, region);
	if (is_pseudo_region(region))
		return err_set(err, ERR_CONFIG,
		    "%s: \"%s\" is no region: write the region itself, and set "
		    "AWS_USE_FIPS_ENDPOINT=true or \"use-fips-endpoint\"",
		    from, region);
	if (read_region_of(p, there) && strcmp(there, region) != 0)
		return err_set(err, ERR_CONFIG,
		    "%s says the region %s, but %s sets an endpoint in %s, "
		    "%.128s: let both name the queue's region",
		    from, region, p->endpoint.from, there, p->endpoint.url);
	memcpy(p->region, region, strlen(region) + 1);
	(void)snprintf(p->region_from, sizeof p->region_from, "%s", from);
	return 0;
}

static const char *name_queue(const struct place *p)
{
	return p->origin[0] != '\0' ? "the queue's URL" : "the queue's ARN";
}

/* ERR_ABSENT, and what to set where. */
static int explain_absence(
    const struct shared *shared, const struct place *p, struct err *err)
{
	const bool there = shared_is_there(shared, SHARED_CONFIG);
	const bool asked = p->endpoint.url[0] != '\0';

	return err_set(err, ERR_ABSENT,
	    "no region: the queue%s %s none, AWS_REGION, AWS_DEFAULT_REGION "
	    "and \"region\" of the configuration are not set, the profile "
	    "%.64s has none (%.100s%s): set AWS_REGION or \"region\" in the "
	    "configuration",
	    asked ? " and the endpoint" : "", asked ? "name" : "names",
	    shared_profile(shared), shared_path(shared, SHARED_CONFIG),
	    there ? "" : " is not there");
}

int place_find_region(const struct session_config *cfg,
    const struct shared *shared, struct place *p, struct err *err)
{
	const char *profile = shared_profile(shared);
	const char *by, *set = arn_set_region(cfg->region, &by);
	char from[ENDPOINT_FROM_MAX], there[LIMIT_REGION];

	if (p->said.region[0] != '\0')
		return place_set_region(p, p->said.region, name_queue(p), err);
	if (*set != '\0')
		return place_set_region(p, set, by, err);
	if (read_region_of(p, there))
		return place_set_region(p, there, p->endpoint.from, err);
	set = shared_get(shared, profile, "region");
	if (set == NULL || *set == '\0')
		return explain_absence(shared, p, err);
	(void)snprintf(
	    from, sizeof from, "region of the profile %.128s", profile);
	return place_set_region(p, set, from, err);
}

int place_explain_missing(int rc, const char *what, struct err *err)
{
	struct err why = *err;

	if (rc == ERR_CANCELED)
		return rc;
	return err_set(err, rc == ERR_ABSENT ? ERR_CONFIG : rc,
	    "%s (asked EC2 metadata: %s)", what, why.text);
}

int place_ask_region(
    struct place *p, struct imds *imds, int64_t deadline, struct err *err)
{
	const struct err nobody = *err;
	char text[IMDS_TEXT_MAX];
	int rc = imds_region(imds, text, deadline, err);

	if (rc == 0) {
		err->code = 0;
		return place_set_region(p, text, "EC2 metadata", err);
	}
	return place_explain_missing(rc, nobody.text, err);
}

void place_warn(const struct session_config *cfg, const struct place *p,
    char text[static SESSION_WARNING_MAX])
{
	const char *by, *set = arn_set_region(cfg->region, &by);
	struct err warning = {.text = ""};

	if (*set != '\0' && p->said.region[0] != '\0' &&
	    strcmp(set, p->said.region) != 0)
		(void)err_set(&warning, ERR_CONFIG,
		    "%s says the region %.64s, but the queue is in %s, as %s "
		    "says: requests are signed for %s",
		    by, set, p->said.region, name_queue(p), p->said.region);
	memcpy(text, warning.text, SESSION_WARNING_MAX);
}
