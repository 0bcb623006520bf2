/* SPDX-License-Identifier: Apache-2.0 */
#include "json/writer.h"

#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "json/text.h"

/* yajl_gen is not used: it does not check whether its allocator returned
 * NULL. */
struct json_writer {
	struct buf *text;
	char open[JSON_DEPTH_MAX]; /* '{' or '[' */
	size_t depth;
	bool filled; /* something stands before in the innermost */
	int rc;
};

struct json_writer *json_writer_new(void)
{
	struct json_writer *w = calloc(1, sizeof *w);

	if (w == NULL)
		return NULL;
	w->text = buf_new(JSON_TEXT_MAX);
	if (w->text == NULL) {
		free(w);
		return NULL;
	}
	return w;
}

void json_writer_free(struct json_writer *w)
{
	if (w == NULL)
		return;
	buf_free(w->text);
	free(w);
}

static void put_bytes(struct json_writer *w, const char *s, size_t len)
{
	if (w->rc == 0)
		w->rc = buf_add(w->text, s, len);
}

/* The code of the character at s that is written as an escape, 0 for none: also
 * control characters that JSON would allow, because documents are shown. */
static unsigned find_escape(const uint8_t *s)
{
	if (s[0] < 0x20 || s[0] == '"' || s[0] == '\\' || s[0] == 0x7f)
		return s[0];
	return s[0] == 0xc2 && s[1] < 0xa0 ? s[1] : 0;
}

static void put_quoted(struct json_writer *w, const char *s)
{
	const size_t len = strlen(s), first = json_span_plain(s, len);
	size_t plain = 0;
	char escape[7];

	if (w->rc == 0 && !json_utf8(s + first, len - first))
		w->rc = ERR_FORMAT;
	put_bytes(w, "\"", 1);
	for (size_t i = first; i < len; i++) {
		const unsigned code = find_escape((const uint8_t *)s + i);

		if (code == 0)
			continue;
		put_bytes(w, s + plain, i - plain);
		(void)snprintf(escape, sizeof escape, "\\u%04x", code);
		put_bytes(w, escape, sizeof escape - 1);
		if (code >= 0x80)
			i++;
		plain = i + 1;
	}
	put_bytes(w, s + plain, len - plain);
	put_bytes(w, "\"", 1);
}

/* Write the comma and the key that a value needs before it; false when w has
 * failed. */
static bool begin_value(struct json_writer *w, const char *key)
{
	bool in_object;

	if (w == NULL || w->rc != 0)
		return false;
	in_object = w->depth > 0 && w->open[w->depth - 1] == '{';
	if (in_object != (key != NULL) || (w->depth == 0 && w->filled)) {
		w->rc = ERR_INTERNAL;
		return false;
	}
	if (w->filled)
		put_bytes(w, ",", 1);
	w->filled = true;
	if (key != NULL) {
		put_quoted(w, key);
		put_bytes(w, ":", 1);
	}
	return w->rc == 0;
}

static void begin_container(
    struct json_writer *w, const char *key, char bracket)
{
	if (!begin_value(w, key))
		return;
	if (w->depth == JSON_DEPTH_MAX) {
		w->rc = ERR_LIMIT;
		return;
	}
	w->open[w->depth++] = bracket;
	w->filled = false;
	put_bytes(w, &bracket, 1);
}

static void end_container(struct json_writer *w, char bracket, char closing)
{
	if (w == NULL || w->rc != 0)
		return;
	if (w->depth == 0 || w->open[w->depth - 1] != bracket) {
		w->rc = ERR_INTERNAL;
		return;
	}
	w->depth--;
	w->filled = true;
	put_bytes(w, &closing, 1);
}

void json_begin_object(struct json_writer *w, const char *key)
{
	begin_container(w, key, '{');
}

void json_end_object(struct json_writer *w)
{
	end_container(w, '{', '}');
}

void json_begin_array(struct json_writer *w, const char *key)
{
	begin_container(w, key, '[');
}

void json_end_array(struct json_writer *w)
{
	end_container(w, '[', ']');
}

void json_put_string(struct json_writer *w, const char *key, const char *s)
{
	if (begin_value(w, key))
		put_quoted(w, s);
}

void json_put_integer(struct json_writer *w, const char *key, int64_t n)
{
	if (begin_value(w, key))
		w->rc = buf_addf(w->text, "%" PRId64, n);
}

void json_put_boolean(struct json_writer *w, const char *key, bool value)
{
	if (begin_value(w, key))
		put_bytes(w, value ? "true" : "false", value ? 4 : 5);
}

void json_put_number(
    struct json_writer *w, const char *key, double x, int decimals)
{
	if (!begin_value(w, key))
		return;
	if (isfinite(x))
		w->rc = buf_addf(w->text, "%.*f", decimals, x);
	else
		put_bytes(w, "null", 4);
}

int json_writer_finish(struct json_writer *w, struct buf *out)
{
	if (w == NULL)
		return ERR_NOMEM;
	if (w->rc == 0 && (w->depth > 0 || !w->filled))
		w->rc = ERR_INTERNAL;
	if (w->rc == 0)
		w->rc = buf_add(out, buf_data(w->text), buf_len(w->text));
	return w->rc;
}
