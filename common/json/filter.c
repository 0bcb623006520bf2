/* SPDX-License-Identifier: Apache-2.0 */
#include "json/filter.h"

#include <string.h>

static int flush_out(struct json_filter *f, bool changed)
{
	const size_t len = f->out_len;

	f->out_len = 0;
	return len > 0 ? f->put(f->ctx, f->out, len, changed) : 0;
}

static int pass_bytes(struct json_filter *f, const uint8_t *s, size_t len)
{
	int rc = 0;

	if (len > sizeof f->out - f->out_len)
		rc = flush_out(f, false);
	if (rc != 0)
		return rc;
	memcpy(f->out + f->out_len, s, len);
	f->out_len += len;
	return 0;
}

/* Nothing but the end of this string is in the last put(), so that the one it
 * marks is this one. */
static int end_string(struct json_filter *f)
{
	int rc = f->changed ? flush_out(f, false) : 0;

	f->in_string = false;
	f->token = 0;
	if (rc == 0)
		rc = pass_bytes(f, (const uint8_t *)"\"", 1);
	if (rc == 0 && f->changed)
		rc = flush_out(f, true);
	return rc;
}

/* The rest of a string that is full is dropped, also what would still fit. */
static int pass_in_string(struct json_filter *f, const uint8_t *s, size_t len)
{
	if (f->full || len > JSON_STRING_MAX - f->token) {
		f->full = true;
		f->changed = true;
		return f->strict ? ERR_LIMIT : 0;
	}
	f->token += len;
	return pass_bytes(f, s, len);
}

static int pass_outside(struct json_filter *f, uint8_t c)
{
	if (c == '"') {
		f->in_string = true;
		f->full = false;
		f->changed = false;
		f->token = 0;
	} else if (c != 0 && strchr(" \t\r\n{}[],:", c) != NULL) {
		f->token = 0;
	} else if (c < 0x20 || c >= 0x7f) {
		return ERR_FORMAT;
	} else if (++f->token > JSON_STRING_MAX) {
		return ERR_LIMIT;
	}
	return pass_bytes(f, &c, 1);
}

static int replace_unit(struct json_filter *f)
{
	f->changed = true;
	return f->strict ? ERR_FORMAT
			 : pass_in_string(f, (const uint8_t *)"?", 1);
}

/* Take what needs no look at each character.  0 bytes where the string is full.
 */
static int pass_plain(
    struct json_filter *f, const uint8_t *s, size_t len, size_t *taken)
{
	const size_t room = JSON_STRING_MAX - f->token;

	if (len > room)
		len = room;
	if (len > sizeof f->out)
		len = sizeof f->out;
	*taken = json_span_plain(s, len);
	return pass_in_string(f, s, *taken);
}

/* Take whole units from those bytes that wait; what is none gives way to what
 * is behind it, which may end the string. */
static int take_units(struct json_filter *f)
{
	size_t taken = 0, len;
	int rc = 0, n;

	while (rc == 0 && taken < f->unit_len) {
		const uint8_t *s = f->unit + taken;

		n = f->in_string ? json_unit(s, f->unit_len - taken) : 1;
		if (n == 0)
			break;
		len = (size_t)(n > 0 ? n : -n);
		if (!f->in_string)
			rc = pass_outside(f, s[0]);
		else if (n < 0)
			rc = replace_unit(f);
		else if (s[0] == '"')
			rc = end_string(f);
		else
			rc = pass_in_string(f, s, len);
		taken += len;
	}
	f->unit_len -= taken;
	memmove(f->unit, f->unit + taken, f->unit_len);
	return rc;
}

/* How many of the len bytes are before the quote that ends a full string.
 * Millions of bytes may be dropped, and nothing but that quote matters. */
static size_t skip_full(struct json_filter *f, const uint8_t *s, size_t len)
{
	size_t n;

	for (n = 0; n < len; n++) {
		if (f->escaped)
			f->escaped = false;
		else if (s[n] == '\\')
			f->escaped = true;
		else if (s[n] == '"')
			break;
	}
	return n;
}

int json_filter_add(struct json_filter *f, const void *data, size_t len)
{
	const uint8_t *s = data, *end = s + len;
	int rc = 0;

	while (rc == 0 && s < end) {
		size_t n = 0;

		if (f->in_string && f->unit_len == 0 && f->full)
			n = skip_full(f, s, (size_t)(end - s));
		else if (f->in_string && f->unit_len == 0)
			rc = pass_plain(f, s, (size_t)(end - s), &n);
		s += n;
		if (rc != 0 || s == end)
			break;
		f->unit[f->unit_len++] = *s++;
		rc = take_units(f);
	}
	return rc;
}

int json_filter_end(struct json_filter *f)
{
	return f->in_string ? ERR_FORMAT : flush_out(f, false);
}
