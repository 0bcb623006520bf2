/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_ROOM 64

struct buf {
	uint8_t *data; /* room bytes; data[len] is 0; NULL while room is 0 */
	size_t len;
	size_t room;
	size_t max;
};

struct buf *buf_new(size_t max)
{
	struct buf *b = calloc(1, sizeof *b);

	if (b != NULL)
		b->max = max < SIZE_MAX ? max : SIZE_MAX - 1;
	return b;
}

void buf_free(struct buf *b)
{
	if (b == NULL)
		return;
	if (b->data != NULL)
		explicit_bzero(b->data, b->room);
	free(b->data);
	free(b);
}

/* realloc() would leave a copy of the old block behind. */
static int grow_block(struct buf *b, size_t need)
{
	size_t room = b->room > 0 ? b->room : FIRST_ROOM;
	uint8_t *data;

	if (need <= b->room)
		return 0;
	while (room < need)
		room = room <= SIZE_MAX / 2 ? room * 2 : need;
	if (room > b->max + 1)
		room = b->max + 1;
	data = malloc(room);
	if (data == NULL)
		return ERR_NOMEM;
	if (b->data != NULL) {
		memcpy(data, b->data, b->len);
		explicit_bzero(b->data, b->room);
		free(b->data);
	}
	b->data = data;
	b->room = room;
	return 0;
}

int buf_extend(struct buf *b, size_t len, uint8_t **space)
{
	int rc;

	if (len > b->max - b->len)
		return ERR_LIMIT;
	rc = grow_block(b, b->len + len + 1);
	if (rc != 0)
		return rc;
	*space = b->data + b->len;
	b->len += len;
	b->data[b->len] = 0;
	return 0;
}

struct buf *buf_new_zero(size_t len, uint8_t **space)
{
	struct buf *b = buf_new(len);

	if (b == NULL || buf_extend(b, len, space) != 0) {
		buf_free(b);
		return NULL;
	}
	memset(*space, 0, len);
	return b;
}

int buf_add(struct buf *b, const void *data, size_t len)
{
	uint8_t *space;
	int rc = buf_extend(b, len, &space);

	if (rc == 0 && len > 0)
		memcpy(space, data, len);
	return rc;
}

int buf_addstr(struct buf *b, const char *s)
{
	return buf_add(b, s, strlen(s));
}

int buf_addf(struct buf *b, const char *fmt, ...)
{
	uint8_t *space;
	va_list ap;
	int len, rc;

	va_start(ap, fmt);
	len = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (len < 0)
		return ERR_FORMAT;
	rc = buf_extend(b, (size_t)len, &space);
	if (rc != 0)
		return rc;
	va_start(ap, fmt);
	(void)vsnprintf((char *)space, (size_t)len + 1, fmt, ap);
	va_end(ap);
	return 0;
}

int buf_set(struct buf *b, const void *data, size_t len)
{
	if (len > b->max)
		return ERR_LIMIT;
	buf_reset(b);
	return buf_add(b, data, len);
}

void buf_truncate(struct buf *b, size_t len)
{
	if (len >= b->len)
		return;
	explicit_bzero(b->data + len, b->len - len);
	b->len = len;
}

void buf_reset(struct buf *b)
{
	buf_truncate(b, 0);
}

const uint8_t *buf_data(const struct buf *b)
{
	static const uint8_t nothing[1];

	return b->data != NULL ? b->data : nothing;
}

const char *buf_str(const struct buf *b)
{
	return (const char *)buf_data(b);
}

size_t buf_len(const struct buf *b)
{
	return b->len;
}
