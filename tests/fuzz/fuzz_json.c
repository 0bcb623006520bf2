/* SPDX-License-Identifier: Apache-2.0 */
/* A document that parses can be walked, and written again as one. */
#include <stdbool.h>
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

static int take(void *ctx, const struct json *element)
{
	bool *changed = ctx;

	*changed = *changed || json_changed(element);
	return 0;
}

/* A document that parses also does in pieces, with elements taken out; others
 * only when their strings are changed. */
static void read_pieces(const uint8_t *data, size_t len, bool parses)
{
	const size_t piece = len > 0 ? data[0] % 7 + 1U : 1;
	struct json_stream *s;
	struct json *root;
	bool changed = false;
	const struct json_each each = {"Messages", take, &changed};
	int rc = 0;

	FUZZ_CHECK(json_stream_new(&each, &s) == 0);
	for (size_t i = 0; i < len && rc == 0; i += piece)
		rc = json_stream_add(
		    s, data + i, len - i < piece ? len - i : piece);
	rc = json_stream_end(s, &root);
	FUZZ_CHECK(!parses || (rc == 0 && !changed));
	/* A larger one may have had more values than fit, all taken out. */
	if (!parses && rc == 0 && len < JSON_VALUES_MAX)
		FUZZ_CHECK(changed);
	json_free(root);
	json_stream_free(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct buf *text = buf_new(JSON_TEXT_MAX);
	struct json_writer *w = json_writer_new();
	struct json *root = NULL, *again = NULL;
	bool parses = false;
	int rc;

	FUZZ_CHECK(text != NULL && w != NULL);
	if (json_parse(data, len, &root) == 0) {
		FUZZ_CHECK(root != NULL && json_utf8(data, len));
		parses = true;
		walk(w, NULL, root, 0);
		rc = json_writer_finish(w, text);
		FUZZ_CHECK(rc == 0 || rc == ERR_LIMIT);
		if (rc == 0)
			FUZZ_CHECK(json_parse(buf_data(text), buf_len(text),
				       &again) == 0);
	}
	read_pieces(data, len, parses);
	json_free(root);
	json_free(again);
	json_writer_free(w);
	buf_free(text);
	return 0;
}
