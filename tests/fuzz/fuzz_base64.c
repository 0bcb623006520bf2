/* SPDX-License-Identifier: Apache-2.0 */
/* What decodes has one encoding: the input.  And message bodies. */
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/err.h"
#include "fuzz.h"
#include "message/message.h"

static void decode_body(const char *text, size_t len)
{
	static struct message m;

	if (message_from_body(&m, text, len) == 0)
		FUZZ_CHECK(m.payload_len >= MESSAGE_PAYLOAD_MIN &&
			   m.payload_len <= MESSAGE_PAYLOAD_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const size_t max = BASE64_BYTES(len);
	uint8_t *out = malloc(max + 1);
	char *text = fuzz_text(data, len), *again = malloc(BASE64_LEN(max) + 1);
	size_t got = 0;

	FUZZ_CHECK(out != NULL && again != NULL);
	if (base64_decode(out, max, &got, text, len) == 0) {
		FUZZ_CHECK(got <= max);
		base64_encode(again, out, got);
		FUZZ_CHECK(
		    strlen(again) == len && memcmp(again, data, len) == 0);
		if (got > 0)
			FUZZ_CHECK(base64_decode(out, got - 1, &got, text,
				       len) == ERR_LIMIT);
	}
	decode_body(text, len);
	free(out);
	free(text);
	free(again);
	return 0;
}
