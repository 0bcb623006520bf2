/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "aid/hex.h"
#include "base/base64.h"
#include "message/keyfile.h"

/* The text of a key file: parsing, formatting and what errors say. */

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

/* 32 bytes 0, 1, ... 31 */
#define TEXT     "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define OTHER    "AQECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="

static const enum keyfile_kind kinds[] = {KEYFILE_SIGN_PUBLIC,
    KEYFILE_SIGN_SECRET, KEYFILE_SEAL_PUBLIC, KEYFILE_SEAL_SECRET,
    KEYFILE_XWING_PUBLIC, KEYFILE_XWING_SECRET};
static const char *const words[] = {"sqs-entropy-ed25519",
    "sqs-entropy-ed25519-secret", "sqs-entropy-x25519",
    "sqs-entropy-x25519-secret", "sqs-entropy-xwing",
    "sqs-entropy-xwing-secret"};
static char xwing_line[KEYFILE_LINE_MAX];
static const char *const lines[] = {"sqs-entropy-ed25519 " TEXT,
    "sqs-entropy-ed25519-secret " TEXT, "sqs-entropy-x25519 " TEXT,
    "sqs-entropy-x25519-secret " TEXT, xwing_line,
    "sqs-entropy-xwing-secret " TEXT};

/* A key's bytes count from 0 on. */
static int make_xwing_line(void **state)
{
	uint8_t key[KEYFILE_KEY_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof key; i++)
		key[i] = (uint8_t)i;
	(void)snprintf(
	    xwing_line, sizeof xwing_line, "%s ", words[KEYFILE_XWING_PUBLIC]);
	base64_encode(xwing_line + strlen(xwing_line), key, sizeof key);
	return 0;
}

static size_t len_of(enum keyfile_kind kind)
{
	return kind == KEYFILE_XWING_PUBLIC ? XWING_PUBLIC_LEN : KEYS_LEN;
}

static void assert_key(enum keyfile_kind kind, const uint8_t *key)
{
	size_t i;

	for (i = 0; i < len_of(kind); i++)
		assert_int_equal(key[i], (uint8_t)i);
	for (; i < KEYFILE_KEY_MAX; i++)
		assert_int_equal(key[i], 0xaa);
}

static int parse_len(
    enum keyfile_kind kind, const char *text, size_t len, struct err *err)
{
	/* A copy of that length shows a sanitizer what is read beyond. */
	char *copy = malloc(len > 0 ? len : 1);
	uint8_t key[KEYFILE_KEY_MAX];
	int rc;

	assert_non_null(copy);
	memcpy(copy, text, len);
	memset(key, 0xaa, sizeof key);
	rc = keyfile_parse(kind, copy, len, "a.pub", key, err);
	if (rc == 0)
		assert_key(kind, key);
	else
		hex_assert_wiped(key, len_of(kind));
	free(copy);
	return rc;
}

static int parse(enum keyfile_kind kind, const char *text, struct err *err)
{
	return parse_len(kind, text, strlen(text), err);
}

/* Refused, in a text that begins and that has those, and tells no key. */
static void refused(enum keyfile_kind kind, const char *text,
    const char *begins, const char *has)
{
	struct err err = {.code = 0};

	if (parse(kind, text, &err) != ERR_CONFIG)
		fail_msg("accepted: %s", text);
	assert_int_equal(err.code, ERR_CONFIG);
	assert_memory_equal(err.text, begins, strlen(begins));
	if (strstr(err.text, has) == NULL)
		fail_msg("no \"%s\" in: %s", has, err.text);
	assert_null(strstr(err.text, "AwQFBgcI"));
}

static void a_key_is_written_as_one_line_of_its_kind(void **state)
{
	char line[KEYFILE_LINE_MAX];
	uint8_t key[KEYFILE_KEY_MAX];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof key; i++)
		key[i] = (uint8_t)i;
	for (i = 0; i < COUNT(kinds); i++) {
		keyfile_format(kinds[i], key, line);
		assert_string_equal(line, lines[i]);
		assert_int_equal(parse(kinds[i], line, NULL), 0);
	}
}

