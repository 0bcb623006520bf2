/* SPDX-License-Identifier: Apache-2.0 */
#include "sqs/place.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aws/cred_file.h"

#define QUEUE_NAME_MAX 80 /* characters, SQS API Reference, CreateQueue */

/* The first of n texts that is neither NULL nor empty; NULL: none is. */
static const char *first_set(const char *const *texts, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (texts[i] != NULL && *texts[i] != '\0')
			return texts[i];
	return NULL;
}

bool place_is_region(const char *s)
{
	size_t len = strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-");

	return len > 0 && len < LIMIT_REGION && s[len] == '\0';
}

static bool is_queue_name(const char *s)
{
	size_t len = strspn(s,
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	    "-_");

	if (strcmp(s + len, ".fifo") == 0 && len + 5 <= QUEUE_NAME_MAX)
		return len > 0;
	return len > 0 && len <= QUEUE_NAME_MAX && s[len] == '\0';
}

/* Take end away from a host that has more before it; false: it has not. */
static bool cut_end(char *host, const char *end)
{
	size_t len = strlen(host), end_len = strlen(end);

	if (len <= end_len || strcmp(host + len - end_len, end) != 0)
		return false;
	host[len - end_len] = '\0';
	return true;
}

/* What comes after start in text, NULL unless text begins with it. */
static const char *skip_start(const char *text, const char *start)
{
	size_t len = strlen(start);

	return text != NULL && strncmp(text, start, len) == 0 ? text + len
							      : NULL;
}

/* Where the region is in a host without its DNS suffix. */
static const char *region_part(char *host)
{
	const char *found;

	if (cut_end(host, ".vpce"))
		return skip_start(strchr(host, '.'), ".sqs.");
	if (cut_end(host, ".queue"))
		return host;
	found = skip_start(host, "sqs.");
	return found != NULL ? found : skip_start(host, "sqs-fips.");
}

bool place_region_of(const char *url, char region[static LIMIT_REGION])
{
	static const char *const suffixes[] = {
	    ".amazonaws.com.cn", ".amazonaws.com", ".api.aws"};
	struct url parts;
	char host[LIMIT_URL];
	const char *found;
	bool aws = false;

	if (url_split(url, &parts) != 0)
		return false;
	(void)snprintf(host, sizeof host, "%s", parts.host);
	host[strcspn(host, ":")] = '\0';
	for (size_t i = 0; i < 3 && !aws; i++)
		aws = cut_end(host, suffixes[i]);
	found = aws ? region_part(host) : NULL;
	if (found == NULL || !place_is_region(found))
		return false;
	memcpy(region, found, strlen(found) + 1);
	return true;
}

int place_find_queue(const char *queue, struct url *parts, struct err *err)
{
	parts->origin[0] = '\0';
	if (!url_is_meant(queue)) {
		if (is_queue_name(queue))
			return 0;
		return err_set(err, ERR_CONFIG,
		    "queue \"%.128s\" is no queue name (up to %d of A-Z a-z "
		    "0-9 - _, and .fifo) and no URL",
		    queue, QUEUE_NAME_MAX);
	}
	if (url_split(queue, parts) == 0 && url_has_queue(parts))
		return 0;
	return err_set(err, ERR_CONFIG,
	    "queue \"%.200s\" is not a queue's URL: "
	    "https://HOST/ACCOUNT/QUEUE",
	    queue);
}

const char *place_find_endpoint(
    const struct session_config *cfg, const char *origin)
{
	const char *const from[] = {getenv("AWS_ENDPOINT_URL_SQS"),
	    getenv("AWS_ENDPOINT_URL"), cfg->endpoint_url, origin};

	return first_set(from, sizeof from / sizeof from[0]);
}

bool place_find_region(
    struct session *s, const char *origin, const char *endpoint)
{
	const char *const from[] = {
	    getenv("AWS_REGION"), getenv("AWS_DEFAULT_REGION"), s->cfg->region};
	const char *set = first_set(from, sizeof from / sizeof from[0]);

	if (endpoint != NULL && strcmp(endpoint, origin) == 0 &&
	    place_region_of(origin, s->region))
		return true;
	if (set != NULL) {
		/* "?" is no region: place_is_region() refuses it. */
		(void)snprintf(s->region, sizeof s->region, "%s",
		    strlen(set) < sizeof s->region ? set : "?");
		return true;
	}
	return (endpoint != NULL && place_region_of(endpoint, s->region)) ||
	       place_region_of(origin, s->region) ||
	       cred_file_region(s->file, s->region, sizeof s->region) == 0;
}
