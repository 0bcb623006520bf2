/* SPDX-License-Identifier: Apache-2.0 */
#include "aws/cred_fetch.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "json/parse.h"

#define SILENCE_MAX   16000 /* ms */
#define PAUSE_MS      100   /* the longest first one; doubled each time */
#define PAUSE_MAX     5000
#define ROUTE_POLL_MS 200

/* One fetch while it is under way. */
struct fetch {
	const struct cred_peer *peer;
	struct http_request req;
	int tries;
	int silence;
	int64_t pause;
};

static bool may_pass(const struct cred_peer *p, const struct http_transfer *t)
{
	return http_status(t) >= 500 || http_status(t) == 429 ||
	       (p->passes != NULL && p->passes(t));
}

static bool may_be_cured(int rc)
{
	return rc == ERR_TIMEOUT || rc == ERR_NET || rc == ERR_CONNECT ||
	       rc == ERR_UNREACHABLE;
}

static int try_fetch(struct fetch *f, struct http_transfer **t, struct err *err)
{
	int rc;

	f->req.connect_ms = f->silence;
	f->req.silence_ms = f->silence;
	rc = http_do(f->peer->http, &f->req, t, err);
	if (rc == 0)
		return 0;
	http_transfer_free(*t);
	*t = NULL;
	return rc;
}

/* Wait before another try.  0: try again; ERR_TIMEOUT: there is no time. */
static int pause_fetch(struct fetch *f, int rc)
{
	const struct clock *clock = f->peer->clock;
	int64_t ms = ROUTE_POLL_MS;

	if (rc != ERR_UNREACHABLE || !f->peer->wait_for_route) {
		if (++f->tries == CRED_FETCH_TRIES)
			return ERR_TIMEOUT;
		ms = (int64_t)(clock_chance(clock) * (double)f->pause);
		f->pause = 2 * f->pause < PAUSE_MAX ? 2 * f->pause : PAUSE_MAX;
		f->silence =
		    2 * f->silence < SILENCE_MAX ? 2 * f->silence : SILENCE_MAX;
	}
	if (clock_mono(clock) + ms >= f->req.deadline)
		return ERR_TIMEOUT;
	return clock_sleep(clock, ms);
}

/*
 * Try again after the result rc with its answer or why.  The last result is
 * kept, unless a try was only cut off by the deadline: then the one before
 * tells more.
 */
static int repeat_fetch(
    struct fetch *f, int rc, struct http_transfer **t, struct err *why)
{
	struct http_transfer *answer = NULL;
	int waited = 0;

	while (rc == 0 ? may_pass(f->peer, *t) : may_be_cured(rc)) {
		struct err now = {0};
		int again;

		waited = pause_fetch(f, rc);
		if (waited != 0)
			break;
		again = try_fetch(f, &answer, &now);
		if (again == ERR_TIMEOUT &&
		    clock_mono(f->peer->clock) >= f->req.deadline)
			break;
		http_transfer_free(*t);
		*t = answer;
		*why = now;
		rc = again;
	}
	return waited == ERR_CANCELED ? waited : rc;
}

int cred_fetch(const struct cred_peer *p, const struct http_request *req,
    struct http_transfer **t, struct err *err)
{
	struct fetch f = {.peer = p,
	    .req = *req,
	    .silence = CRED_FETCH_SILENCE_MS,
	    .pause = PAUSE_MS};
	struct err why = {0};
	int rc;

	*t = NULL;
	rc = repeat_fetch(&f, try_fetch(&f, t, &why), t, &why);
	if (rc == ERR_CANCELED)
		(void)err_set(&why, rc, "told to stop");
	if (rc == 0)
		return 0;
	http_transfer_free(*t);
	*t = NULL;
	return err_set(err, rc, "%s", why.text);
}

/* The first of two members that is there; "" when neither is. */
static const char *choose_member(
    const struct json *object, const char *first, const char *second)
{
	const char *s = json_string(json_get(object, first));

	if (s == NULL)
		s = json_string(json_get(object, second));
	return s != NULL ? s : "";
}

static void read_reason(
    const struct http_transfer *t, char out[static CRED_FETCH_REASON_MAX])
{
	const struct buf *body = http_body(t);
	const char *code = "", *text;
	struct json *root = NULL;
	char rest[CRED_FETCH_REASON_MAX - 128];

	if (json_parse(buf_data(body), buf_len(body), &root) == 0) {
		code = choose_member(root, "Code", "code");
		text = choose_member(root, "Message", "message");
		text_shorten(rest, sizeof rest, text, strlen(text));
	} else {
		text_squeeze(rest, TEXT_PAGE_MAX, buf_str(body), buf_len(body));
	}
	(void)snprintf(out, CRED_FETCH_REASON_MAX, "%.100s%s%s", code,
	    code[0] != '\0' && rest[0] != '\0' ? ": " : "", rest);
	json_free(root);
	text_make_printable(out, strlen(out));
}

int cred_fetch_refused(const struct http_transfer *t, int rc, const char *who,
    const char *advice, struct err *err)
{
	char reason[CRED_FETCH_REASON_MAX];

	read_reason(t, reason);
	return err_set(err, rc, "%s: HTTP %d: %s%s%s%s", who, http_status(t),
	    advice, reason[0] != '\0' ? " (" : "", reason,
	    reason[0] != '\0' ? ")" : "");
}
