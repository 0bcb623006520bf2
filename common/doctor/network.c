/* SPDX-License-Identifier: Apache-2.0 */
#include "doctor/network.h"

#include <stdio.h>
#include <string.h>

#include "base/date.h"
#include "http/transfer.h"

#define STEP_MS   8000 /* for a queue's place, for the way to its endpoint */
#define IMDS_MS   3000 /* for an answer that is here in a millisecond */
#define STS_MS    4000 /* not every network reaches it */
#define KEY_SHOWN 8    /* characters of an access key */
#define PAGE_MAX  65536

struct net {
	struct findings *all;
	struct session *s;
	const struct doctor_wants *wants;
	int64_t deadline;
	int imds;            /* how it went with IMDS */
	bool asked;          /* STS was */
	const char *blocked; /* why no queue can be asked; NULL: it can */
	const char *reached; /* the endpoint that was looked at last */
	bool answers;        /* and whether it answers */
};

static int64_t step_end(const struct net *n, int64_t ms)
{
	const int64_t end = clock_mono(n->s->clock) + ms;

	return end < n->deadline ? end : n->deadline;
}

/* ---- IMDS */

/* Whether it also answers who has no token, as version 1 does. */
static const char *name_version(struct net *n)
{
	char url[LIMIT_URL];
	const struct http_request req = {.kind = HTTP_METADATA,
	    .method = "GET",
	    .url = url,
	    .answer_max = PAGE_MAX,
	    .deadline = step_end(n, IMDS_MS)};
	struct http_transfer *t = NULL;
	int status = 0;

	(void)snprintf(url, sizeof url, "%s/latest/meta-data/instance-id",
	    imds_endpoint(n->s->imds));
	if (http_do(n->s->http, &req, &t, NULL) == 0)
		status = http_status(t);
	http_transfer_free(t);
	if (status == 401)
		return "a token is needed";
	return status == 200 ? "it answers without a token, too"
			     : "whether a token is needed is not told";
}

/* Credentials from elsewhere make it no more than a warning that IMDS is not to
 * be had. */
static void tell_imds(
    struct net *n, const char *id, const struct err *err, bool signs)
{
	if (n->imds == 0)
		findings_ok(n->all, "IMDS", "%s tells the instance %s; %s",
		    imds_endpoint(n->s->imds), id, name_version(n));
	else if (n->imds == ERR_ABSENT)
		findings_not_asked(n->all, "IMDS", "%s", err->text);
	else if (signs)
		findings_warn(n->all, "IMDS", NULL, "%s", err->text);
	else
		findings_err(n->all, "IMDS", err);
}

/* Without a configured queue the tag is where it stands. */
static void look_at_tag(struct net *n)
{
	char tag[IMDS_TEXT_MAX];
	struct err err = {0};
	int rc;

	if (n->s->queues[0].entry[0] != '\0' || n->imds != 0)
		return;
	rc = imds_tag(
	    n->s->imds, SESSION_QUEUE_TAG, tag, step_end(n, IMDS_MS), &err);
	if (rc == 0) {
		findings_ok(n->all, "tag", SESSION_QUEUE_TAG " is %s", tag);
		return;
	}
	err.code = rc == ERR_ABSENT ? ERR_CONFIG : rc;
	findings_err(n->all, "tag", &err);
	n->blocked = "no queue is known";
}

/* ---- who we are */

static void tell_credentials(struct net *n, const struct cred *c)
{
	const int64_t now = clock_wall(n->s->clock);
	const char *from = c->origin[0] != '\0' ? c->origin : c->source;
	char until[DATE_TEXT_MAX];

	date_format_rfc3339(c->expires, until);
	if (c->expires == 0)
		findings_ok(n->all, "credentials",
		    "access key %.*s..., from %s", KEY_SHOWN,
		    buf_str(c->access_key), from);
	else if (c->expires > now)
		findings_ok(n->all, "credentials",
		    "access key %.*s..., from %s, until %s", KEY_SHOWN,
		    buf_str(c->access_key), from, until);
	else
		findings_fail(n->all, ERR_DENIED, "credentials",
		    "renew the credentials, or see why their source does not",
		    "access key %.*s..., from %s, expired on %s", KEY_SHOWN,
		    buf_str(c->access_key), from, until);
	if (c->expires != 0 && c->expires <= now)
		n->blocked = "the credentials have expired";
}

