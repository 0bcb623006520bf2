/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/xml.h"

static const struct {
	const char *text, *name;
	const char *in; /* NULL: not found */
} elements[] = {
    {"<A>x</A>", "A", "x"},
    {"<?xml version='1.0'?>\n<R><A>x</A><A>y</A></R>", "A", "x"},
    {"<A></A>", "A", ""},
    {"<A><B>1</B></A>", "A", "<B>1</B>"},
    {"<AB>x</AB>", "A", NULL},
    {"<A b='c'>x</A>", "A", NULL},
    {"<A>x", "A", NULL},
    {"</A><A>x", "A", NULL},
    {"</A><A>x</A>", "A", "x"},
    {"<A/>", "A", NULL},
    {"A", "A", NULL},
    {"", "A", NULL},
};

static void an_element_is_found_by_its_name(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof elements / sizeof elements[0]; i++) {
		const char *s = elements[i].text, *in = NULL;
		const bool wanted = elements[i].in != NULL;
		size_t len = 0;

		if (xml_find(s, strlen(s), elements[i].name, &in, &len) !=
		    wanted)
			fail_msg("%s", s);
		if (!wanted)
			continue;
		assert_int_equal(len, strlen(elements[i].in));
		assert_memory_equal(in, elements[i].in, len);
	}
}

static void what_stands_behind_the_end_is_not_read(void **state)
{
	const char *in = NULL;
	size_t len = 0;

	(void)state;
	assert_false(xml_find("<A>x</A>", 7, "A", &in, &len));
	assert_null(in);
}

static const struct {
	const char *text;
	int rc;
	const char *out;
} texts[] = {
    {"", 0, ""},
    {"plain/+=", 0, "plain/+="},
    {" \r\n\tAKIA\n", 0, "AKIA"},
    {"in between", 0, "in between"},
    {"&lt;&gt;&amp;&quot;&apos;", 0, "<>&\"'"},
    {"&#65;&#x42;&#x6a;&#x4B;&#0065;", 0, "ABjKA"},
    {"&amp;amp;", 0, "&amp;"},
    {"&copy;", ERR_FORMAT, ""},
    {"&#0;", ERR_FORMAT, ""},
    {"&#10;", ERR_FORMAT, ""},
    {"&#233;", ERR_FORMAT, ""},
    {"&#99999999;", ERR_FORMAT, ""},
    {"&#x;", ERR_FORMAT, ""},
    {"&#;", ERR_FORMAT, ""},
    {"&#6a;", ERR_FORMAT, ""},
    {"&;", ERR_FORMAT, ""},
    {"&", ERR_FORMAT, ""},
    {"&amp", ERR_FORMAT, ""},
    {"&aaaaaaaaaaaaaaaaaa;", ERR_FORMAT, ""},
    {"a<b>c</b>", ERR_FORMAT, ""},
    {"a<!-- b -->", ERR_FORMAT, ""},
    {"<![CDATA[a]]>", ERR_FORMAT, ""},
    {"a\nb", ERR_FORMAT, ""},
    {"a\x01", ERR_FORMAT, ""},
    {"caf\xc3\xa9", ERR_FORMAT, ""},
    {"123456789012345678901", ERR_LIMIT, ""},
};

static void character_data_is_resolved_or_refused(void **state)
{
	struct buf *out = buf_new(20);

	(void)state;
	assert_non_null(out);
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		const char *s = texts[i].text;

		assert_int_equal(buf_set(out, "old", 3), 0);
		if (xml_text(s, strlen(s), out) != texts[i].rc ||
		    strcmp(buf_str(out), texts[i].out) != 0)
			fail_msg("%s: %s", s, buf_str(out));
	}
	buf_free(out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_element_is_found_by_its_name),
	    cmocka_unit_test(what_stands_behind_the_end_is_not_read),
	    cmocka_unit_test(character_data_is_resolved_or_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
