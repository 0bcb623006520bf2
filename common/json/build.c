/* SPDX-License-Identifier: Apache-2.0 */
#include "json/build.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "json/text.h"
#include "json/tree.h"

struct json_document *json_document_new(size_t values, size_t text_max)
{
	const size_t size = sizeof(struct json_document) +
			    values * sizeof(struct json) + text_max;
	struct json_document *doc = malloc(size);

	if (doc == NULL)
		return NULL;
	*doc =
	    (struct json_document){.values_max = values, .text_max = text_max};
	doc->text = (char *)(doc->root + values);
	return doc;
}

static void drop_text(struct json_document *doc, size_t text_used)
{
	explicit_bzero(doc->text + text_used, doc->text_used - text_used);
	doc->text_used = text_used;
}

static void drop_values(struct json_document *doc, size_t values)
{
	explicit_bzero(
	    doc->root + values, (doc->values - values) * sizeof(struct json));
	doc->values = values;
}

void json_document_free(struct json_document *doc)
{
	if (doc == NULL)
		return;
	drop_text(doc, 0);
	drop_values(doc, 0);
	free(doc);
}

static int stop_parsing(struct json_builder *b, int rc)
{
	b->rc = rc;
	return 0;
}

/* Whether the parser is in the array whose elements the caller wants. */
static bool is_in_array(const struct json_builder *b)
{
	return b->each != NULL && b->depth >= 2 &&
	       b->open[1]->kind == KIND_ARRAY && b->open[1]->key != NULL &&
	       strcmp(b->open[1]->key, b->each->member) == 0;
}

/* Whether the value that begins or has ended now is one of them. */
static bool is_at_element(const struct json_builder *b)
{
	return b->depth == 2 && is_in_array(b);
}

static struct json *add_value(struct json_builder *b, enum kind kind)
{
	struct json_document *doc = b->doc;
	struct json *parent = b->depth > 0 ? b->open[b->depth - 1] : NULL;
	struct json *v;

	if (is_at_element(b)) {
		b->values_before = doc->values;
		b->text_before = doc->text_used;
	}
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

/* A value is whole, also all that is in it.  Answers as yajl's callbacks. */
static int end_value(struct json_builder *b)
{
	struct json *array;

	if (!is_at_element(b))
		return 1;
	array = b->open[1];
	b->rc = b->each->take(b->each->ctx, array->last);
	array->first = NULL;
	array->last = NULL;
	array->count = 0;
	drop_values(b->doc, b->values_before);
	drop_text(b->doc, b->text_before);
	return b->rc == 0;
}

/* Keep a string or key; what is changed changes the element that it is part
 * of.  Outside elements nobody would look at that. */
static const char *keep_text(
    struct json_builder *b, const unsigned char *s, size_t len)
{
	struct json_document *doc = b->doc;
	char *text = doc->text + doc->text_used;

	if (b->changed && !is_in_array(b)) {
		b->rc = ERR_FORMAT;
		return NULL;
	}
	if (len >= doc->text_max - doc->text_used) {
		b->rc = ERR_LIMIT;
		return NULL;
	}
	memcpy(text, s, len);
	text[len] = '\0';
	doc->text_used += len + 1;
	for (size_t i = 2; b->changed && i < b->depth; i++)
		b->open[i]->changed = true;
	return text;
}

static int add_plain(struct json_builder *b, enum kind kind)
{
	return add_value(b, kind) != NULL ? end_value(b) : 0;
}

static int on_null(void *ctx)
{
	return add_plain(ctx, KIND_NULL);
}

static int on_boolean(void *ctx, int value)
{
	return add_plain(ctx, value ? KIND_TRUE : KIND_PLAIN);
}

static int on_number(void *ctx, const char *s, size_t len)
{
	struct json *v = add_value(ctx, KIND_PLAIN);

	if (v == NULL)
		return 0;
	if (json_read_integer(s, len, &v->integer))
		v->kind = KIND_INTEGER;
	return end_value(ctx);
}

static int on_string(void *ctx, const unsigned char *s, size_t len)
{
	struct json_builder *b = ctx;
	struct json *v = add_value(b, KIND_STRING);

	if (v == NULL)
		return 0;
	v->changed = b->changed;
	v->string = keep_text(b, s, len);
	return v->string != NULL ? end_value(b) : 0;
}

/* Keys that were cut may be the same by that alone. */
static int on_key(void *ctx, const unsigned char *s, size_t len)
{
	struct json_builder *b = ctx;

	b->key = keep_text(b, s, len);
	if (b->key == NULL)
		return 0;
	if (!b->changed && json_find(b->open[b->depth - 1], b->key) != NULL)
		return stop_parsing(b, ERR_FORMAT);
	return 1;
}

static int open_container(struct json_builder *b, enum kind kind)
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
	struct json_builder *b = ctx;

	b->depth--;
	return end_value(b);
}

const yajl_callbacks json_builder_events = {
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
