/* SPDX-License-Identifier: Apache-2.0 */
/* A document that parses can be walked, and written again as one. */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "fuzz.h"
#include "json/parse.h"
#include "json/writer.h"

static void walk(struct json_writer *w, const char *name,
    const struct json *value, int depth)
{
	const struct json *inner;
	const char *key;
	int64_t n;

	FUZZ_CHECK(depth <= JSON_DEPTH_MAX);
	if (json_is_object(value)) {
		json_begin_object(w, name);
		for (size_t i = 0;
		     (inner = json_member(value, i, &key)) != NULL; i++) {
			FUZZ_CHECK(json_get(value, key) == inner);
			walk(w, key, inner, depth + 1);
		}
		json_end_object(w);
	} else if (json_is_array(value)) {
		json_begin_array(w, name);
		for (size_t i = 0; i < json_count(value); i++)
			walk(w, NULL, json_at(value, i), depth + 1);
		json_end_array(w);
	} else if (json_string(value) != NULL) {
		json_put_string(w, name, json_string(value));
	} else if (json_integer(value, &n) == 0) {
		json_put_integer(w, name, n);
	} else {
		json_put_string(
		    w, name, json_is_true(value) ? "true" : "other");
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct buf *text = buf_new(JSON_TEXT_MAX);
	struct json_writer *w = json_writer_new();
	struct json *root = NULL, *again = NULL;
	int rc;

	FUZZ_CHECK(text != NULL && w != NULL);
	if (json_parse(data, len, &root) == 0) {
		FUZZ_CHECK(root != NULL && json_utf8(data, len));
		walk(w, NULL, root, 0);
		rc = json_writer_finish(w, text);
		FUZZ_CHECK(rc == 0 || rc == ERR_LIMIT);
		if (rc == 0)
			FUZZ_CHECK(json_parse(buf_data(text), buf_len(text),
				       &again) == 0);
	}
	json_free(root);
	json_free(again);
	json_writer_free(w);
	buf_free(text);
	return 0;
}
