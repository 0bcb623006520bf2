/* SPDX-License-Identifier: Apache-2.0 */
/* A date that is read is written as one that is the same time. */
#include <stdlib.h>

#include "base/date.h"
#include "fuzz.h"

#define FIRST INT64_C(0)
#define LAST  INT64_C(253402300799999) /* of the year 9999 */

static void write_again(int64_t wall)
{
	char text[DATE_TEXT_MAX];
	int64_t again;

	if (wall < FIRST || wall > LAST)
		return;
	date_format_rfc3339(wall, text);
	FUZZ_CHECK(date_parse_rfc3339(text, &again) == 0);
	FUZZ_CHECK(again == wall - wall % 1000);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char *text = fuzz_text(data, len);
	int64_t wall;

	if (date_parse_rfc3339(text, &wall) == 0)
		write_again(wall);
	if (date_parse_http(text, &wall) == 0)
		write_again(wall);
	free(text);
	return 0;
}
