/* SPDX-License-Identifier: Apache-2.0 */
#include "sqs/place.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aws/cred_file.h"

#define QUEUE_NAME_MAX 80 /* characters, SQS API Reference, CreateQueue */
#define LABELS_MAX     8

const char *place_variable(const char *name)
{
	const char *value = getenv(name);

	return value != NULL && *value != '\0' ? value : NULL;
}

static const char *non_empty(const char *s)
{
	return s != NULL && *s != '\0' ? s : NULL;
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

/* Cut host at its dots; 0 when there are more than LABELS_MAX labels. */
static size_t split_labels(char *host, const char *label[static LABELS_MAX])
{
	size_t n = 0;
	char *next;

	for (; host != NULL; host = next) {
		if (n == LABELS_MAX)
			return 0;
		next = strchr(host, '.');
		if (next != NULL)
			*next++ = '\0';
		label[n++] = host;
	}
	return n;
}

static bool ends_in(
    const char *const *label, size_t *n, const char *const *end, size_t end_n)
{
	if (*n <= end_n)
		return false;
	for (size_t i = 0; i < end_n; i++)
		if (strcmp(label[*n - end_n + i], end[i]) != 0)
			return false;
	*n -= end_n;
	return true;
}

/* The label that is the region, of a host without its DNS suffix. */
static const char *region_label(const char *const *label, size_t n)
{
	if (n == 2 &&
	    (strcmp(label[0], "sqs") == 0 || strcmp(label[0], "sqs-fips") == 0))
		return label[1];
	if (n == 2 && strcmp(label[1], "queue") == 0)
		return label[0];
	if (n == 4 && strcmp(label[1], "sqs") == 0 &&
	    strcmp(label[3], "vpce") == 0)
		return label[2];
	return NULL;
}

bool place_region_of(const char *url, char region[static LIMIT_REGION])
{
	static const char *const china[] = {"amazonaws", "com", "cn"};
	static const char *const world[] = {"amazonaws", "com"};
	static const char *const dual[] = {"api", "aws"};
	const char *label[LABELS_MAX], *found;
	struct url parts;
	char host[LIMIT_URL];
	size_t n;

	if (url_split(url, &parts) != 0)
		return false;
	(void)snprintf(host, sizeof host, "%s", parts.host);
	host[strcspn(host, ":")] = '\0';
	n = split_labels(host, label);
	if (!ends_in(label, &n, china, 3) && !ends_in(label, &n, world, 2) &&
	    !ends_in(label, &n, dual, 2))
		return false;
	found = region_label(label, n);
	if (found == NULL || !place_is_region(found))
		return false;
	(void)snprintf(region, LIMIT_REGION, "%s", found);
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
	const char *found = place_variable("AWS_ENDPOINT_URL_SQS");

	if (found == NULL)
		found = place_variable("AWS_ENDPOINT_URL");
	if (found == NULL)
		found = non_empty(cfg->endpoint_url);
	if (found == NULL)
		found = non_empty(origin);
	return found;
}

bool place_find_region(
    struct session *s, const char *origin, const char *endpoint)
{
	const char *set;

	if (endpoint != NULL && strcmp(endpoint, origin) == 0 &&
	    place_region_of(origin, s->region))
		return true;
	set = place_variable("AWS_REGION");
	if (set == NULL)
		set = place_variable("AWS_DEFAULT_REGION");
	if (set == NULL)
		set = non_empty(s->cfg->region);
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
