/* SPDX-License-Identifier: Apache-2.0 */
#include "json/tree.h"

#include <string.h>

#include "base/err.h"
#include "base/text.h"

bool json_read_integer(const char *s, size_t len, int64_t *out)
{
	const size_t sign = len > 0 && s[0] == '-' ? 1 : 0;
	uint64_t value;

	if (!text_read_number(
		s + sign, len - sign, (uint64_t)INT64_MAX + sign, &value))
		return false;
	*out = sign != 0 ? (int64_t)(0 - value) : (int64_t)value;
	return true;
}

const struct json *json_find(const struct json *object, const char *key)
{
	const struct json *v;

	if (object == NULL || object->kind != KIND_OBJECT)
		return NULL;
	for (v = object->first; v != NULL; v = v->next)
		if (strcmp(v->key, key) == 0)
			break;
	return v;
}

const struct json *json_get(const struct json *object, const char *key)
{
	const struct json *v = json_find(object, key);

	return v != NULL && v->kind != KIND_NULL ? v : NULL;
}

const struct json *json_at(const struct json *array, size_t index)
{
	const struct json *v;

	if (array == NULL || array->kind != KIND_ARRAY)
		return NULL;
	for (v = array->first; v != NULL && index > 0; index--)
		v = v->next;
	return v;
}

const struct json *json_member(
    const struct json *object, size_t index, const char **key)
{
	const struct json *v = NULL;

	if (object != NULL && object->kind == KIND_OBJECT)
		for (v = object->first; v != NULL; v = v->next)
			if (v->kind != KIND_NULL && index-- == 0)
				break;
	if (key != NULL)
		*key = v != NULL ? v->key : NULL;
	return v;
}

size_t json_count(const struct json *array)
{
	return array != NULL && array->kind == KIND_ARRAY ? array->count : 0;
}

const char *json_string(const struct json *value)
{
	return value != NULL ? value->string : NULL;
}

bool json_is_object(const struct json *value)
{
	return value != NULL && value->kind == KIND_OBJECT;
}

bool json_is_array(const struct json *value)
{
	return value != NULL && value->kind == KIND_ARRAY;
}

bool json_is_true(const struct json *value)
{
	return value != NULL && value->kind == KIND_TRUE;
}

bool json_changed(const struct json *value)
{
	return value != NULL && value->changed;
}

int json_integer(const struct json *value, int64_t *out)
{
	if (value == NULL)
		return ERR_ABSENT;
	if (value->kind == KIND_INTEGER) {
		*out = value->integer;
		return 0;
	}
	if (value->kind != KIND_STRING || value->string[0] == '-' ||
	    !json_read_integer(value->string, strlen(value->string), out))
		return ERR_FORMAT;
	return 0;
}
