/* SPDX-License-Identifier: Apache-2.0 */
/* Part of session: other services that are asked beside the queues. */
#include "sqs/session.h"

#include <stdio.h>

#include "base/text.h"
#include "http/transfer.h"
#include "sqs/place.h"

/* ERR_ABSENT: only IMDS can tell the region. */
static int find_service(struct session *s, const struct sqs_service *service,
    struct place *p, struct err *err)
{
	const struct endpoint_config config = {.service = service->id,
	    .use_fips = s->cfg->use_fips,
	    .use_dualstack = s->cfg->use_dualstack};
	struct shared *shared = NULL;
	int rc = 0;

	*p = (struct place){.service = service->id};
	if (s->queues[0].entry[0] != '\0')
		rc = place_find_queue(service->id, s->queues[0].entry, p, err);
	if (rc == 0)
		rc = shared_read(s->file, &shared, err);
	if (rc == 0)
		rc = endpoint_find(&config, shared, &p->endpoint, err);
	if (rc == 0)
		rc = place_find_region(s->cfg, shared, p, err);
	shared_free(shared);
	return rc;
}

static int check_service_url(const struct place *p, struct err *err)
{
	struct err why = {0};
	const int rc = http_check_url(p->endpoint.url, &why);

	if (rc == 0)
		return 0;
	return err_set(err, rc, "%s: endpoint \"%s\": %s", p->endpoint.from,
	    p->endpoint.url, why.text);
}

int session_open_service(struct session *s, const struct sqs_service *service,
    int64_t deadline, struct sqs **out, struct err *err)
{
	struct place p;
	struct sqs_config config = {.service = service,
	    .endpoint = p.endpoint.url,
	    .region = p.region,
	    .region_from = p.region_from,
	    .patient = s->cfg->wait_for_route,
	    .brief = s->cfg->brief,
	    .sign_by = s->cfg->sign_by,
	    .called = s->cfg->called};
	int rc = find_service(s, service, &p, err);

	*out = NULL;
	if (rc == ERR_ABSENT)
		rc = place_ask_region(&p, s->imds, deadline, err);
	if (rc != 0)
		return rc;
	endpoint_make(service->id, p.region, &p.endpoint);
	rc = check_service_url(&p, err);
	if (rc != 0)
		return rc;
	/* The first queue, when it is opened, has the last word. */
	if (!s->placed)
		chain_set_region(s->chain, p.region);
	return sqs_new(
	    s->http, chain_credentials(s->chain), s->clock, &config, out, err);
}

static void print_service(
    const struct sqs_service *service, const struct place *p, FILE *to)
{
	const bool known = p->endpoint.url[0] != '\0';

	(void)fprintf(to, "# endpoint of %s = \"", service->name);
	text_print(to, p->endpoint.url);
	(void)fputs("\"  # ", to);
	text_print(to,
	    known ? p->endpoint.from : "the region that EC2 metadata tells");
	(void)fputc('\n', to);
}

int session_show_service(const struct session_config *cfg,
    const struct sqs_service *service, FILE *to, struct err *err)
{
	const struct clock clock = clock_system(NULL);
	struct session s;
	struct place p;
	int rc = session_init(&s, cfg, &clock, err);

	if (rc != 0)
		return rc;
	rc = find_service(&s, service, &p, err);
	if (rc == 0)
		endpoint_make(service->id, p.region, &p.endpoint);
	if (rc == ERR_ABSENT)
		rc = err->code = 0;
	if (rc == 0 && p.endpoint.url[0] != '\0')
		rc = check_service_url(&p, err);
	if (rc == 0)
		print_service(service, &p, to);
	session_close(&s);
	return rc;
}
