/* SPDX-License-Identifier: Apache-2.0 */
/* A URL that is split is split the same way when it is put together again, and
 * the region that a host names is one. */
#include <stdlib.h>
#include <string.h>

#include "base/arn.h"
#include "base/url.h"
#include "fuzz.h"

static void split_again(const struct url *url)
{
	char text[2 * LIMIT_URL];
	struct url again;

	(void)strcpy(text, url->origin);
	(void)strcat(text, url->path);
	FUZZ_CHECK(url_split(text, &again) == 0);
	FUZZ_CHECK(strcmp(again.origin, url->origin) == 0);
	FUZZ_CHECK(strcmp(again.path, url->path) == 0);
	FUZZ_CHECK(url_has_queue(&again) == url_has_queue(url));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char *text = fuzz_text(data, len);
	char region[LIMIT_REGION] = "none";
	struct url url;

	if (url_split(text, &url) == 0) {
		FUZZ_CHECK(url_scheme_len(text) > 0 && url_is_meant(text));
		FUZZ_CHECK(url.host > url.origin && *url.host != '\0');
		FUZZ_CHECK(*url.path == '\0' || *url.path == '/');
		split_again(&url);
		if (arn_region_of("sqs", url.host, region))
			FUZZ_CHECK(arn_is_region(region));
		else
			FUZZ_CHECK(strcmp(region, "none") == 0);
	}
	free(text);
	return 0;
}