/* What IMDS fails to give is told there. */
static void judge_credentials(
    struct net *n, int rc, const struct cred *c, const struct err *err)
{
	if (rc == 0) {
		tell_credentials(n, c);
		return;
	}
	n->blocked = "there are no credentials";
	if (n->imds != 0 && n->imds != ERR_ABSENT)
		findings_not_asked(
		    n->all, "credentials", "they would come from IMDS");
	else
		findings_err(n->all, "credentials", err);
}

static void look_at_signer(struct net *n)
{
	char id[IMDS_TEXT_MAX] = "";
	struct err of_imds = {0}, err = {0};
	const struct cred *c = NULL;
	int rc;

	n->imds =
	    imds_instance_id(n->s->imds, id, step_end(n, IMDS_MS), &of_imds);
	rc = cred_chain_get(
	    chain_credentials(n->s->chain), step_end(n, STEP_MS), &c, &err);
	tell_imds(n, id, &of_imds, rc == 0);
	judge_credentials(n, rc, c, &err);
}

/* What the network does not reach, as a VPC with an endpoint of SQS alone does
 * not reach STS, is no fault. */
static bool is_of_network(int rc)
{
	return rc != ERR_DENIED && rc != ERR_CONFIG && rc != ERR_NOMEM;
}

static void look_at_identity(struct net *n)
{
	char arn[STS_IDENTITY_MAX];
	struct err err = {0};
	int rc;

	if (n->asked || n->blocked != NULL)
		return;
	n->asked = true;
	rc = chain_identity(n->s->chain, step_end(n, STS_MS), arn, &err);
	if (rc == 0) {
		findings_ok(n->all, "identity", "%s", arn);
	} else if (is_of_network(rc)) {
		findings_not_asked(n->all, "identity", "%s", err.text);
	} else {
		findings_err(n->all, "identity", &err);
		n->blocked = "the credentials are refused";
	}
}

/* ---- queues */

static bool reach_endpoint(struct net *n, const struct session_queue *q)
{
	if (n->reached == NULL || strcmp(n->reached, q->endpoint) != 0)
		n->answers = doctor_endpoint(
		    n->all, n->s, q->endpoint, n->wants, step_end(n, STEP_MS));
	n->reached = q->endpoint;
	return n->answers;
}

/* rc is that of session_open(), which may have asked for the URL of a name. */
static void judge_queue(
    struct net *n, const struct session_queue *q, int rc, const struct err *err)
{
	const bool placed = q->sqs != NULL;

	if (placed && !reach_endpoint(n, q)) {
		findings_not_asked(
		    n->all, "queue", "%s is not reached", q->endpoint);
		return;
	}
	if (placed)
		look_at_identity(n);
	if (!placed && n->imds != 0 && n->imds != ERR_ABSENT)
		findings_not_asked(
		    n->all, "queue", "its region would come from IMDS");
	else if (!placed)
		findings_err(n->all, "queue", err);
	else if (n->blocked != NULL)
		findings_not_asked(n->all, "queue", "%s", n->blocked);
	else if (rc != 0)
		doctor_refused(n->all, q, "sqs:GetQueueUrl", rc, err);
	else
		doctor_queue(n->all, q, n->wants, n->deadline);
	if (placed && q->warning[0] != '\0')
		findings_warn(n->all, "queue", NULL, "%s", q->warning);
}

static void visit_queue(struct net *n, struct session_queue *q)
{
	struct err err = {0};
	int rc;

	if (q->entry[0] == '\0' && n->blocked != NULL) {
		findings_not_asked(n->all, "queue", "%s", n->blocked);
		return;
	}
	rc = session_open(n->s, q, step_end(n, STEP_MS), &err);
	judge_queue(n, q, rc, &err);
}

void doctor_network(struct findings *all, struct session *s,
    const struct doctor_wants *wants, int64_t deadline)
{
	struct net n = {
	    .all = all, .s = s, .wants = wants, .deadline = deadline};

	look_at_signer(&n);
	look_at_tag(&n);
	for (size_t i = 0; i < s->n; i++)
		visit_queue(&n, &s->queues[i]);
	doctor_beside(all, s, wants, n.blocked, deadline);
}
