/* SPDX-License-Identifier: Apache-2.0 */
#include "json/parse.h"

#include <stdlib.h>
#include <string.h>
#include <yajl/yajl_parse.h>

#include "base/err.h"
#include "json/text.h"
#include "json/tree.h"

/*
 * One block: this, the values, the text.  Every value takes two bytes of the
 * source at least (itself and a separator) and every string two quotes, so
 * the length of the source bounds both.
 */
struct document {
	size_t size;
	size_t values, values_max;
	char *text;
	size_t text_used, text_max;
	struct json root[];
};

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

struct builder {
	struct document *doc;
	struct json *open[JSON_DEPTH_MAX];
	size_t depth;
	const char *key;
	int rc;
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

static int stop_parsing(struct builder *b, int rc)
{
	b->rc = rc;
	return 0;
}

static struct json *add_value(struct builder *b, enum kind kind)
{
	struct document *doc = b->doc;
	struct json *parent = b->depth > 0 ? b->open[b->depth - 1] : NULL;
	struct json *v;

	if (doc->values == doc->values_max) {
		b->rc = ERR_LIMIT;
		return NULL;
	}
	v = &doc->root[doc->values++];
	*v = (struct json){.kind = kind, .key = b->key};
	b->key = NULL;
	if (parent == NULL)
		return v;
	if (parent->last != NULL)
		parent->last->next = v;
	else
		parent->first = v;
	parent->last = v;
	parent->count++;
	return v;
}

static const char *keep_text(
    struct builder *b, const unsigned char *s, size_t len)
{
	struct document *doc = b->doc;
	char *text = doc->text + doc->text_used;

	if (len >= doc->text_max - doc->text_used) {
		b->rc = ERR_LIMIT;
		return NULL;
	}
	memcpy(text, s, len);
	text[len] = '\0';
	doc->text_used += len + 1;
	return text;
}

static int on_null(void *ctx)
{
	return add_value(ctx, KIND_PLAIN) != NULL;
}

static int on_boolean(void *ctx, int value)
{
	return add_value(ctx, value ? KIND_TRUE : KIND_PLAIN) != NULL;
}

static int on_number(void *ctx, const char *s, size_t len)
{
	struct json *v = add_value(ctx, KIND_PLAIN);

	if (v != NULL && json_read_integer(s, len, &v->integer))
		v->kind = KIND_INTEGER;
	return v != NULL;
}

static int on_string(void *ctx, const unsigned char *s, size_t len)
{
	struct json *v = add_value(ctx, KIND_STRING);

	if (v != NULL)
		v->string = keep_text(ctx, s, len);
	return v != NULL && v->string != NULL;
}

static int on_key(void *ctx, const unsigned char *s, size_t len)
{
	struct builder *b = ctx;

	b->key = keep_text(b, s, len);
	if (b->key == NULL)
		return 0;
	if (json_get(b->open[b->depth - 1], b->key) != NULL)
		return stop_parsing(b, ERR_FORMAT);
	return 1;
}

static int open_container(struct builder *b, enum kind kind)
{
	struct json *v;

	if (b->depth == JSON_DEPTH_MAX)
		return stop_parsing(b, ERR_LIMIT);
	v = add_value(b, kind);
	if (v != NULL)
		b->open[b->depth++] = v;
	return v != NULL;
}

static int on_begin_object(void *ctx)
{
	return open_container(ctx, KIND_OBJECT);
}

static int on_begin_array(void *ctx)
{
	return open_container(ctx, KIND_ARRAY);
}

static int on_end(void *ctx)
{
	struct builder *b = ctx;

	b->depth--;
	return 1;
}

static int run_yajl(struct builder *b, const void *text, size_t len)
{
	static const yajl_callbacks callbacks = {
	    .yajl_null = on_null,
	    .yajl_boolean = on_boolean,
	    .yajl_number = on_number,
	    .yajl_string = on_string,
	    .yajl_start_map = on_begin_object,
	    .yajl_map_key = on_key,
	    .yajl_end_map = on_end,
	    .yajl_start_array = on_begin_array,
	    .yajl_end_array = on_end,
	};
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
	handle = yajl_alloc(&callbacks, &funcs, b);
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

static struct document *document_new(size_t len)
{
	size_t values = len / 2 + 1, size;
	struct document *doc;

	if (values > JSON_VALUES_MAX)
		values = JSON_VALUES_MAX;
	size = sizeof *doc + values * sizeof(struct json) + len + 1;
	doc = malloc(size);
	if (doc == NULL)
		return NULL;
	*doc = (struct document){
	    .size = size, .values_max = values, .text_max = len + 1};
	doc->text = (char *)(doc->root + values);
	return doc;
}

static void document_free(struct document *doc)
{
	explicit_bzero(doc->text, doc->text_used);
	explicit_bzero(doc->root, doc->values * sizeof(struct json));
	free(doc);
}

int json_parse(const void *text, size_t len, struct json **out)
{
	struct builder b = {0};
	int rc;

	*out = NULL;
	if (len > JSON_TEXT_MAX)
		return ERR_LIMIT;
	if (!json_text_clean(text, len))
		return ERR_FORMAT;
	b.doc = document_new(len);
	if (b.doc == NULL)
		return ERR_NOMEM;
	rc = run_yajl(&b, text, len);
	if (rc == 0 && b.doc->values == 0)
		rc = ERR_FORMAT;
	if (rc == 0)
		*out = b.doc->root;
	else
		document_free(b.doc);
	return rc;
}

void json_free(struct json *root)
{
	if (root != NULL)
		document_free(
		    (struct document *)(void *)((char *)root -
						offsetof(
						    struct document, root)));
}
