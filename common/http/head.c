/* SPDX-License-Identifier: Apache-2.0 */
#include "http/head.h"

#include <string.h>
#include <strings.h>

#include "base/err.h"
#include "base/text.h"

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* "HTTP/1.1 200 OK"; also begins the answer that follows an interim one. */
static int take_status(struct http_head *h, const char *line, size_t len)
{
	const char *sp = memchr(line, ' ', len);
	size_t left = sp != NULL ? (size_t)(line + len - sp) : 0;
	uint64_t status;

	h->len = 0;
	h->status = 0;
	if (left < 4 || !text_read_number(sp + 1, 3, 999, &status) ||
	    (left > 4 && !is_blank(sp[4])))
		return ERR_FORMAT;
	h->status = (int)status;
	return h->status >= 100 ? 0 : ERR_FORMAT;
}

static void store_text(struct http_head *h, const char *s, size_t len)
{
	memcpy(h->text + h->len, s, len);
	h->len += len;
	h->text[h->len++] = '\0';
}

static int take_field(struct http_head *h, const char *line, size_t len)
{
	const char *colon = memchr(line, ':', len);
	const char *value, *end = line + len;

	if (colon == NULL || colon == line || is_blank(line[0]) ||
	    is_blank(colon[-1]))
		return ERR_FORMAT;
	value = colon + 1;
	while (value < end && is_blank(*value))
		value++;
	while (end > value && is_blank(end[-1]))
		end--;
	if ((size_t)(end - line) + 1 > sizeof h->text - h->len)
		return ERR_LIMIT;
	store_text(h, line, (size_t)(colon - line));
	store_text(h, value, (size_t)(end - value));
	return 0;
}

int http_head_add(struct http_head *h, const char *line, size_t len)
{
	if (len > HTTP_HEAD_MAX - h->seen)
		return ERR_LIMIT;
	h->seen += len;
	if (memchr(line, '\0', len) != NULL)
		return ERR_FORMAT;
	while (len > 0 && (line[len - 1] == '\n' || line[len - 1] == '\r'))
		len--;
	if (h->whole)
		return 0;
	if (len == 0) {
		h->whole = h->status >= 200;
		return 0;
	}
	if (len >= 5 && memcmp(line, "HTTP/", 5) == 0)
		return take_status(h, line, len);
	return take_field(h, line, len);
}

const char *http_head_get(const struct http_head *h, const char *name)
{
	const char *p = h->text;

	while (p < h->text + h->len) {
		const char *value = p + strlen(p) + 1;

		if (strcasecmp(p, name) == 0)
			return value;
		p = value + strlen(value) + 1;
	}
	return NULL;
}
