/* SPDX-License-Identifier: Apache-2.0 */
/* A file is a key of at most one kind, and written again it is the same. */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "message/keyfile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	uint8_t key[KEYS_LEN], again[KEYS_LEN];
	char *text = fuzz_text(data, len);
	char line[KEYFILE_LINE_MAX];
	struct err err;
	int kinds = 0;

	for (int kind = KEYFILE_SIGN_PUBLIC; kind <= KEYFILE_SEAL_SECRET;
	     kind++) {
		err = (struct err){0};
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
	free(text);
	return 0;
}
