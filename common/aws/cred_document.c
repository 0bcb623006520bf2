/* SPDX-License-Identifier: Apache-2.0 */
#include "aws/cred_document.h"

#include <string.h>

#include "base/date.h"
#include "base/text.h"

/* What a member holds; "" when it is not there, or null, which counts as not
 * there; NULL when it is of another type, such as a date in seconds. */
static const char *text_of(const struct json *object, const char *key)
{
	const struct json *value = json_get(object, key);

	return value == NULL ? "" : json_string(value);
}

static bool is_value(const char *s, size_t most)
{
	return s != NULL && strlen(s) <= most && text_is_graphic(s, strlen(s));
}

static bool is_key(const char *s)
{
	return is_value(s, CRED_KEY_MAX) && s[0] != '\0';
}

/* False when the document has to have an expiration and has none. */
static bool read_expiration(const char *s, bool may_last, int64_t *expires)
{
	*expires = 0;
	if (s != NULL && s[0] == '\0' && may_last)
		return true;
	return s != NULL && date_parse_rfc3339(s, expires) == 0;
}

int cred_document_take(const struct json *object,
    const struct cred_document *form, const char *from, struct cred *out,
    struct err *err)
{
	const char *access = text_of(object, form->access_key);
	const char *secret = text_of(object, form->secret_key);
	const char *token = text_of(object, form->token), *wrong = NULL;
	int64_t expires = 0;

	if (!is_key(access))
		wrong = form->access_key;
	else if (!is_key(secret))
		wrong = form->secret_key;
	else if (!is_value(token, CRED_TOKEN_MAX) ||
		 (token[0] == '\0' && !form->may_last))
		wrong = form->token;
	else if (!read_expiration(text_of(object, form->expiration),
		     form->may_last, &expires))
		wrong = form->expiration;
	if (wrong != NULL)
		return err_set(err, ERR_FORMAT,
		    "%s: %s is missing, malformed or too long", from, wrong);
	if (cred_set(out, access, secret, token) != 0)
		return err_set(err, ERR_NOMEM, "out of memory");
	out->expires = expires;
	return 0;
}
