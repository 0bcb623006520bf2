/* SPDX-License-Identifier: Apache-2.0 */
/* A claim that parses has one text: the input.  And queues, whose ARN is read
 * as it was made. */
#include <stdlib.h>
#include <string.h>

#include "base/arn.h"
#include "fuzz.h"
#include "message/claim.h"
#include "message/sign.h"

static void take_queue(const char *queue)
{
	static const struct arn found = {"eu-west-1", "123456789012", "q"};
	char text[ARN_TEXT_MAX], again[ARN_TEXT_MAX];
	struct arn a;

	if (arn_read(queue, &a) != 0)
		return;
	FUZZ_CHECK(arn_is_sound(&a));
	arn_make(text, queue, "", &found);
	if (text[0] == '\0')
		return;
	FUZZ_CHECK(arn_read(text, &a) == 0);
	arn_make(again, text, "", NULL);
	FUZZ_CHECK(strcmp(text, again) == 0);
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
	take_queue(text);
	free(text);
	return 0;
}
