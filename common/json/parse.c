/* SPDX-License-Identifier: Apache-2.0 */
#include "json/parse.h"

#include <stdlib.h>
#include <string.h>
#include <yajl/yajl_parse.h>

#include "base/err.h"
#include "json/build.h"
#include "json/filter.h"
#include "json/text.h"

/* Bytes of text of a document that is read in pieces, or of its largest
 * element: SQS allows 1 MiB for a message with its attributes. */
#define STREAM_TEXT_MAX ((1 << 20) + (64 << 10))

/* What yajl allocates: the fixed structures, and two buffers that double from
 * 2 KiB to hold a token each, all their former sizes.  The filter bounds the
 * tokens. */
#define ARENA_FIRST     32768
#define ARENA_MAX       (8 * JSON_STRING_MAX + ARENA_FIRST)

/*
 * yajl 2.1.0 does not check whether its allocator returned NULL.  It therefore
 * gets one block beforehand that is large enough for all that it can ask for.
 * The block is wiped afterwards.
 */
struct arena {
	uint8_t *base;
	size_t size, used;
};

union block {
	size_t size;
	max_align_t align;
};

struct json_stream {
	struct json_filter filter;
	struct json_builder builder;
	struct arena arena;
	yajl_alloc_funcs funcs;
	yajl_handle yajl;
	int rc; /* the first failure */
};

static void *arena_malloc(void *ctx, size_t size)
{
	struct arena *a = ctx;
	size_t room = (size + sizeof(union block) - 1) / sizeof(union block) *
		      sizeof(union block);
	union block *b;

	if (room < size || a->size - a->used < sizeof *b ||
	    a->size - a->used - sizeof *b < room)
		return NULL;
	b = (union block *)(void *)(a->base + a->used);
	b->size = size;
	a->used += sizeof *b + room;
	return b + 1;
}

static void *arena_realloc(void *ctx, void *old, size_t size)
{
	void *block = arena_malloc(ctx, size);
	size_t len;

	if (old == NULL || block == NULL)
		return block;
	len = ((union block *)old - 1)->size;
	memcpy(block, old, len < size ? len : size);
	return block;
}

static void arena_free(void *ctx, void *block)
{
	(void)ctx;
	(void)block;
}

static int judge_yajl(const struct json_stream *s, yajl_status status)
{
	if (s->builder.rc != 0)
		return s->builder.rc;
	return status == yajl_status_ok ? 0 : ERR_FORMAT;
}

static int put_yajl(void *ctx, const uint8_t *data, size_t len, bool changed)
{
	struct json_stream *s = ctx;

	s->builder.changed = changed;
	return judge_yajl(s, yajl_parse(s->yajl, data, len));
}

static struct json_stream *open_stream(
    size_t values, size_t text_max, size_t arena, bool strict)
{
	struct json_stream *s = calloc(1, sizeof *s);

	if (s == NULL)
		return NULL;
	s->filter =
	    (struct json_filter){.strict = strict, .put = put_yajl, .ctx = s};
	s->arena.base = malloc(arena);
	s->arena.size = arena;
	s->builder.doc = json_document_new(values, text_max);
	if (s->arena.base == NULL || s->builder.doc == NULL) {
		json_stream_free(s);
		return NULL;
	}
	s->funcs = (yajl_alloc_funcs){
	    arena_malloc, arena_realloc, arena_free, &s->arena};
	s->yajl = yajl_alloc(&json_builder_events, &s->funcs, &s->builder);
	return s;
}

int json_stream_new(const struct json_each *each, struct json_stream **out)
{
	*out = open_stream(
	    JSON_VALUES_MAX, STREAM_TEXT_MAX, ARENA_MAX, each == NULL);
	if (*out == NULL)
		return ERR_NOMEM;
	(*out)->builder.each = each;
	return 0;
}

int json_stream_add(struct json_stream *s, const void *data, size_t len)
{
	if (s->rc == 0)
		s->rc = json_filter_add(&s->filter, data, len);
	return s->rc;
}

int json_stream_end(struct json_stream *s, struct json **out)
{
	*out = NULL;
	if (s->rc == 0)
		s->rc = json_filter_end(&s->filter);
	if (s->rc == 0)
		s->rc = judge_yajl(s, yajl_complete_parse(s->yajl));
	if (s->rc == 0 && s->builder.doc->values == 0)
		s->rc = ERR_FORMAT;
	if (s->rc != 0)
		return s->rc;
	*out = s->builder.doc->root;
	s->builder.doc = NULL;
	/* What comes now has no place. */
	s->rc = ERR_FORMAT;
	return 0;
}

void json_stream_free(struct json_stream *s)
{
	if (s == NULL)
		return;
	if (s->yajl != NULL)
		yajl_free(s->yajl);
	if (s->arena.base != NULL)
		explicit_bzero(s->arena.base, s->arena.used);
	free(s->arena.base);
	json_document_free(s->builder.doc);
	explicit_bzero(s, sizeof *s);
	free(s);
}

/* Every value takes two bytes of the source at least (itself and a separator)
 * and every string two quotes, so the source's length bounds both. */
int json_parse(const void *text, size_t len, struct json **out)
{
	const size_t values = len / 2 + 1, arena = 8 * len + ARENA_FIRST;
	struct json_stream *s;
	int rc;

	*out = NULL;
	if (len > JSON_TEXT_MAX)
		return ERR_LIMIT;
	s = open_stream(values < JSON_VALUES_MAX ? values : JSON_VALUES_MAX,
	    len + 1, arena < ARENA_MAX ? arena : ARENA_MAX, true);
	if (s == NULL)
		return ERR_NOMEM;
	rc = json_stream_add(s, text, len);
	if (rc == 0)
		rc = json_stream_end(s, out);
	json_stream_free(s);
	return rc;
}

void json_free(struct json *root)
{
	if (root != NULL)
		json_document_free(
		    (struct json_document *)(void *)((char *)root -
						     offsetof(
							 struct json_document,
							 root)));
}
