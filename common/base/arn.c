/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arn.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/url.h"

#define LOWER    "abcdefghijklmnopqrstuvwxyz"
#define DIGITS   "0123456789"
#define COUNT(a) (sizeof(a) / sizeof(a)[0])

/* "aws" has every region that begins like none of the others. */
static const struct arn_partition partitions[] = {
    {"aws", "", "amazonaws.com", "api.aws"},
    {"aws-cn", "cn-", "amazonaws.com.cn", "api.amazonwebservices.com.cn"},
    {"aws-us-gov", "us-gov-", "amazonaws.com", "api.aws"},
    {"aws-iso", "us-iso-", "c2s.ic.gov", "api.aws.ic.gov"},
    {"aws-iso-b", "us-isob-", "sc2s.sgov.gov", "api.aws.scloud"},
    {"aws-iso-e", "eu-isoe-", "cloud.adc-e.uk", "api.cloud-aws.adc-e.uk"},
    {"aws-iso-f", "us-isof-", "csp.hci.ic.gov", "api.aws.hci.ic.gov"},
    {"aws-eusc", "eusc-", "amazonaws.eu", "api.amazonwebservices.eu"},
};

const struct arn_partition *arn_partition(const char *region)
{
	const struct arn_partition *p = &partitions[COUNT(partitions) - 1];

	while (strncmp(region, p->region, strlen(p->region)) != 0)
		p--;
	return p;
}

/* ---- the parts of an ARN */

bool arn_is_region(const char *s)
{
	const size_t len = strspn(s, LOWER DIGITS "-");

	return len > 0 && len < LIMIT_REGION && s[len] == '\0' && s[0] != '-' &&
	       s[len - 1] != '-';
}

static bool is_account(const char *s)
{
	return strspn(s, DIGITS) == ARN_ACCOUNT_LEN &&
	       s[ARN_ACCOUNT_LEN] == '\0';
}

static bool is_queue_name(const char *s)
{
	size_t len = strspn(s, LOWER "ABCDEFGHIJKLMNOPQRSTUVWXYZ" DIGITS "-_");

	if (strcmp(s + len, ".fifo") == 0 && len + 5 <= ARN_NAME_MAX)
		return len > 0;
	return len > 0 && len <= ARN_NAME_MAX && s[len] == '\0';
}

bool arn_is_sound(const struct arn *a)
{
	return memchr(a->region, '\0', sizeof a->region) != NULL &&
	       memchr(a->account, '\0', sizeof a->account) != NULL &&
	       memchr(a->name, '\0', sizeof a->name) != NULL &&
	       (a->region[0] == '\0' || arn_is_region(a->region)) &&
	       (a->account[0] == '\0' || is_account(a->account)) &&
	       (a->name[0] == '\0' || is_queue_name(a->name));
}

const char *arn_set_region(const char *configured, const char **by)
{
	static const char *const variables[] = {
	    "AWS_REGION", "AWS_DEFAULT_REGION"};
	const char *set;

	for (size_t i = 0; i < COUNT(variables); i++) {
		set = getenv(variables[i]);
		if (set == NULL || *set == '\0')
			continue;
		if (by != NULL)
			*by = variables[i];
		return set;
	}
	if (by != NULL)
		*by = "\"region\" in the configuration";
	return configured;
}

/* ---- hosts */

/* Copy the text before the first end, or before the NUL, and go behind it;
 * false if it is not shorter than size. */
static bool take_part(const char **text, char end, char *out, size_t size)
{
	const size_t len = strcspn(*text, (const char[]){end, '\0'});

	if (len >= size)
		return false;
	memcpy(out, *text, len);
	out[len] = '\0';
	*text += len + ((*text)[len] == end ? 1 : 0);
	return true;
}

/* Take end away from a host that has more before it; false: it has not. */
static bool cut_end(char *host, const char *end)
{
	const size_t len = strlen(host), end_len = strlen(end);

	if (len <= end_len || strcmp(host + len - end_len, end) != 0)
		return false;
	host[len - end_len] = '\0';
	return true;
}

/* What comes after start in text, NULL unless text begins with it. */
static const char *skip_start(const char *text, const char *start)
{
	const size_t len = strlen(start);

	return text != NULL && strncmp(text, start, len) == 0 ? text + len
							      : NULL;
}

/* What comes after the name of the service, with FIPS or without. */
static const char *skip_service(const char *service, const char *text)
{
	const char *rest = skip_start(text, service);
	const char *found = skip_start(rest, ".");

	return found != NULL ? found : skip_start(rest, "-fips.");
}

/* SQS has names of its own beside those that every service has. */
static bool is_sqs(const char *service)
{
	return strcmp(service, "sqs") == 0;
}

/* Where the region is in a host without its domain. */
static const char *region_part(const char *service, char *host)
{
	const char *zone;

	if (cut_end(host, ".vpce")) {
		zone = skip_start(host, "vpce-");
		return zone == NULL ? NULL
				    : skip_service(service,
					  skip_start(strchr(zone, '.'), "."));
	}
	if (is_sqs(service) && cut_end(host, ".queue"))
		return host;
	return skip_service(service, host);
}

