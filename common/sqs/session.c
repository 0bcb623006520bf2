/* SPDX-License-Identifier: Apache-2.0 */
#include "sqs/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aws/cred_env.h"
#include "base/text.h"
#include "base/url.h"
#include "http/transfer.h"
#include "sqs/place.h"
#include "sqs/queue.h"

#define ANY_REGION "us-east-1"

static int find_queue(struct session *s, const struct session_queue *q,
    char queue[static LIMIT_URL], int64_t deadline, struct err *err)
{
	static const char how[] =
	    "no queue: give --queue, set \"queue\" in the configuration or the "
	    "instance tag " SESSION_QUEUE_TAG;
	const char *given = q->entry;
	char tag[IMDS_TEXT_MAX];
	int rc;

	if (*given == '\0') {
		rc = imds_tag(s->imds, SESSION_QUEUE_TAG, tag, deadline, err);
		if (rc != 0)
			return place_explain_missing(rc, how, err);
		given = tag;
	}
	if (strlen(given) >= LIMIT_URL)
		return err_set(err, ERR_CONFIG,
		    "queue: longer than %d characters", LIMIT_URL - 1);
	(void)snprintf(queue, LIMIT_URL, "%s", given);
	return 0;
}

/* ERR_ABSENT: only IMDS can tell the region. */
static int find_place(struct session *s, struct place *p, struct err *err)
{
	struct shared *shared;
	int rc = shared_read(s->file, &shared, err);

	if (rc == 0)
		rc = place_find_endpoint(s->cfg, shared, p, err);
	if (rc == 0)
		rc = place_find_region(s->cfg, shared, p, err);
	shared_free(shared);
	return rc;
}

static int open_http(struct session *s, struct err *err)
{
	const char *bundle = getenv("AWS_CA_BUNDLE");
	const bool from_variable = bundle != NULL && *bundle != '\0';
	const struct http_config http = {
	    .ca_bundle = from_variable ? bundle : s->cfg->ca_bundle,
	    .bundle_may_come = s->cfg->patient,
	    .agent = s->cfg->agent,
	    .cancel_fd = s->cfg->cancel_fd,
	};
	int rc = http_new(&http, &s->http, err);
	struct err why;

	if (rc != ERR_CONFIG)
		return rc;
	why = *err;
	return err_set(err, rc, "%s: %s",
	    from_variable ? "AWS_CA_BUNDLE" : "ca-bundle", why.text);
}

static int open_client(struct session *s, struct err *err)
{
	struct imds_config imds = {.wait_for_route = s->cfg->wait_for_route,
	    .machine = imds_machine_find("/sys"),
	    .patient = s->cfg->patient};
	struct chain_config config = {.clock = s->clock,
	    .region = s->cfg->region,
	    .use_fips = s->cfg->use_fips,
	    .use_dualstack = s->cfg->use_dualstack,
	    .wait_for_route = s->cfg->wait_for_route,
	    .told = s->cfg->told};
	int rc = open_http(s, err);

	if (rc == 0 && cred_iot_is_set(&s->cfg->iot))
		rc = cred_iot_new(&s->cfg->iot, s->http, s->clock,
		    s->cfg->wait_for_route, &s->iot, err);
	if (rc != 0)
		return rc;
	s->file = shared_files_new(s->cfg->profile);
	if (s->file != NULL)
		s->process =
		    cred_process_new(s->file, s->clock, s->cfg->wait_for_route);
	if (s->process == NULL)
		return err_set(err, ERR_NOMEM, "out of memory");
	imds.files = s->file;
	rc = imds_new(s->http, s->clock, &imds, &s->imds, err);
	if (rc != 0)
		return rc;
	config.http = s->http;
	config.files = s->file;
	config.process = s->process;
	if (s->iot != NULL)
		config.asked = cred_iot_source(s->iot);
	config.metadata = imds_source(s->imds);
	s->chain = chain_new(&config);
	if (s->chain == NULL)
		return err_set(err, ERR_NOMEM, "out of memory");
	return 0;
}

