/* SPDX-License-Identifier: Apache-2.0 */
/* A command line as words. */
#include <stdlib.h>
#include <string.h>

#include "base/words.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct words w;
	char *line = malloc(len + 1);
	size_t room = 0;
	int rc;

	FUZZ_CHECK(line != NULL);
	memcpy(line, data, len);
	line[len] = '\0';
	rc = words_split(&w, line);
	FUZZ_CHECK(w.n >= 0 && w.n <= WORDS_MAX);
	for (int i = 0; rc == 0 && i < w.n; i++)
		room += strlen(w.at[i]) + 1;
	/* No word has more than the line. */
	FUZZ_CHECK(rc != 0 || room <= strlen(line) + 1);
	FUZZ_CHECK(rc != 0 || w.at[w.n] == NULL);
	free(line);
	return 0;
}
