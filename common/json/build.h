/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_JSON_BUILD_H
#define SQS_ENTROPY_JSON_BUILD_H

/* Inside json/ only: what yajl tells of, made a tree. */

#include <stdbool.h>
#include <stddef.h>
#include <yajl/yajl_parse.h>

#include "json/parse.h"
#include "json/text.h"
#include "json/tree.h"

/* One block: this, the values, the text. */
struct json_document {
	size_t values, values_max;
	char *text;
	size_t text_used, text_max;
	struct json root[];
};

/* NULL when memory is short. */
struct json_document *json_document_new(size_t values, size_t text_max);
/* NULL is allowed; wipes. */
void json_document_free(struct json_document *doc);

struct json_builder {
	struct json_document *doc;
	struct json *open[JSON_DEPTH_MAX];
	size_t depth;
	const char *key;
	bool changed; /* the next string or key is not what came */
	const struct json_each *each;      /* NULL: all values stay */
	size_t values_before, text_before; /* in doc: the element's beginning */
	int rc;
};

/* yajl calls them with the builder. */
extern const yajl_callbacks json_builder_events;

#endif
