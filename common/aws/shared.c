/* SPDX-License-Identifier: Apache-2.0 */
#include "aws/shared.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "aws/shared_files.h"

/* What a file says of a key: the value, and the place behind it, where its
 * nested properties are. */
struct finding {
	const char *value; /* NULL: nothing */
	size_t at;
	struct shared_item item;
};

int shared_read(struct shared_files *f, struct shared **out, struct err *err)
{
	struct shared *s = calloc(1, sizeof *s);
	int rc = 0;

	*out = NULL;
	if (s == NULL)
		return err_set(err, ERR_NOMEM, "out of memory");
	rc = shared_files_choose(f, s, err);
	for (int k = 0; k < 2 && rc == 0; k++)
		rc = shared_files_load(f, &s->file[k], k, err);
	if (rc != 0) {
		shared_free(s);
		return rc;
	}
	*out = s;
	return 0;
}

void shared_free(struct shared *s)
{
	if (s == NULL)
		return;
	for (int k = 0; k < 2; k++)
		buf_free(s->file[k].bytes);
	free(s->profile);
	free(s);
}

int shared_check_read(const struct shared *s, struct err *err)
{
	for (int k = 0; k < 2; k++)
		if (s->file[k].unread.code != 0)
			return err_set(err, s->file[k].unread.code, "%s",
			    s->file[k].unread.text);
	return 0;
}

const char *shared_profile(const struct shared *s)
{
	return s->profile;
}

bool shared_profile_asked(const struct shared *s)
{
	return s->asked;
}

const char *shared_path(const struct shared *s, enum shared_file which)
{
	return s->file[which].path;
}

bool shared_is_there(const struct shared *s, enum shared_file which)
{
	return s->file[which].bytes != NULL;
}

bool shared_is_ambiguous(const struct shared *s)
{
	return s->file[SHARED_CONFIG].text.two_defaults;
}

const struct shared_text *shared_text_of(
    const struct shared *s, enum shared_file which)
{
	return &s->file[which].text;
}

static bool is_section(
    const struct shared_item *item, enum shared_kind kind, const char *name)
{
	return item->kind == kind && strcmp(item->name, name) == 0;
}

bool shared_has(const struct shared *s, const char *profile)
{
	for (int k = 0; k < 2; k++) {
		struct shared_item item = {0};
		size_t at = 0;

		while (shared_text_next(&s->file[k].text, &at, &item))
			if (is_section(&item, SHARED_PROFILE, profile))
				return true;
	}
	return false;
}

/* The last one counts. */
static struct finding find_key(const struct shared_text *t,
    enum shared_kind kind, const char *name, const char *key)
{
	struct finding found = {0};
	struct shared_item item = {0};
	size_t at = 0;

	while (shared_text_next(t, &at, &item))
		if (item.key != NULL && item.subkey == NULL &&
		    is_section(&item, kind, name) &&
		    strcasecmp(item.key, key) == 0)
			found = (struct finding){item.value, at, item};
	return found;
}

const char *shared_get_from(const struct shared *s, enum shared_file which,
    const char *profile, const char *key)
{
	return find_key(&s->file[which].text, SHARED_PROFILE, profile, key)
	    .value;
}

const char *shared_get(
    const struct shared *s, const char *profile, const char *key)
{
	const char *value =
	    shared_get_from(s, SHARED_CREDENTIALS, profile, key);

	return value != NULL ? value
			     : shared_get_from(s, SHARED_CONFIG, profile, key);
}

static const char *find_subkey(
    const struct shared_text *t, struct finding found, const char *subkey)
{
	const char *value = NULL;

	while (shared_text_next(t, &found.at, &found.item) &&
	       found.item.subkey != NULL)
		if (strcasecmp(found.item.subkey, subkey) == 0)
			value = found.item.value;
	return value;
}

bool shared_has_keys(const struct shared *s, const char *profile)
{
	return shared_get(s, profile, "aws_access_key_id") != NULL ||
	       shared_get(s, profile, "aws_secret_access_key") != NULL;
}

bool shared_has_role(const struct shared *s, const char *profile)
{
	return shared_get(s, profile, "role_arn") != NULL &&
	       shared_get(s, profile, "web_identity_token_file") == NULL;
}

const char *shared_last_profile(const struct shared *s)
{
	const char *profile = shared_profile(s);

	for (int i = 0; i < SHARED_DEPTH_MAX && shared_has_role(s, profile) &&
			(i == 0 || !shared_has_keys(s, profile));
	     i++) {
		const char *next = shared_get(s, profile, "source_profile");

		if (next == NULL || strcmp(next, profile) == 0)
			break;
		profile = next;
	}
	return profile;
}

const char *shared_get_nested(const struct shared *s, enum shared_kind kind,
    const char *name, const char *key, const char *subkey)
{
	for (int k = 0; k < 2; k++) {
		const struct shared_text *t = &s->file[k].text;
		const struct finding found = find_key(t, kind, name, key);

		if (found.value != NULL)
			return find_subkey(t, found, subkey);
	}
	return NULL;
}
