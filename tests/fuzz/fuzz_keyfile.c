/* SPDX-License-Identifier: Apache-2.0 */
/* A file is a key of at most one kind, and written again it is the same; one of
 * keys of several kinds holds what each of its lines would alone. */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "message/keyfile.h"

/* As an agent and a producer read it: a set of kinds. */
static void try_several(const char *text, size_t len, int kinds)
{
	static uint8_t space[KEYFILE_KINDS][KEYFILE_KEY_MAX];
	struct keyfile_keys keys = {.several = true};
	struct err err = {0};
	int found = 0, rc;

	for (int kind = 0; kind < KEYFILE_KINDS; kind++)
		keys.at[kind] = space[kind];
	rc = keyfile_parse_keys(&keys, text, len, "file", &err);
	for (int kind = 0; kind < KEYFILE_KINDS; kind++)
		found += keys.found[kind];
	FUZZ_CHECK(rc == 0 ? found > 0 : found == 0 && err.text[0] != '\0');
	FUZZ_CHECK(kinds == 0 || (rc == 0 && found == 1));
	keys.several = false;
	rc = keyfile_parse_keys(&keys, text, len, "file", &err);
	FUZZ_CHECK((rc == 0) == (kinds == 1));
}

/* No corpus has a line of that length: one is made of the input. */
static void try_long(const uint8_t *data, size_t len)
{
	static uint8_t key[XWING_PUBLIC_LEN], again[XWING_PUBLIC_LEN];
	char line[KEYFILE_LINE_MAX];
	struct err err = {0};

	for (size_t i = 0; i < sizeof key; i++)
		key[i] = len > 0 ? data[i % len] : 0;
	keyfile_format(KEYFILE_XWING_PUBLIC, key, line);
	FUZZ_CHECK(keyfile_parse(KEYFILE_XWING_PUBLIC, line, strlen(line),
		       "line", again, &err) == 0);
	FUZZ_CHECK(memcmp(key, again, sizeof key) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char *text = fuzz_text(data, len);
	char line[KEYFILE_LINE_MAX];
	int kinds = 0;

	for (int kind = 0; kind < KEYFILE_KINDS; kind++) {
		uint8_t key[KEYFILE_KEY_MAX] = {0};
		uint8_t again[KEYFILE_KEY_MAX] = {0};
		struct err err = {0};

		if (keyfile_parse((enum keyfile_kind)kind, text, len, "file",
			key, &err) != 0) {
			FUZZ_CHECK(err.text[0] != '\0');
			continue;
		}
		kinds++;
		keyfile_format((enum keyfile_kind)kind, key, line);
		FUZZ_CHECK(keyfile_parse((enum keyfile_kind)kind, line,
			       strlen(line), "line", again, &err) == 0);
		FUZZ_CHECK(memcmp(key, again, sizeof key) == 0);
	}
	FUZZ_CHECK(kinds <= 1);
	try_several(text, len, kinds);
	try_long(data, len);
	free(text);
	return 0;
}
