/* SPDX-License-Identifier: Apache-2.0 */
#include "json/parse.h"

#include <stdlib.h>
#include <string.h>
#include <yajl/yajl_parse.h>

#include "base/err.h"
#include "json/build.h"
#include "json/text.h"

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

static int run_yajl(struct json_builder *b, const void *text, size_t len)
{
	/* Two buffers that double from 2 KiB to hold a token each, all their
	 * former sizes, and the fixed structures. */
	struct arena arena = {.size = 8 * len + 32768};
	yajl_alloc_funcs funcs = {
	    arena_malloc, arena_realloc, arena_free, &arena};
	yajl_handle handle;
	yajl_status status;

	arena.base = malloc(arena.size);
	if (arena.base == NULL)
		return ERR_NOMEM;
	handle = yajl_alloc(&json_builder_events, &funcs, b);
	status = yajl_parse(handle, text, len);
	if (status == yajl_status_ok)
		status = yajl_complete_parse(handle);
	yajl_free(handle);
	explicit_bzero(arena.base, arena.used);
	free(arena.base);
	if (b->rc != 0)
		return b->rc;
	return status == yajl_status_ok ? 0 : ERR_FORMAT;
}

/* Every value takes two bytes of the source at least (itself and a separator)
 * and every string two quotes, so the source's length bounds both. */
int json_parse(const void *text, size_t len, struct json **out)
{
	size_t values = len / 2 + 1;
	struct json_builder b = {0};
	int rc;

	*out = NULL;
	if (len > JSON_TEXT_MAX)
		return ERR_LIMIT;
	if (!json_text_clean(text, len))
		return ERR_FORMAT;
	if (values > JSON_VALUES_MAX)
		values = JSON_VALUES_MAX;
	b.doc = json_document_new(values, len + 1);
	if (b.doc == NULL)
		return ERR_NOMEM;
	rc = run_yajl(&b, text, len);
	if (rc == 0 && b.doc->values == 0)
		rc = ERR_FORMAT;
	if (rc == 0)
		*out = b.doc->root;
	else
		json_document_free(b.doc);
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
