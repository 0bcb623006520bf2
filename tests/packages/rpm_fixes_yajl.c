/* SPDX-License-Identifier: Apache-2.0 */
/* What the patches of yajl are for; see rpm_fixes. */
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <yajl/yajl_parse.h>
#include <yajl/yajl_tree.h>

/* Of headers that yajl keeps to itself. */
typedef struct yajl_buf_t *yajl_buf;
void yajl_set_default_alloc_funcs(yajl_alloc_funcs *funcs);
yajl_buf yajl_buf_alloc(yajl_alloc_funcs *funcs);
void yajl_buf_free(yajl_buf buf);
void yajl_buf_append(yajl_buf buf, const void *data, size_t len);
const unsigned char *yajl_buf_data(yajl_buf buf);
void yajl_string_decode(yajl_buf buf, const unsigned char *text, size_t len);

static int refused(const char *why)
{
	(void)fprintf(stderr, "%s\n", why);
	return 1;
}

static int decodes(const char *text, size_t len, const char *expected)
{
	unsigned char *exact = malloc(len);
	yajl_alloc_funcs funcs;
	yajl_buf buf;
	int differs;

	yajl_set_default_alloc_funcs(&funcs);
	buf = yajl_buf_alloc(&funcs);
	if (exact == NULL)
		return refused("no memory");
	memcpy(exact, text, len);
	yajl_string_decode(buf, exact, len);
	differs = strcmp((const char *)yajl_buf_data(buf), expected);
	yajl_buf_free(buf);
	free(exact);
	return differs != 0 ? refused(text) : 0;
}

static int try_surrogate(void)
{
	static const struct {
		const char *text, *expected;
	} rows[] = {{"\\ud83d\\ude00", "\xf0\x9f\x98\x80"}, {"\\uD800", "?"},
	    {"\\uD800A", "?A"}, {"\\uD800\\n", "?\n"}, {"\\u0041", "A"},
	    {"x\\ud83d\\ude00y", "x\xf0\x9f\x98\x80y"}};
	int rc = 0;

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		rc |= decodes(
		    rows[i].text, strlen(rows[i].text), rows[i].expected);
	return rc;
}

static void *resize(void *ctx, void *p, size_t size)
{
	(void)ctx;
	if (size == 0) {
		(void)fprintf(stderr, "asked for 0 bytes\n");
		_exit(1);
	}
	return realloc(p, size);
}

static void give_up(int number)
{
	(void)number;
	_exit(0);
}

/* The patched library ends the process, and reads nothing of the text. */
static int try_length(void)
{
	static const unsigned char text[16] = "0123456789";
	yajl_alloc_funcs funcs;
	yajl_buf buf;

	yajl_set_default_alloc_funcs(&funcs);
	funcs.realloc = resize;
	buf = yajl_buf_alloc(&funcs);
	yajl_buf_append(buf, text, 10);
	(void)signal(SIGABRT, give_up);
	yajl_buf_append(buf, text, SIZE_MAX / 2 + 1);
	return refused("half of all memory was appended");
}

static int try_leak(void)
{
	static const char *const malformed[] = {"{\"a\":{\"b\":[1,\"c\",",
	    "[1,2,3]]", "{\"key\":", "[", "{\"a\" 1}"};
	char text[256];
	yajl_val whole;

	for (size_t i = 0; i < sizeof malformed / sizeof malformed[0]; i++)
		if (yajl_tree_parse(malformed[i], text, sizeof text) != NULL)
			return refused(malformed[i]);
	whole = yajl_tree_parse("{\"a\":[1,{\"b\":2}]}", text, sizeof text);
	if (whole == NULL)
		return refused(text);
	yajl_tree_free(whole);
	return 0;
}

int main(int argc, char **argv)
{
	const char *name = argc == 2 ? argv[1] : "";

	if (strcmp(name, "surrogate") == 0)
		return try_surrogate();
	if (strcmp(name, "length") == 0)
		return try_length();
	return strcmp(name, "leak") == 0 ? try_leak() : refused("no such case");
}