/* setting is the name of what has the URL. */
static int check_url(const char *setting, const char *url, struct err *err)
{
	struct err why = {0};
	const int rc = http_check_url(url, &why);

	if (rc == 0)
		return 0;
	return err_set(err, rc, "%s \"%s\": %s", setting, url, why.text);
}

/* Where the queue's own URL says the endpoint, it is what the user wrote. */
static int check_endpoint(
    const struct session_queue *q, const struct place *p, struct err *err)
{
	char setting[ENDPOINT_FROM_MAX + 16];

	if (q->entry[0] != '\0' && p->origin[0] != '\0' &&
	    strcmp(p->origin, q->endpoint) == 0)
		return check_url("queue", q->entry, err);
	(void)snprintf(
	    setting, sizeof setting, "%s: endpoint", p->endpoint.from);
	return check_url(setting, q->endpoint, err);
}

/* The client of a place whose region is known. */
static int open_endpoint(struct session *s, struct session_queue *q,
    struct place *p, struct err *err)
{
	const struct sqs_config sqs = {
	    .endpoint = q->endpoint,
	    .region = q->region,
	    .region_from = p->region_from,
	    .patient = s->cfg->wait_for_route,
	    .brief = s->cfg->brief,
	    .sign_by = s->cfg->sign_by,
	    .called = s->cfg->called,
	};
	int rc;

	endpoint_make("sqs", p->region, &p->endpoint);
	sqs_free(q->sqs);
	q->sqs = NULL;
	memcpy(q->endpoint, p->endpoint.url, sizeof q->endpoint);
	q->stored = p->endpoint.stored;
	memcpy(q->region, p->region, sizeof q->region);
	place_warn(s->cfg, p, q->warning);
	rc = check_endpoint(q, p, err);
	if (rc != 0)
		return rc;
	/* One chain signs for all queues: STS is asked in the region of the
	 * first, whichever is opened last. */
	if (q == s->queues || !s->placed)
		chain_set_region(s->chain, q->region);
	s->placed = true;
	return sqs_new(
	    s->http, chain_credentials(s->chain), s->clock, &sqs, &q->sqs, err);
}

/* The URL of a queue: the one that was given, the one that follows from an
 * ARN, or for a name the one that SQS tells. */
static int find_url(struct session_queue *q, const char *queue,
    const struct arn *said, int64_t deadline, struct err *err)
{
	const size_t end = strlen(q->endpoint);
	const bool slash = end > 0 && q->endpoint[end - 1] == '/';

	if (arn_is_meant(queue)) {
		if ((size_t)snprintf(q->url, sizeof q->url, "%.*s/%s/%s",
			(int)(slash ? end - 1 : end), q->endpoint,
			said->account, said->name) < sizeof q->url)
			return 0;
		return err_set(err, ERR_CONFIG,
		    "endpoint: the queue's URL is longer than %zu characters",
		    sizeof q->url - 1);
	}
	if (!url_is_meant(queue))
		return sqs_queue_url(q->sqs, queue, q->url, deadline, err);
	(void)snprintf(q->url, sizeof q->url, "%s", queue);
	return 0;
}

/* What of the URL's ARN the queue itself does not say. */
static void find_arn(struct session_queue *q, const struct arn *said)
{
	if (arn_read(q->url, &q->arn) != 0)
		q->arn = (struct arn){.region = ""};
	memcpy(q->arn.region,
	    said->region[0] != '\0' ? said->region : q->region,
	    sizeof q->arn.region);
}