static void comments_and_line_ends_around_a_key_are_accepted(void **state)
{
	static const char *const good[] = {"sqs-entropy-ed25519 " TEXT,
	    "sqs-entropy-ed25519 " TEXT "\n",
	    "sqs-entropy-ed25519 " TEXT "\r\n", "sqs-entropy-ed25519 " TEXT " ",
	    "sqs-entropy-ed25519 " TEXT " pi@attic, since 2026 # \303\244\n",
	    "sqs-entropy-ed25519 " TEXT " pi@attic\r\n",
	    "# a comment\n\n#\nsqs-entropy-ed25519 " TEXT "\n\n# end",
	    "# a\r\n\r\nsqs-entropy-ed25519 " TEXT "\r\n\r\n",
	    "#sqs-entropy-ed25519-secret " OTHER "\nsqs-entropy-ed25519 " TEXT
	    "\n"};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(good); i++)
		if (parse(KEYFILE_SIGN_PUBLIC, good[i], NULL) != 0)
			fail_msg("refused: %s", good[i]);
	assert_int_equal(
	    parse(KEYFILE_SEAL_SECRET,
		"# keep it\nsqs-entropy-x25519-secret " TEXT "\r\n", NULL),
	    0);
}

static void a_line_that_is_no_key_is_refused_with_its_number(void **state)
{
	static const char *const bad[] = {"sqs-entropy-ed25519",
	    "sqs-entropy-ed25519 ", "sqs-entropy-ed25519  " TEXT,
	    "sqs-entropy-ed25519\t" TEXT, " sqs-entropy-ed25519 " TEXT,
	    "SQS-entropy-ed25519 " TEXT, "sqs-entropy-ed2551 " TEXT,
	    "sqs-entropy-ed255199 " TEXT, "ssh-ed25519 " TEXT, TEXT, " ", "\t",
	    "\r\r\n", "-----BEGIN PUBLIC KEY-----",
	    /* the base64: short, long, not canonical, another alphabet */
	    "sqs-entropy-ed25519 AAECAwQFBgcICQoLDA0ODw==",
	    "sqs-entropy-ed25519 AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHg==",
	    "sqs-entropy-ed25519 AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8",
	    "sqs-entropy-ed25519 AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh9=",
	    "sqs-entropy-ed25519 AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8g",
	    "sqs-entropy-ed25519 AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh-=",
	    "sqs-entropy-ed25519 AAECAwQFBgcICQoLDA0ODxAREhM\nUFRYXGBkaGxwdHh8=",
	    "sqs-entropy-ed25519 " TEXT "=", "sqs-entropy-ed25519 " TEXT "x",
	    "sqs-entropy-ed25519 " TEXT "\tx", "sqs-entropy-ed25519 " TEXT "#x",
	    "sqs-entropy-ed25519 " TEXT "\r\r"};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(bad); i++)
		refused(KEYFILE_SIGN_PUBLIC, bad[i], "a.pub:1: ", "");
	refused(KEYFILE_SIGN_PUBLIC, "", "a.pub holds no key", words[0]);
	refused(KEYFILE_SIGN_PUBLIC, "\n# x\n\n", "a.pub holds no key", "");
	refused(KEYFILE_SIGN_PUBLIC, "#\n\n#\nx\n", "a.pub:4: not a key", "");
}

/* Each kind where each other belongs; secrets are told from public ones. */
static void a_key_where_another_kind_belongs_is_refused(void **state)
{
	static const char *const said[] = {"is a public signing key",
	    "is a secret signing key", "is a public sealing key",
	    "is a secret sealing key", "is a public sealing key",
	    "is a secret sealing key"};
	size_t given, wanted;

	(void)state;
	for (given = 0; given < COUNT(kinds); given++)
		for (wanted = 0; wanted < COUNT(kinds); wanted++) {
			if (given == wanted) {
				assert_int_equal(
				    parse(kinds[wanted], lines[given], NULL),
				    0);
				continue;
			}
			refused(kinds[wanted], lines[given],
			    "a.pub:1: ", said[given]);
			refused(kinds[wanted], lines[given], "", words[wanted]);
		}
	/* Even malformed, it may be one. */
	refused(KEYFILE_SIGN_PUBLIC, "sqs-entropy-ed25519-secret x",
	    "a.pub:1: ", "is a secret signing key");
}

