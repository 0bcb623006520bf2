/* SPDX-License-Identifier: Apache-2.0 */
/* What NIST's tool prints. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "fuzz.h"
#include "producer/assess/nist.h"

enum { WHOLE, WAYS };

static bool is_bits(double value)
{
	return value >= 0 && value <= 8;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct nist found;
	char *text = fuzz_text(data, len);

	fuzz_expect_ways(WAYS);
	if (nist_parse(text, &found)) {
		fuzz_went(WHOLE);
		FUZZ_CHECK(found.n > 0 && found.n <= NIST_LINES);
		FUZZ_CHECK(is_bits(found.original) && is_bits(found.least));
		FUZZ_CHECK(is_bits(found.bitstring));
	}
	for (size_t i = 0; i < found.n; i++) {
		const struct nist_line *line = &found.lines[i];
		const size_t n = strnlen(line->name, sizeof line->name);

		FUZZ_CHECK(n < sizeof line->name);
		FUZZ_CHECK(text_is_printable(line->name, n));
		FUZZ_CHECK(line->bits == 1 || line->bits == 8);
		FUZZ_CHECK(is_bits(line->value));
	}
	free(text);
	return 0;
}
