/* SPDX-License-Identifier: Apache-2.0 */
#include "aws/endpoint.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arn.h"

/* ---- the places */

/* A value and the place that has it. */
struct found {
	const char *text; /* NULL: no place has it */
	char from[ENDPOINT_FROM_MAX];
	bool stored; /* in a shared file */
};

static bool holds_text(const char *text)
{
	return text != NULL && *text != '\0';
}

static bool find_in(struct found *f, const char *text, const char *from)
{
	if (!holds_text(text))
		return false;
	f->text = text;
	f->stored = false;
	(void)snprintf(f->from, sizeof f->from, "%s", from);
	return true;
}

static bool find_in_environment(struct found *f, const char *variable)
{
	return find_in(f, getenv(variable), variable);
}

static bool find_in_profile(
    struct found *f, const struct shared *shared, const char *key)
{
	const char *profile = shared_profile(shared);

	f->text = shared_get(shared, profile, key);
	f->stored = true;
	(void)snprintf(
	    f->from, sizeof f->from, "%s of the profile %.128s", key, profile);
	return holds_text(f->text);
}

/* ---- switches */

/* The names of a switch: variable, key of our configuration, profile's key. */
struct names {
	const char *variable, *setting, *key;
};

static int find_switch(const struct names *names, enum text_switch configured,
    const struct shared *shared, struct found *f, enum text_switch *out,
    struct err *err)
{
	*out = configured;
	if (!find_in_environment(f, names->variable)) {
		if (configured != TEXT_UNSET) {
			(void)snprintf(
			    f->from, sizeof f->from, "%s", names->setting);
			return 0;
		}
		if (!find_in_profile(f, shared, names->key))
			return 0;
	}
	if (text_read_switch(f->text, out))
		return 0;
	return err_set(err, ERR_CONFIG,
	    "%s: \"%.64s\" is neither true nor false", f->from, f->text);
}

static int find_variant(const struct names *names, enum text_switch configured,
    const struct shared *shared, bool *on, char from[static ENDPOINT_FROM_MAX],
    struct err *err)
{
	enum text_switch value;
	struct found f;
	int rc = find_switch(names, configured, shared, &f, &value, err);

	if (rc != 0)
		return rc;
	*on = value == TEXT_TRUE;
	if (*on)
		memcpy(from, f.from, ENDPOINT_FROM_MAX);
	return 0;
}

/* ---- URLs */

static bool find_service_variable(struct found *f, const char *service)
{
	char name[64] = "AWS_ENDPOINT_URL_";
	size_t len = strlen(name);

	for (; *service != '\0' && len < sizeof name - 1; service++)
		name[len++] = (char)(*service >= 'a' && *service <= 'z'
					 ? *service - 'a' + 'A'
					 : *service);
	name[len] = '\0';
	return find_in_environment(f, name);
}

static bool has_section(const struct shared *shared, const char *name)
{
	const struct shared_text *text = shared_text_of(shared, SHARED_CONFIG);
	struct shared_item item = {.hidden = false};
	size_t at = 0;

	while (shared_text_next(text, &at, &item))
		if (item.kind == SHARED_SERVICES &&
		    strcmp(item.name, name) == 0)
			return true;
	return false;
}

static int find_in_services(struct found *f, const struct shared *shared,
    const char *service, struct err *err)
{
	const char *profile = shared_profile(shared);
	const char *name = shared_get(shared, profile, "services");

	f->text = NULL;
	if (!holds_text(name))
		return 0;
	if (!has_section(shared, name))
		return err_set(err, ERR_CONFIG,
		    "services of the profile %.128s: %.200s has no [services "
		    "%.64s]",
		    profile, shared_path(shared, SHARED_CONFIG), name);
	f->stored = true;
	f->text = shared_get_nested(
	    shared, SHARED_SERVICES, name, service, "endpoint_url");
	(void)snprintf(f->from, sizeof f->from,
	    "endpoint_url of %s in [services %.128s]", service, name);
	return 0;
}

/* f->text is NULL or "" when no place has one. */
static int find_set_url(const struct endpoint_config *cfg, bool ignore,
    const struct shared *shared, struct found *f, struct err *err)
{
	int rc;

	f->text = NULL;
	if (find_in(f, cfg->option, "--endpoint-url"))
		return 0;
	if (!ignore && (find_service_variable(f, cfg->service) ||
			   find_in_environment(f, "AWS_ENDPOINT_URL")))
		return 0;
	if (find_in(f, cfg->configured, "endpoint-url") || ignore)
		return 0;
	rc = find_in_services(f, shared, cfg->service, err);
	if (rc == 0 && !holds_text(f->text))
		(void)find_in_profile(f, shared, "endpoint_url");
	return rc;
}

static int keep_set_url(
    const struct found *f, struct endpoint *out, struct err *err)
{
	if (!holds_text(f->text))
		return 0;
	if (strlen(f->text) >= sizeof out->url)
		return err_set(err, ERR_CONFIG,
		    "%s: longer than %zu characters", f->from,
		    sizeof out->url - 1);
	memcpy(out->url, f->text, strlen(f->text) + 1);
	memcpy(out->from, f->from, sizeof out->from);
	out->stored = f->stored;
	return endpoint_check(out, err);
}

int endpoint_find(const struct endpoint_config *cfg,
    const struct shared *shared, struct endpoint *out, struct err *err)
{
	static const struct names fips = {
	    "AWS_USE_FIPS_ENDPOINT", "use-fips-endpoint", "use_fips_endpoint"};
	static const struct names dual = {"AWS_USE_DUALSTACK_ENDPOINT",
	    "use-dualstack-endpoint", "use_dualstack_endpoint"};
	static const struct names ignore = {
	    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "",
	    "ignore_configured_endpoint_urls"};
	enum text_switch ignored = TEXT_UNSET;
	struct found f;
	int rc;

	*out = (struct endpoint){.url = ""};
	rc = find_variant(
	    &fips, cfg->use_fips, shared, &out->fips, out->fips_from, err);
	if (rc == 0)
		rc = find_variant(&dual, cfg->use_dualstack, shared, &out->dual,
		    out->dual_from, err);
	if (rc == 0)
		rc =
		    find_switch(&ignore, TEXT_UNSET, shared, &f, &ignored, err);
	if (rc == 0)
		rc = find_set_url(cfg, ignored == TEXT_TRUE, shared, &f, err);
	if (rc == 0)
		rc = keep_set_url(&f, out, err);
	return rc;
}

int endpoint_check(const struct endpoint *e, struct err *err)
{
	if (e->url[0] == '\0' || (!e->fips && !e->dual))
		return 0;
	return err_set(err, ERR_CONFIG,
	    "%s asks for a %s endpoint, but %s sets the endpoint %.160s: "
	    "remove one of the two",
	    e->fips ? e->fips_from : e->dual_from,
	    e->fips ? "FIPS" : "dual-stack", e->from, e->url);
}

/* ---- the rules */

void endpoint_make(const char *service, const char *region, struct endpoint *e)
{
	const struct arn_partition *p = arn_partition(region);
	/* GovCloud's hosts without IPv6 are FIPS's all, but for KMS's. */
	const bool named =
	    e->fips && (e->dual || strcmp(p->id, "aws-us-gov") != 0 ||
			   strcmp(service, "kms") == 0);

	if (e->url[0] != '\0')
		return;
	(void)snprintf(e->url, sizeof e->url, "https://%s%s.%s.%s", service,
	    named ? "-fips" : "", region, e->dual ? p->dual : p->suffix);
	(void)snprintf(e->from, sizeof e->from, "the region");
}