static void a_secret_key_has_no_comment(void **state)
{
	(void)state;
	refused(KEYFILE_SIGN_SECRET,
	    "#\nsqs-entropy-ed25519-secret " TEXT " mine",
	    "a.pub:2: ", "remove");
	refused(KEYFILE_SEAL_SECRET, "sqs-entropy-x25519-secret " TEXT " ",
	    "a.pub:1: ", "remove");
}

static void a_second_key_in_a_file_is_refused(void **state)
{
	(void)state;
	refused(KEYFILE_SIGN_PUBLIC,
	    "sqs-entropy-ed25519 " TEXT "\n\nsqs-entropy-ed25519 " OTHER "\n",
	    "a.pub:3: ", "second key");
	refused(KEYFILE_SIGN_PUBLIC,
	    "sqs-entropy-ed25519 " TEXT "\nsqs-entropy-ed25519 " TEXT,
	    "a.pub:2: ", "second key");
	refused(KEYFILE_SIGN_PUBLIC,
	    "sqs-entropy-ed25519 " TEXT "\nsqs-entropy-ed25519-secret " TEXT,
	    "a.pub:2: ", "secret signing key");
}

#define X25519 "sqs-entropy-x25519-secret "
#define XWING  "sqs-entropy-xwing-secret "

/* An agent's file: a secret key of each kind, in any order.  Returns the error,
 * and what was found as "xX" for a key of X25519 and one of X-Wing. */
static const char *parse_agents(
    const char *text, bool several, char found[static 3])
{
	static struct err err;
	uint8_t space[2][KEYS_LEN];
	struct keyfile_keys keys = {.several = several,
	    .at = {[KEYFILE_SEAL_SECRET] = space[0],
		[KEYFILE_XWING_SECRET] = space[1]}};

	memset(space, 0xaa, sizeof space);
	err = (struct err){.code = 0};
	found[0] = '\0';
	if (keyfile_parse_keys(&keys, text, strlen(text), "seal.key", &err) !=
	    0) {
		assert_int_equal(err.code, ERR_CONFIG);
		hex_assert_wiped(space, sizeof space);
		assert_false(keys.found[KEYFILE_SEAL_SECRET]);
		assert_false(keys.found[KEYFILE_XWING_SECRET]);
		return err.text;
	}
	(void)snprintf(found, 3, "%s%s",
	    keys.found[KEYFILE_SEAL_SECRET] ? "x" : "",
	    keys.found[KEYFILE_XWING_SECRET] ? "X" : "");
	for (int i = 0; i < KEYFILE_KINDS; i++)
		if (keys.found[i])
			assert_memory_equal(keys.at[i] + 1, "\1\2\3", 3);
	return NULL;
}

static void a_file_may_hold_a_key_of_each_kind(void **state)
{
	static const struct {
		const char *text;
		bool several;
		const char *found, *error;
	} cases[] = {
	    {X25519 TEXT "\n", true, "x", NULL},
	    {XWING TEXT "\n", true, "X", NULL},
	    {XWING TEXT, false, "X", NULL},
	    {X25519 OTHER "\n# and\n" XWING TEXT "\n", true, "xX", NULL},
	    {XWING TEXT "\r\n" X25519 TEXT, true, "xX", NULL},
	    {XWING TEXT "\n" X25519 TEXT "\n", false, "",
		"seal.key:2: a second key: a file holds one"},
	    {XWING TEXT "\n" X25519 TEXT "\n" XWING OTHER, true, "",
		"seal.key:3: a second key: a file holds one of each kind"},
	    {X25519 TEXT "\nx\n", true, "",
		"seal.key:2: not a key: a line \"sqs-entropy-x25519-secret "
		"BASE64\" or \"sqs-entropy-xwing-secret BASE64\" belongs "
		"here"},
	    {X25519 TEXT "\nsqs-entropy-xwing x\n", true, "",
		"seal.key:2: this is a public sealing key; a secret sealing "
		"key belongs here, the line that begins with "
		"\"sqs-entropy-x25519-secret \" or "
		"\"sqs-entropy-xwing-secret \""},
	    {"#\n", true, "",
		"seal.key holds no key: a line \"sqs-entropy-x25519-secret "
		"BASE64\" or \"sqs-entropy-xwing-secret BASE64\" belongs "
		"there"},
	};
	char found[3];

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		const char *error =
		    parse_agents(cases[i].text, cases[i].several, found);

		assert_string_equal(found, cases[i].found);
		assert_string_equal(error != NULL ? error : "",
		    cases[i].error != NULL ? cases[i].error : "");
	}
}

