/* SPDX-License-Identifier: Apache-2.0 */
#include "aws/chain.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aws/chain_own.h"
#include "aws/chain_profile.h"
#include "aws/chain_sts.h"
#include "aws/cred_container.h"
#include "aws/cred_env.h"
#include "aws/sigv4.h"

struct chain {
	struct chain_profile profile;
	struct cred_source sources[CRED_SOURCES_MAX];
	size_t n;
	struct cred_chain *credentials;
	char *web_token_file;
	const char *token_files[4];
	struct cred_container container;
};

/* botocore reads the profile whoever signs, so that one which was asked for and
 * is not there is never overlooked. */
static int check_asked(struct chain *c, struct err *err)
{
	struct shared *s;
	int rc = shared_read(c->profile.cfg.files, &s, err);

	if (rc == 0)
		rc = shared_check_read(s, NULL) == 0
			 ? chain_profile_check(s, err)
			 : 0;
	shared_free(s);
	return rc;
}

static int load_environment_keys(
    void *ctx, struct cred *out, int64_t deadline, struct err *err)
{
	struct chain *c = ctx;
	const struct cred_source *source = &c->profile.environment;
	int rc = source->load(source->ctx, out, deadline, err);

	if (rc == 0)
		rc = check_asked(c, err);
	if (rc != 0)
		return rc;
	if (out->expires != 0 &&
	    out->expires <= clock_wall(c->profile.cfg.clock))
		return err_set(err, ERR_NOCRED,
		    "the credentials of the environment have expired, as "
		    "AWS_CREDENTIAL_EXPIRATION says: renew them");
	(void)snprintf(out->origin, sizeof out->origin, "the environment");
	return 0;
}

static void add_source(struct chain *c, struct cred_source source)
{
	if (source.load != NULL)
		c->sources[c->n++] = source;
}

struct chain *chain_new(const struct chain_config *cfg)
{
	struct chain *c = calloc(1, sizeof *c);

	if (c == NULL)
		return NULL;
	c->profile.cfg = *cfg;
	c->profile.environment = cred_env();
	c->container = (struct cred_container){.http = cfg->http,
	    .clock = cfg->clock,
	    .wait_for_route = cfg->wait_for_route};
	c->profile.container = cred_container(&c->container);
	c->profile.sigv4 = sigv4_new();
	c->profile.sts = (struct sts){.http = cfg->http,
	    .clock = cfg->clock,
	    .sigv4 = c->profile.sigv4,
	    .wait_for_route = cfg->wait_for_route};
	add_source(c, cfg->asked);
	add_source(c, (struct cred_source){.name = "environment",
			  .load = load_environment_keys,
			  .ctx = c});
	add_source(c, chain_profile_source(&c->profile));
	add_source(c, c->profile.container);
	add_source(c, cfg->metadata);
	c->credentials = cred_chain_new(c->sources, c->n, *cfg->clock);
	if (c->profile.sigv4 == NULL || c->credentials == NULL) {
		chain_free(c);
		return NULL;
	}
	cred_chain_tell(c->credentials, cfg->told);
	return c;
}

void chain_free(struct chain *c)
{
	if (c == NULL)
		return;
	cred_chain_free(c->credentials);
	sigv4_free(c->profile.sigv4);
	free(c->web_token_file);
	free(c);
}

struct cred_chain *chain_credentials(struct chain *c)
{
	return c->credentials;
}

void chain_set_region(struct chain *c, const char *region)
{
	(void)snprintf(
	    c->profile.region, sizeof c->profile.region, "%s", region);
}

int chain_identity(struct chain *c, int64_t deadline,
    char arn[static STS_IDENTITY_MAX], struct err *err)
{
	const struct cred *by;
	struct shared *s = NULL;
	int rc = cred_chain_get(c->credentials, deadline, &by, err);

	if (rc == 0)
		rc = shared_read(c->profile.cfg.files, &s, err);
	if (rc == 0)
		rc = chain_sts_place(&c->profile, s, true, err);
	if (rc == 0)
		rc = sts_identity(&c->profile.sts, by, deadline, arn, err);
	shared_free(s);
	return rc;
}

const char *const *chain_token_files(struct chain *c)
{
	const char *const set = getenv("AWS_WEB_IDENTITY_TOKEN_FILE");
	const char *file = NULL;
	struct shared *s;
	size_t n = 0;

	if (shared_read(c->profile.cfg.files, &s, NULL) == 0)
		file = shared_get(
		    s, shared_last_profile(s), "web_identity_token_file");
	free(c->web_token_file);
	c->web_token_file = file != NULL ? strdup(file) : NULL;
	shared_free(s);
	if (set != NULL && set[0] != '\0')
		c->token_files[n++] = set;
	if (c->web_token_file != NULL && c->web_token_file[0] != '\0')
		c->token_files[n++] = c->web_token_file;
	if (cred_container_token_file() != NULL)
		c->token_files[n++] = cred_container_token_file();
	c->token_files[n] = NULL;
	return c->token_files;
}

/* ---- the story */

/* The sources of the machine would have to be asked. */
static int explain_source(
    struct chain *c, size_t i, struct cred *out, struct err *err)
{
	const struct cred_source *source = &c->sources[i];
	char url[CONTAINER_URL_MAX];

	if (source->ctx == &c->container)
		return cred_container_url(url, err);
	if (source->load == c->profile.cfg.metadata.load ||
	    source->load == c->profile.cfg.asked.load)
		return 0;
	return source->load(source->ctx, out, 0, err);
}

int chain_explain(struct chain *c, chain_tell *tell, void *ctx, struct err *err)
{
	int rc = ERR_ABSENT;

	c->profile.dry = true;
	for (size_t i = 0; i < c->n && rc == ERR_ABSENT; i++) {
		const struct cred_source *source = &c->sources[i];
		struct cred *out = cred_new();
		struct err why = {0};

		if (out == NULL)
			rc = err_set(&why, ERR_NOMEM, "out of memory");
		else
			rc = explain_source(c, i, out, &why);
		tell(ctx, source->name, rc,
		    rc != 0 || out == NULL   ? why.text
		    : out->origin[0] != '\0' ? out->origin
					     : "would be asked");
		if (rc != 0 && rc != ERR_ABSENT)
			*err = why;
		cred_free(out);
	}
	c->profile.dry = false;
	return rc == ERR_ABSENT ? 0 : rc;
}
