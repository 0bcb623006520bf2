/* SPDX-License-Identifier: Apache-2.0 */
#include "message/keyfile.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/base64.h"
#include "crypto/digest.h"

#define KEY_CHARS ((size_t)BASE64_LEN(KEYS_LEN))

static const struct {
	const char *word;
	const char *text;
	bool secret;
} kinds[] = {
    [KEYFILE_SIGN_PUBLIC] = {"sqs-entropy-ed25519", "a public signing key",
	false},
    [KEYFILE_SIGN_SECRET] = {"sqs-entropy-ed25519-secret",
	"a secret signing key", true},
    [KEYFILE_SEAL_PUBLIC] = {"sqs-entropy-x25519", "a public sealing key",
	false},
    [KEYFILE_SEAL_SECRET] = {"sqs-entropy-x25519-secret",
	"a secret sealing key", true},
};

#define KINDS (sizeof kinds / sizeof kinds[0])

void keyfile_format(enum keyfile_kind kind, const uint8_t key[static KEYS_LEN],
    char line[static KEYFILE_LINE_MAX])
{
	char text[KEY_CHARS + 1];

	base64_encode(text, key, KEYS_LEN);
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

/* The kind that the line's first word names; KINDS if it names none. */
static size_t kind_of(const struct line *line)
{
	const char *space = memchr(line->text, ' ', line->len);
	const size_t len =
	    space != NULL ? (size_t)(space - line->text) : line->len;
	size_t i;

	for (i = 0; i < KINDS; i++)
		if (strlen(kinds[i].word) == len &&
		    memcmp(kinds[i].word, line->text, len) == 0)
			break;
	return i;
}

static int wrong_kind(const struct line *line, size_t found,
    enum keyfile_kind wanted, struct err *err)
{
	if (found == KINDS)
		return err_set(err, ERR_CONFIG,
		    "%s:%zu: not a key: a line \"%s BASE64\" belongs here",
		    line->origin, line->number, kinds[wanted].word);
	return err_set(err, ERR_CONFIG,
	    "%s:%zu: this is %s; %s belongs here, the line that begins with "
	    "\"%s \"",
	    line->origin, line->number, kinds[found].text, kinds[wanted].text,
	    kinds[wanted].word);
}

/* Read the key of a line that begins with the word of the kind. */
static int take_key(const struct line *line, enum keyfile_kind kind,
    uint8_t *key, struct err *err)
{
	const size_t at = strlen(kinds[kind].word) + 1;
	const size_t end = at + KEY_CHARS;
	size_t got;

	if (line->len < end ||
	    base64_decode(key, KEYS_LEN, &got, line->text + at, KEY_CHARS) !=
		0 ||
	    got != KEYS_LEN)
		return err_set(err, ERR_CONFIG,
		    "%s:%zu: malformed: \"%s\", a space and the %zu characters "
		    "of a base64 text belong here",
		    line->origin, line->number, kinds[kind].word, KEY_CHARS);
	if (line->len > end && (kinds[kind].secret || line->text[end] != ' '))
		return err_set(err, ERR_CONFIG,
		    "%s:%zu: remove what follows the key's %zu characters",
		    line->origin, line->number, KEY_CHARS);
	return 0;
}

static int take_line(const struct line *line, enum keyfile_kind kind,
    uint8_t *key, bool *found, struct err *err)
{
	size_t its;

	if (line->len == 0 || line->text[0] == '#')
		return 0;
	its = kind_of(line);
	if (its != (size_t)kind)
		return wrong_kind(line, its, kind, err);
	if (*found)
		return err_set(err, ERR_CONFIG,
		    "%s:%zu: a second key: a file holds one", line->origin,
		    line->number);
	*found = true;
	return take_key(line, kind, key, err);
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

int keyfile_parse(enum keyfile_kind kind, const char *text, size_t len,
    const char *origin, uint8_t key[static KEYS_LEN], struct err *err)
{
	struct line line = {.origin = origin};
	bool found = false;
	int rc = 0;

	if (len > 0 && memchr(text, '\0', len) != NULL)
		rc = err_set(err, ERR_CONFIG, "%s is no text file", origin);
	while (rc == 0 && next_line(&line, &text, &len))
		rc = take_line(&line, kind, key, &found, err);
	if (rc == 0 && !found)
		rc = err_set(err, ERR_CONFIG,
		    "%s holds no key: a line \"%s BASE64\" belongs there",
		    origin, kinds[kind].word);
	if (rc != 0)
		explicit_bzero(key, KEYS_LEN);
	return rc;
}

int keyfile_id(const uint8_t public_key[static KEYS_LEN],
    uint8_t id[static KEYFILE_ID_LEN])
{
	const struct digest_part part = {public_key, KEYS_LEN};
	uint8_t hash[DIGEST_SHA256_LEN];
	int rc = digest_sha256(hash, &part, 1);

	if (rc == 0)
		memcpy(id, hash, KEYFILE_ID_LEN);
	return rc;
}