/* 1,624 characters; the last four carry the last byte alone. */
static void a_long_key_has_to_be_whole(void **state)
{
	char text[KEYFILE_LINE_MAX + 16];

	(void)state;
	(void)snprintf(text, sizeof text, "%s comment\n", xwing_line);
	assert_int_equal(parse(KEYFILE_XWING_PUBLIC, text, NULL), 0);
	(void)snprintf(text, sizeof text, "%sA", xwing_line);
	refused(KEYFILE_XWING_PUBLIC, text, "a.pub:1: remove what follows",
	    "1624 characters");
	for (size_t cut = 1; cut < 1624; cut += 7) {
		(void)snprintf(text, sizeof text, "%s", xwing_line);
		text[strlen(text) - cut] = '\0';
		refused(KEYFILE_XWING_PUBLIC, text, "a.pub:1: malformed",
		    "1624 characters");
	}
}

static void a_key_file_with_a_nul_byte_is_refused(void **state)
{
	static const char nul[] = "sqs-entropy-ed25519 " TEXT "\0\n";
	struct err err = {.code = 0};

	(void)state;
	assert_int_equal(
	    parse_len(KEYFILE_SIGN_PUBLIC, nul, sizeof nul - 1, &err),
	    ERR_CONFIG);
	assert_string_equal(err.text, "a.pub is no text file");
	assert_int_equal(
	    parse_len(KEYFILE_SIGN_PUBLIC, "\0", 1, NULL), ERR_CONFIG);
}

/* Each byte of a line changed to each other, and each length of it. */
static void a_changed_byte_gives_another_key_or_none(void **state)
{
	const char *line = lines[KEYFILE_SIGN_SECRET];
	const size_t len = strlen(line);
	char text[KEYFILE_LINE_MAX];
	uint8_t key[KEYS_LEN];
	size_t i, accepted = 0;
	int c;

	(void)state;
	memcpy(text, line, len);
	for (i = 0; i < len; i++) {
		for (c = 0; c < 256; c++) {
			text[i] = (char)c;
			if (keyfile_parse(KEYFILE_SIGN_SECRET, text, len, "x",
				key, NULL) == 0)
				accepted++;
		}
		text[i] = line[i];
	}
	/* 42 characters of 64 values, one whose last two bits must be 0, and
	 * the rest as it is. */
	assert_int_equal(accepted, (len - 43) + (size_t)42 * 64 + 16);
	for (i = 0; i < len; i++)
		assert_int_equal(
		    parse_len(KEYFILE_SIGN_SECRET, line, i, NULL), ERR_CONFIG);
}

/* The id, computed by sha256sum of RFC 8032's first key. */
static void the_id_of_a_key_comes_from_its_sha256(void **state)
{
	uint8_t key[KEYS_LEN], id[KEYFILE_ID_LEN];
	uint8_t expected[KEYFILE_ID_LEN];

	(void)state;
	hex_exactly(key, sizeof key,
	    "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
	hex_exactly(expected, sizeof expected, "21fe31dfa154a261");
	assert_int_equal(keyfile_id(key, id), 0);
	assert_memory_equal(id, expected, sizeof id);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_key_is_written_as_one_line_of_its_kind),
	    cmocka_unit_test(comments_and_line_ends_around_a_key_are_accepted),
	    cmocka_unit_test(a_line_that_is_no_key_is_refused_with_its_number),
	    cmocka_unit_test(a_key_where_another_kind_belongs_is_refused),
	    cmocka_unit_test(a_secret_key_has_no_comment),
	    cmocka_unit_test(a_second_key_in_a_file_is_refused),
	    cmocka_unit_test(a_file_may_hold_a_key_of_each_kind),
	    cmocka_unit_test(a_long_key_has_to_be_whole),
	    cmocka_unit_test(a_key_file_with_a_nul_byte_is_refused),
	    cmocka_unit_test(a_changed_byte_gives_another_key_or_none),
	    cmocka_unit_test(the_id_of_a_key_comes_from_its_sha256)};

	return cmocka_run_group_tests(tests, make_xwing_line, NULL);
}
