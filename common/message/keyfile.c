/* SPDX-License-Identifier: Apache-2.0 */
#include "message/keyfile.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/base64.h"
#include "crypto/digest.h"

#define CHARS_MAX  ((size_t)BASE64_LEN(KEYFILE_KEY_MAX))
#define WANTED_MAX 224 /* of a text that names the lines of all kinds */

static const struct {
	const char *word;
	const char *text;
	bool secret;
	size_t len;
} kinds[KEYFILE_KINDS] = {
    [KEYFILE_SIGN_PUBLIC] = {"sqs-entropy-ed25519", "a public signing key",
	false, KEYS_LEN},
    [KEYFILE_SIGN_SECRET] = {"sqs-entropy-ed25519-secret",
	"a secret signing key", true, KEYS_LEN},
    [KEYFILE_SEAL_PUBLIC] = {"sqs-entropy-x25519", "a public sealing key",
	false, KEYS_LEN},
    [KEYFILE_SEAL_SECRET] = {"sqs-entropy-x25519-secret",
	"a secret sealing key", true, KEYS_LEN},
    [KEYFILE_XWING_PUBLIC] = {"sqs-entropy-xwing", "a public sealing key",
	false, XWING_PUBLIC_LEN},
    [KEYFILE_XWING_SECRET] = {"sqs-entropy-xwing-secret",
	"a secret sealing key", true, KEYS_LEN},
};

_Static_assert(sizeof "sqs-entropy-xwing " + CHARS_MAX <= KEYFILE_LINE_MAX,
    "the longest line fits");

bool keyfile_is_secret(enum keyfile_kind kind)
{
	return kinds[kind].secret;
}

void keyfile_format(enum keyfile_kind kind, const uint8_t *key,
    char line[static KEYFILE_LINE_MAX])
{
	char text[CHARS_MAX + 1];

	base64_encode(text, key, kinds[kind].len);
	(void)snprintf(line, KEYFILE_LINE_MAX, "%s %s", kinds[kind].word, text);
	explicit_bzero(text, sizeof text);
}

/* A line of a key file, and where it is from. */
struct line {
	const char *text;
	size_t len;
	const char *origin;
	size_t number;
};

/* The kind that the line's first word names; KEYFILE_KINDS if it names none. */
static size_t kind_of(const struct line *line)
{
	const char *space = memchr(line->text, ' ', line->len);
	const size_t len =
	    space != NULL ? (size_t)(space - line->text) : line->len;
	size_t i;

	for (i = 0; i < KEYFILE_KINDS; i++)
		if (strlen(kinds[i].word) == len &&
		    memcmp(kinds[i].word, line->text, len) == 0)
			break;
	return i;
}

/* The lines that belong there: "WORD" or "WORD", with rest behind each word.
 * Returns the first kind of them. */
static size_t name_wanted(const struct keyfile_keys *keys, const char *rest,
    char out[static WANTED_MAX])
{
	size_t first = KEYFILE_KINDS, len = 0;

	for (size_t i = KEYFILE_KINDS; i-- > 0;)
		if (keys->at[i] != NULL)
			first = i;
	for (size_t i = first; i < KEYFILE_KINDS; i++)
		if (keys->at[i] != NULL)
			len += (size_t)snprintf(out + len, WANTED_MAX - len,
			    "%s\"%s%s\"", i > first ? " or " : "",
			    kinds[i].word, rest);
	return first;
}

static int wrong_kind(const struct line *line, size_t found,
    const struct keyfile_keys *keys, struct err *err)
{
	char wanted[WANTED_MAX];
	size_t first;

	if (found == KEYFILE_KINDS) {
		(void)name_wanted(keys, " BASE64", wanted);
		return err_set(err, ERR_CONFIG,
		    "%s:%zu: not a key: a line %s belongs here", line->origin,
		    line->number, wanted);
	}
	first = name_wanted(keys, " ", wanted);
	return err_set(err, ERR_CONFIG,
	    "%s:%zu: this is %s; %s belongs here, the line that begins with %s",
	    line->origin, line->number, kinds[found].text, kinds[first].text,
	    wanted);
}