static int open_queue(struct session *s, struct session_queue *q,
    const char *queue, int64_t deadline, struct err *err)
{
	struct place where;
	int rc = place_find_queue("sqs", queue, &where, err);

	if (rc == 0 && q->entry[0] == '\0')
		rc = place_check_tag(s->cfg, &where, err);
	if (rc == 0)
		rc = find_place(s, &where, err);
	if (rc == ERR_ABSENT)
		rc = place_ask_region(&where, s->imds, deadline, err);
	if (rc == 0)
		rc = open_endpoint(s, q, &where, err);
	if (rc == 0)
		rc = find_url(q, queue, &where.said, deadline, err);
	if (rc == 0)
		find_arn(q, &where.said);
	return rc;
}

/* Without a configured queue there is one entry, "", for the tag's. */
static int list_queues(struct session *s, struct err *err)
{
	const char(*queues)[LIMIT_URL] = s->cfg->queues;
	struct place where;
	int rc = 0;

	for (; rc == 0 && s->n < LIMIT_QUEUES && queues[s->n][0] != '\0';
	     s->n++) {
		s->queues[s->n].entry = queues[s->n];
		rc = place_find_queue("sqs", queues[s->n], &where, err);
	}
	if (s->n == 0)
		s->queues[s->n++].entry = "";
	return rc;
}

int session_init(struct session *s, const struct session_config *cfg,
    const struct clock *clock, struct err *err)
{
	int rc;

	*s = (struct session){.clock = clock, .cfg = cfg};
	rc = list_queues(s, err);
	if (rc == 0)
		rc = open_client(s, err);
	if (rc == 0)
		shared_files_read_ahead(s->file);
	else
		session_close(s);
	return rc;
}

const struct words *session_command(void *session)
{
	const struct session *s = session;
	const struct words *words;

	return cred_process_find(s->process, &words, NULL) == 0 ? words : NULL;
}

void session_leave(void *session)
{
	cred_env_forget();
	session_close(session);
}

void session_use_runner(struct session *s, cred_process_run *run, void *runner)
{
	cred_process_connect(s->process, run, runner);
}

int session_open(struct session *s, struct session_queue *q, int64_t deadline,
    struct err *err)
{
	char queue[LIMIT_URL];
	int rc;

	if (!s->looked)
		reach_look(&s->reach);
	s->looked = true;
	rc = find_queue(s, q, queue, deadline, err);
	if (rc == 0)
		rc = open_queue(s, q, queue, deadline, err);
	return rc;
}

/* Does as open_queue() without asking anybody: any region will do where
 * open_queue() would ask IMDS for it. */
static int check_place(struct session *s, struct session_queue *q,
    struct place *p, bool *known, struct err *err)
{
	int rc = 0;

	if (q->entry[0] != '\0')
		rc = place_find_queue("sqs", q->entry, p, err);
	if (rc == 0)
		rc = find_place(s, p, err);
	*known = rc != ERR_ABSENT || p->endpoint.url[0] != '\0';
	if (rc == ERR_ABSENT) {
		err->code = 0;
		rc = place_set_region(p, ANY_REGION, "", err);
	}
	if (rc == 0)
		rc = open_endpoint(s, q, p, err);
	return rc;
}

static int check_queue(struct session *s, struct session_queue *q,
    struct session_found *found, struct err *err)
{
	struct session_found_queue *to = &found->queues[found->n++];
	struct place place = {.service = "sqs"};
	bool known = false;
	const int rc = check_place(s, q, &place, &known, err);

	memcpy(to->warning, q->warning, sizeof to->warning);
	if (known) {
		memcpy(to->endpoint, q->endpoint, sizeof to->endpoint);
		memcpy(to->endpoint_from, place.endpoint.from,
		    sizeof to->endpoint_from);
	}
	return rc;
}

static bool has_sound_files(const struct session *s)
{
	struct shared *shared;
	const bool sound = shared_read(s->file, &shared, NULL) == 0;

	shared_free(shared);
	return sound;
}

/* The story, and the source that it ends with. */
struct story {
	struct session_found *found;
	const char *last;
};

