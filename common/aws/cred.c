/* SPDX-License-Identifier: Apache-2.0 */
#include "aws/cred.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

#define REFRESH_MS 300000 /* before credentials expire */
#define RETRY_MS   60000  /* between refreshes that gave nothing newer */
#define REASON_MIN 16     /* bytes of a source's reason that say anything */
#define PATIENT_MS 5000   /* for a refresh, with credentials to go on with */

struct cred_chain {
	struct cred_source sources[CRED_SOURCES_MAX];
	size_t n;
	struct clock clock;
	struct cred *kept; /* NULL: none */
	int64_t retry_at;  /* monotonic: no refresh of what is kept before */
	cred_told *told;   /* NULL: nobody wants to know */
	char last[CRED_KEY_MAX + 1]; /* access key that was told */
};

struct cred *cred_new(void)
{
	struct cred *c = calloc(1, sizeof *c);

	if (c == NULL)
		return NULL;
	c->access_key = buf_new(CRED_KEY_MAX);
	c->secret_key = buf_new(CRED_KEY_MAX);
	c->token = buf_new(CRED_TOKEN_MAX);
	if (c->access_key == NULL || c->secret_key == NULL ||
	    c->token == NULL) {
		cred_free(c);
		return NULL;
	}
	return c;
}

void cred_free(struct cred *c)
{
	if (c == NULL)
		return;
	buf_free(c->access_key);
	buf_free(c->secret_key);
	buf_free(c->token);
	free(c);
}

int cred_set(struct cred *c, const char *access_key, const char *secret_key,
    const char *token)
{
	int rc;

	if (token == NULL)
		token = "";
	buf_reset(c->access_key);
	buf_reset(c->secret_key);
	buf_reset(c->token);
	if (access_key[0] == '\0' || secret_key[0] == '\0' ||
	    !text_is_graphic(access_key, strlen(access_key)) ||
	    !text_is_graphic(secret_key, strlen(secret_key)) ||
	    !text_is_graphic(token, strlen(token)))
		return ERR_FORMAT;
	rc = buf_addstr(c->access_key, access_key);
	if (rc == 0)
		rc = buf_addstr(c->secret_key, secret_key);
	if (rc == 0)
		rc = buf_addstr(c->token, token);
	if (rc == 0)
		return 0;
	buf_reset(c->access_key);
	buf_reset(c->secret_key);
	return rc;
}

struct cred_chain *cred_chain_new(
    const struct cred_source *sources, size_t n, struct clock clock)
{
	struct cred_chain *chain =
	    n <= CRED_SOURCES_MAX ? calloc(1, sizeof *chain) : NULL;

	if (chain == NULL)
		return NULL;
	for (size_t i = 0; i < n; i++)
		chain->sources[i] = sources[i];
	chain->n = n;
	chain->clock = clock;
	return chain;
}

void cred_chain_free(struct cred_chain *chain)
{
	if (chain == NULL)
		return;
	cred_free(chain->kept);
	free(chain);
}

/* Say in story why a source has nothing.  n sources, this one among them, share
 * the room that is left, so that each has its say. */
static void tell_source(
    char *story, size_t size, const char *name, const struct err *why, size_t n)
{
	size_t len = strlen(story), end = len + (size - len) / n, at;

	at = len + (size_t)snprintf(story + len, end - len,
		       "%s%s: ", len > 0 ? "; " : "", name);
	if (at + REASON_MIN <= end)
		text_shorten(
		    story + at, end - at, why->text, strlen(why->text));
}

/* A source that may have credentials and could not be asked. */
static bool is_out_of_reach(int rc)
{
	return rc == ERR_TIMEOUT || rc == ERR_UNREACHABLE ||
	       rc == ERR_CONNECT || rc == ERR_NET || rc == ERR_SERVICE ||
	       rc == ERR_THROTTLED;
}

/* Ask one source after the other.  ERR_NOCRED: none has any.  One that cannot
 * be reached ends the search, because the next would sign as somebody else;
 * that the others before it have nothing is said all the same. */