/* Read the key of a line that begins with the word of the kind. */
static int take_key(
    const struct line *line, size_t kind, uint8_t *key, struct err *err)
{
	const size_t chars = BASE64_LEN(kinds[kind].len);
	const size_t at = strlen(kinds[kind].word) + 1;
	const size_t end = at + chars;
	size_t got;

	if (line->len < end ||
	    base64_decode(key, kinds[kind].len, &got, line->text + at, chars) !=
		0 ||
	    got != kinds[kind].len)
		return err_set(err, ERR_CONFIG,
		    "%s:%zu: malformed: \"%s\", a space and the %zu characters "
		    "of a base64 text belong here",
		    line->origin, line->number, kinds[kind].word, chars);
	if (line->len > end && (kinds[kind].secret || line->text[end] != ' '))
		return err_set(err, ERR_CONFIG,
		    "%s:%zu: remove what follows the key's %zu characters",
		    line->origin, line->number, chars);
	return 0;
}

static bool has_any(const struct keyfile_keys *keys)
{
	bool any = false;

	for (size_t i = 0; i < KEYFILE_KINDS; i++)
		any = any || keys->found[i];
	return any;
}

static int take_line(
    const struct line *line, struct keyfile_keys *keys, struct err *err)
{
	size_t its;

	if (line->len == 0 || line->text[0] == '#')
		return 0;
	its = kind_of(line);
	if (its == KEYFILE_KINDS || keys->at[its] == NULL)
		return wrong_kind(line, its, keys, err);
	if (keys->found[its] || (!keys->several && has_any(keys)))
		return err_set(err, ERR_CONFIG,
		    "%s:%zu: a second key: a file holds one%s", line->origin,
		    line->number, keys->several ? " of each kind" : "");
	keys->found[its] = true;
	return take_key(line, its, keys->at[its], err);
}

/* Take the next line of the text, without its "\n" or "\r\n".  False after the
 * last line. */
static bool next_line(struct line *line, const char **text, size_t *len)
{
	const char *end = *len > 0 ? memchr(*text, '\n', *len) : NULL;
	const size_t all = end != NULL ? (size_t)(end - *text) + 1 : *len;

	if (all == 0)
		return false;
	line->number++;
	line->text = *text;
	line->len = end != NULL ? all - 1 : all;
	*text += all;
	*len -= all;
	if (line->len > 0 && line->text[line->len - 1] == '\r')
		line->len--;
	return true;
}

static void forget_keys(struct keyfile_keys *keys)
{
	for (size_t i = 0; i < KEYFILE_KINDS; i++) {
		keys->found[i] = false;
		if (keys->at[i] != NULL)
			explicit_bzero(keys->at[i], kinds[i].len);
	}
}

int keyfile_parse_keys(struct keyfile_keys *keys, const char *text, size_t len,
    const char *origin, struct err *err)
{
	struct line line = {.origin = origin};
	char wanted[WANTED_MAX];
	int rc = 0;

	memset(keys->found, 0, sizeof keys->found);
	if (len > 0 && memchr(text, '\0', len) != NULL)
		rc = err_set(err, ERR_CONFIG, "%s is no text file", origin);
	while (rc == 0 && next_line(&line, &text, &len))
		rc = take_line(&line, keys, err);
	if (rc == 0 && !has_any(keys)) {
		(void)name_wanted(keys, " BASE64", wanted);
		rc = err_set(err, ERR_CONFIG,
		    "%s holds no key: a line %s belongs there", origin, wanted);
	}
	if (rc != 0)
		forget_keys(keys);
	return rc;
}

int keyfile_parse(enum keyfile_kind kind, const char *text, size_t len,
    const char *origin, uint8_t *key, struct err *err)
{
	struct keyfile_keys keys = {.several = false};

	keys.at[kind] = key;
	return keyfile_parse_keys(&keys, text, len, origin, err);
}

int keyfile_id_of(enum keyfile_kind kind, const uint8_t *public_key,
    uint8_t id[static KEYFILE_ID_LEN])
{
	const struct digest_part part = {public_key, kinds[kind].len};
	uint8_t hash[DIGEST_SHA256_LEN];
	int rc = digest_sha256(hash, &part, 1);

	if (rc == 0)
		memcpy(id, hash, KEYFILE_ID_LEN);
	return rc;
}

int keyfile_id(const uint8_t public_key[static KEYS_LEN],
    uint8_t id[static KEYFILE_ID_LEN])
{
	return keyfile_id_of(KEYFILE_SIGN_PUBLIC, public_key, id);
}
