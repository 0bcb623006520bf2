/* SPDX-License-Identifier: Apache-2.0 */
/* A claim that parses has one text: the input.  And queues' URLs. */
#include <stdlib.h>
#include <string.h>

#include "base/url.h"
#include "fuzz.h"
#include "message/claim.h"
#include "message/sign.h"

static void take_url(const char *url)
{
	char path[LIMIT_PATH + 1];

	if (url_queue_path(url, path) != 0)
		return;
	FUZZ_CHECK(path[0] == '/' && strlen(path) <= LIMIT_PATH);
	FUZZ_CHECK(strpbrk(path, "?#") == NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char again[MESSAGE_ENTROPY_MAX + 1];
	char *text = fuzz_text(data, len);
	struct claim claim;

	if (claim_parse(text, len, &claim) == 0) {
		FUZZ_CHECK(claim.time >= 0);
		claim_format(&claim, again);
		FUZZ_CHECK(
		    strlen(again) == len && memcmp(again, data, len) == 0);
	}
	take_url(text);
	free(text);
	return 0;
}