static int ask_sources(const struct cred_chain *chain, struct cred *out,
    int64_t deadline, struct err *err)
{
	static const char none[] = "no AWS credentials: ";
	char story[ERR_TEXT_MAX - sizeof none] = "";
	int code = ERR_NOCRED;

	for (size_t i = 0; code == ERR_NOCRED && i < chain->n; i++) {
		const struct cred_source *s = &chain->sources[i];
		struct err why = {0};
		int rc = s->load(s->ctx, out, deadline, &why);

		if (rc == 0) {
			if (out->source == NULL)
				out->source = s->name;
			return 0;
		}
		if (rc != ERR_ABSENT && (i == 0 || !is_out_of_reach(rc))) {
			if (err != NULL)
				*err = why;
			return rc;
		}
		if (rc != ERR_ABSENT)
			code = rc;
		/* One that ends the search has all the room that is left. */
		tell_source(story, sizeof story, s->name, &why,
		    rc == ERR_ABSENT ? chain->n - i : 1);
	}
	return err_set(err, code, "%s%s", none, story);
}

static bool is_due(const struct cred_chain *chain)
{
	const struct cred *c = chain->kept;

	return c->expires != 0 &&
	       clock_wall(&chain->clock) >= c->expires - REFRESH_MS;
}

/* What the credentials are for needs time as well, and those that are kept
 * will do for it. */
static int64_t limit_refresh(
    const struct cred_chain *chain, int64_t now, int64_t deadline)
{
	const int64_t half = deadline > now ? (deadline - now) / 2 : 0;

	if (chain->kept == NULL)
		return deadline;
	return now + (half < PATIENT_MS ? half : PATIENT_MS);
}

static void tell_signer(struct cred_chain *chain, const struct cred *c)
{
	const char *key = buf_str(c->access_key);
	char line[CRED_KEY_MAX + CRED_ORIGIN_MAX + 64];

	if (chain->told == NULL || strcmp(chain->last, key) == 0)
		return;
	(void)snprintf(chain->last, sizeof chain->last, "%s", key);
	(void)snprintf(line, sizeof line,
	    "requests are signed with the access key %s of %s", key,
	    c->origin[0] != '\0' ? c->origin : c->source);
	chain->told(line);
}

static int refresh_kept(
    struct cred_chain *chain, int64_t deadline, struct err *err)
{
	struct cred *fresh = cred_new();
	int rc;

	if (fresh == NULL)
		return err_set(err, ERR_NOMEM, "out of memory");
	rc = ask_sources(chain, fresh, deadline, err);
	if (rc != 0) {
		cred_free(fresh);
		return rc;
	}
	cred_free(chain->kept);
	chain->kept = fresh;
	tell_signer(chain, fresh);
	return 0;
}

int cred_chain_get(struct cred_chain *chain, int64_t deadline,
    const struct cred **out, struct err *err)
{
	int64_t now = clock_mono(&chain->clock);
	struct err why = {0};
	int rc = 0;

	*out = NULL;
	if (chain->kept == NULL || (is_due(chain) && now >= chain->retry_at)) {
		rc = refresh_kept(
		    chain, limit_refresh(chain, now, deadline), &why);
		/* For a while a source may give the same credentials again. */
		if (rc != ERR_CANCELED)
			chain->retry_at = now + RETRY_MS;
	}
	if (rc == ERR_CANCELED || chain->kept == NULL)
		return err_set(err, rc, "%s", why.text);
	*out = chain->kept;
	return 0;
}

void cred_chain_tell(struct cred_chain *chain, cred_told *told)
{
	chain->told = told;
}

static bool are_equal(const struct cred *a, const struct cred *b)
{
	return strcmp(buf_str(a->access_key), buf_str(b->access_key)) == 0 &&
	       strcmp(buf_str(a->secret_key), buf_str(b->secret_key)) == 0 &&
	       strcmp(buf_str(a->token), buf_str(b->token)) == 0;
}

bool cred_chain_renew(struct cred_chain *chain, int64_t deadline)
{
	const int64_t until =
	    limit_refresh(chain, clock_mono(&chain->clock), deadline);
	struct cred *refused = chain->kept;
	bool others;
	int rc;

	chain->kept = NULL;
	rc = refresh_kept(chain, until, NULL);
	if (is_out_of_reach(rc)) {
		/* One queue may refuse what others go on to take. */
		chain->kept = refused;
		chain->retry_at = 0;
		return false;
	}
	others = rc == 0 && chain->kept != NULL &&
		 (refused == NULL || !are_equal(refused, chain->kept));
	cred_free(refused);
	return others;
}

bool cred_chain_uses_files(const struct cred_chain *chain)
{
	return chain->kept == NULL || chain->kept->stored;
}