static void add_to_story(
    void *ctx, const char *source, int rc, const char *text)
{
	struct story *story = ctx;
	struct session_found *found = story->found;
	size_t len = strlen(found->story);
	char *line = found->story + len;

	story->last = source;
	/* What there is no room for is left out, and a line feed has room. */
	if (sizeof found->story - len < 3)
		return;
	(void)snprintf(line, sizeof found->story - len - 1,
	    "# credentials of %s  # %s%s", source,
	    rc == 0 ? "" : "none: ", text);
	len = strlen(line);
	text_make_printable(line, len);
	memcpy(line + len, "\n", 2);
}

/* True if nothing is wrong with the profile in force but that it is not here:
 * the service's user has another home than who checks.  Keys of the environment
 * need a profile that was asked for, too. */
static bool is_profile_elsewhere(const struct session *s, const char *source)
{
	const struct cred_source environment = cred_env();
	struct cred *keys = cred_new();
	struct shared *shared;
	bool elsewhere = false;

	if (strcmp(source, environment.name) != 0)
		elsewhere = strcmp(source, "profile") == 0;
	else if (keys != NULL)
		elsewhere =
		    environment.load(environment.ctx, keys, 0, NULL) == 0;
	cred_free(keys);
	if (!elsewhere || shared_read(s->file, &shared, NULL) != 0)
		return false;
	elsewhere = !shared_has(shared, shared_profile(shared));
	shared_free(shared);
	return elsewhere;
}

/* What is only missing may be there when the service runs. */
static int explain_credentials(
    struct session *s, struct session_found *found, struct err *err)
{
	struct err why = {0};
	struct story story = {.found = found, .last = ""};
	const int rc = chain_explain(s->chain, add_to_story, &story, &why);

	if ((rc != ERR_CONFIG && rc != ERR_NOMEM) ||
	    is_profile_elsewhere(s, story.last))
		return 0;
	*err = why;
	return rc;
}

int session_check(const struct session_config *cfg, struct session_found *found,
    struct err *err)
{
	const struct clock clock = clock_system(NULL);
	struct session s;
	int rc = session_init(&s, cfg, &clock, err);

	*found = (struct session_found){.n = 0};
	if (rc != 0)
		return rc;
	for (size_t i = 0; rc == 0 && i < s.n; i++)
		rc = check_queue(&s, &s.queues[i], found, err);
	if (rc == 0)
		rc = explain_credentials(&s, found, err);
	if (rc == ERR_CONFIG && cfg->patient && !has_sound_files(&s))
		rc = err->code = 0;
	session_close(&s);
	return rc;
}

static void print_endpoint(const struct session_found_queue *found, FILE *to)
{
	const bool known = found->endpoint[0] != '\0';

	(void)fprintf(to, "# endpoint = \"");
	text_print(to, found->endpoint);
	(void)fprintf(to, "\"  # ");
	text_print(to, known ? found->endpoint_from
			     : "the region that EC2 metadata tells");
	(void)fputc('\n', to);
}

int session_show(const struct session_config *cfg, FILE *to, cred_told *warn,
    struct err *err)
{
	struct session_found found;
	const int rc = session_check(cfg, &found, err);

	if (rc != 0)
		return rc;
	for (size_t i = 0; i < found.n; i++)
		if (found.queues[i].warning[0] != '\0')
			warn(found.queues[i].warning);
	for (size_t i = 0; i < found.n; i++)
		print_endpoint(&found.queues[i], to);
	(void)fputs(found.story, to);
	return 0;
}

void session_close(struct session *s)
{
	for (size_t i = 0; i < s->n; i++)
		sqs_free(s->queues[i].sqs);
	chain_free(s->chain);
	cred_process_free(s->process);
	shared_files_free(s->file);
	imds_free(s->imds);
	cred_iot_free(s->iot);
	http_free(s->http);
	reach_free(&s->reach);
	*s = (struct session){0};
}
