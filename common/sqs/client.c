/* SPDX-License-Identifier: Apache-2.0 */
#include "sqs/client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/url.h"
#include "sqs/call.h"

/* SQS has two protocols (its model says awsQueryCompatible). */
static const struct sqs_service sqs_itself = {.id = "sqs",
    .name = "SQS",
    .target = "AmazonSQS",
    .content_type = "application/x-amz-json-1.0",
    .query_mode = true};

static int configure_client(
    struct sqs *s, const struct sqs_config *cfg, struct err *err)
{
	struct url url;
	int rc = url_split(cfg->endpoint, &url);

	if (rc != 0 || (*url.path != '\0' && strcmp(url.path, "/") != 0) ||
	    strlen(url.origin) + 1 >= sizeof s->url)
		return err_set(err, ERR_CONFIG,
		    "endpoint \"%.128s\" is not https://HOST or "
		    "https://HOST:PORT",
		    cfg->endpoint);
	if (strlen(cfg->region) >= sizeof s->region)
		return err_set(err, ERR_CONFIG,
		    "region \"%.80s\" is longer than %zu characters",
		    cfg->region, sizeof s->region - 1);
	(void)snprintf(
	    s->url, sizeof s->url, "%.*s/", LIMIT_URL - 2, url.origin);
	(void)snprintf(s->host, sizeof s->host, "%s", url.host);
	(void)snprintf(s->region, sizeof s->region, "%s", cfg->region);
	(void)snprintf(s->region_from, sizeof s->region_from, "%s",
	    cfg->region_from != NULL ? cfg->region_from : "");
	s->service = cfg->service != NULL ? cfg->service : &sqs_itself;
	s->patient = cfg->patient;
	s->brief = cfg->brief;
	s->sign_by = cfg->sign_by;
	s->called = cfg->called;
	return 0;
}

int sqs_new(struct http *http, struct cred_chain *chain,
    const struct clock *clock, const struct sqs_config *cfg, struct sqs **out,
    struct err *err)
{
	struct sqs *s = calloc(1, sizeof *s);
	int rc;

	*out = NULL;
	if (s == NULL)
		return err_set(err, ERR_NOMEM, "out of memory");
	s->http = http;
	s->chain = chain;
	s->clock = clock;
	rc = configure_client(s, cfg, err);
	if (rc != 0)
		goto out;
	s->sigv4 = sigv4_new();
	if (s->sigv4 == NULL) {
		rc = err_set(err, ERR_NOMEM, "out of memory");
		goto out;
	}
	*out = s;
	s = NULL;
out:
	sqs_free(s);
	return rc;
}

void sqs_free(struct sqs *s)
{
	if (s == NULL)
		return;
	sigv4_free(s->sigv4);
	free(s);
}

int64_t sqs_clock_behind(const struct sqs *s)
{
	return s->behind;
}
