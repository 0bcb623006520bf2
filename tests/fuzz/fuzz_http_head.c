/* SPDX-License-Identifier: Apache-2.0 */
/* Header lines as they come, the fuzzer's line feeds between them. */
#include <stdlib.h>
#include <string.h>

#include "base/date.h"
#include "fuzz.h"
#include "http/head.h"

static void look(const struct http_head *head)
{
	const char *date = http_head_get(head, "Date");
	const char *code = http_head_get(head, "x-amzn-query-error");
	int64_t ms;

	FUZZ_CHECK(head->len <= sizeof head->text);
	FUZZ_CHECK(
	    head->status == 0 || (head->status >= 100 && head->status <= 999));
	if (date != NULL)
		FUZZ_CHECK(date + strlen(date) < head->text + head->len);
	if (date != NULL && date_parse_http(date, &ms) == 0)
		FUZZ_CHECK(ms >= 0);
	if (code != NULL)
		FUZZ_CHECK(code + strlen(code) < head->text + head->len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct http_head *head = calloc(1, sizeof *head);
	const char *text = (const char *)data, *end;
	char *line;
	size_t n;
	int rc = 0;

	FUZZ_CHECK(head != NULL);
	while (rc == 0 && len > 0) {
		end = memchr(text, '\n', len);
		n = end != NULL ? (size_t)(end - text) + 1 : len;
		line = malloc(n);
		FUZZ_CHECK(line != NULL);
		memcpy(line, text, n);
		rc = http_head_add(head, line, n);
		free(line);
		text += n;
		len -= n;
		if (rc == 0)
			look(head);
	}
	free(head);
	return 0;
}