/* True if a host of that domain and of a region of p names it. */
static bool read_region(const struct arn_partition *p, const char *service,
    const char *host, const char *suffix, char region[static LIMIT_REGION])
{
	char rest[LIMIT_URL];
	const char *found;

	(void)snprintf(rest, sizeof rest, "%s", host);
	if (!cut_end(rest, suffix) || !cut_end(rest, "."))
		return false;
	found = region_part(service, rest);
	if (found == NULL || !arn_is_region(found) || arn_partition(found) != p)
		return false;
	memcpy(region, found, strlen(found) + 1);
	return true;
}

bool arn_region_of(
    const char *service, const char *host, char region[static LIMIT_REGION])
{
	const struct arn_partition *p = partitions;
	char name[LIMIT_URL];

	if (!take_part(&host, ':', name, sizeof name))
		return false;
	if (is_sqs(service) && strcmp(name, "queue.amazonaws.com") == 0) {
		memcpy(region, "us-east-1", sizeof "us-east-1");
		return true;
	}
	for (size_t i = 0; i < COUNT(partitions); i++, p++)
		if (read_region(p, service, name, p->suffix, region) ||
		    read_region(p, service, name, p->dual, region))
			return true;
	return false;
}

/* ---- queues */

bool arn_is_meant(const char *text)
{
	return strncmp(text, "arn:", 4) == 0;
}

static int read_arn(const char *text, struct arn *out)
{
	char partition[32], service[4];
	bool good;

	text += strlen("arn:");
	good = take_part(&text, ':', partition, sizeof partition) &&
	       take_part(&text, ':', service, sizeof service) &&
	       take_part(&text, ':', out->region, sizeof out->region) &&
	       take_part(&text, ':', out->account, sizeof out->account) &&
	       take_part(&text, '\0', out->name, sizeof out->name);
	if (!good || strcmp(service, "sqs") != 0 ||
	    !arn_is_region(out->region) || !is_account(out->account) ||
	    !is_queue_name(out->name) ||
	    strcmp(partition, arn_partition(out->region)->id) != 0)
		return ERR_FORMAT;
	return 0;
}

/* A proxy may put more before the last two segments of the path. */
static void read_path(const char *path, struct arn *out)
{
	const char *name = strrchr(path, '/'), *account = name;

	while (account > path && account[-1] != '/')
		account--;
	if (take_part(&account, '/', out->account, sizeof out->account) &&
	    is_account(out->account) && is_queue_name(name + 1))
		memcpy(out->name, name + 1, strlen(name + 1) + 1);
	else
		out->account[0] = '\0';
}

static int read_url(const char *text, struct arn *out)
{
	struct url url;

	if (url_split(text, &url) != 0 || !url_has_queue(&url))
		return ERR_FORMAT;
	(void)arn_region_of("sqs", url.host, out->region);
	read_path(url.path, out);
	return 0;
}

int arn_read(const char *queue, struct arn *out)
{
	*out = (struct arn){.region = ""};
	if (arn_is_meant(queue))
		return read_arn(queue, out);
	if (url_is_meant(queue))
		return read_url(queue, out);
	if (!is_queue_name(queue))
		return ERR_FORMAT;
	memcpy(out->name, queue, strlen(queue) + 1);
	return 0;
}

bool arn_is_same(const struct arn *a, const struct arn *b)
{
	return a->region[0] != '\0' && a->account[0] != '\0' &&
	       strcmp(a->region, b->region) == 0 &&
	       strcmp(a->account, b->account) == 0 &&
	       strcmp(a->name, b->name) == 0;
}

size_t arn_count_queues(const char queues[][LIMIT_URL])
{
	size_t n = 0;

	while (n < LIMIT_QUEUES && queues[n][0] != '\0')
		n++;
	return n;
}

bool arn_is_missing(const char *queue)
{
	struct arn a;

	return !arn_is_meant(queue) && url_is_meant(queue) &&
	       arn_read(queue, &a) == 0 && a.account[0] == '\0';
}

void arn_make(char text[static ARN_TEXT_MAX], const char *queue,
    const char *region, const struct arn *found)
{
	static const struct arn nothing = {.region = ""};
	struct arn a = nothing;

	text[0] = '\0';
	if (found == NULL)
		found = &nothing;
	if (*queue != '\0' && arn_read(queue, &a) != 0)
		return;
	if (*queue == '\0')
		a = *found;
	else if (!url_is_meant(queue) && a.account[0] == '\0')
		memcpy(a.account, found->account, sizeof a.account);
	if (arn_is_region(region) && (*queue == '\0' || a.region[0] == '\0'))
		memcpy(a.region, region, strlen(region) + 1);
	else if (a.region[0] == '\0')
		memcpy(a.region, found->region, sizeof a.region);
	if (a.region[0] != '\0' && a.account[0] != '\0' && a.name[0] != '\0')
		(void)snprintf(text, ARN_TEXT_MAX, "arn:%s:sqs:%s:%s:%s",
		    arn_partition(a.region)->id, a.region, a.account, a.name);
}
