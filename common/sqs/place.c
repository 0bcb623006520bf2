/* SPDX-License-Identifier: Apache-2.0 */
#include "sqs/place.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aws/cred_file.h"
#include "base/url.h"

/* The first of n texts that is neither NULL nor empty; NULL: none is. */
static const char *first_set(const char *const *texts, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (texts[i] != NULL && *texts[i] != '\0')
			return texts[i];
	return NULL;
}

/* The region that the host of a URL names; false when it names none. */
static bool read_region_of(const char *url, char region[static LIMIT_REGION])
{
	struct url parts;

	return url_split(url, &parts) == 0 && arn_region_of(parts.host, region);
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

int place_find_queue(const char *queue, struct place *p, struct err *err)
{
	struct url parts;

	p->origin[0] = '\0';
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
	const char *set = arn_set_region(cfg->region, NULL);

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
		    "%s, but the region that is set is %.64s",
		    p->said.region, set);
	return 0;
}

const char *place_find_endpoint(
    const struct session_config *cfg, const char *origin)
{
	const char *const from[] = {getenv("AWS_ENDPOINT_URL_SQS"),
	    getenv("AWS_ENDPOINT_URL"), cfg->endpoint_url, origin};

	return first_set(from, sizeof from / sizeof from[0]);
}

bool place_find_region(
    struct session *s, const struct place *p, const char *endpoint)
{
	const char *set = arn_set_region(s->cfg->region, NULL);
	const char *said = p->said.region;
	const bool own = p->origin[0] == '\0' ||
			 (endpoint != NULL && strcmp(endpoint, p->origin) == 0);

	if (own && *said != '\0')
		set = said;
	if (*set != '\0') {
		/* "?" is no region: arn_is_region() refuses it. */
		(void)snprintf(s->region, sizeof s->region, "%s",
		    strlen(set) < sizeof s->region ? set : "?");
		return true;
	}
	if (endpoint != NULL && read_region_of(endpoint, s->region))
		return true;
	memcpy(s->region, said, sizeof s->region);
	return *said != '\0' ||
	       cred_file_region(s->file, s->region, sizeof s->region) == 0;
}
