/* SPDX-License-Identifier: Apache-2.0 */
#include "aws/shared_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What was parsed as one line: "[NAME] key=value .subkey=value". */
static void show(const struct shared_text *t, char *out, size_t size)
{
	static const char *const before[] = {"[", "[sso ", "[services "};
	struct shared_item item = {0};
	size_t at = 0, len = 0;

	out[0] = '\0';
	while (shared_text_next(t, &at, &item)) {
		if (item.key == NULL)
			(void)snprintf(out + len, size - len, "%s%s]",
			    before[item.kind], item.name);
		else
			(void)snprintf(out + len, size - len, " %s%s=%s",
			    item.subkey != NULL ? "." : "",
			    item.subkey != NULL ? item.subkey : item.key,
			    item.value);
		len = strlen(out);
	}
}

/* want: what show() says, or "LINE: " and part of the reason.  The text is in a
 * block of its size, so that sanitizers see a byte too many. */
static void expect_bytes(
    const char *text, size_t len, bool config, const char *want)
{
	char *bytes = malloc(len + 1);
	struct shared_text t;
	char got[512];
	const char *why;
	int line;

	assert_non_null(bytes);
	memcpy(bytes, text, len);
	line = shared_text_compile(&t, bytes, len, config, &why);
	if (line == 0)
		show(&t, got, sizeof got);
	else
		(void)snprintf(got, sizeof got, "%d: %s", line, why);
	if (line == 0 ? strcmp(got, want) != 0
		      : strncmp(got, want, strlen(want)) != 0)
		fail_msg("\"%s\": %s, not %s", text, got, want);
	free(bytes);
}

struct text_case {
	const char *text, *want;
};

static void expect_all(const struct text_case *cases, size_t n, bool config)
{
	for (size_t i = 0; i < n; i++)
		expect_bytes(cases[i].text, strlen(cases[i].text), config,
		    cases[i].want);
}

#define EXPECT_ALL(cases, config)                                              \
	expect_all(cases, sizeof(cases) / sizeof(cases)[0], config)

static void keys_may_be_indented_and_values_continued(void **state)
{
	static const struct text_case cases[] = {
	    {"", ""},
	    {"[a]", "[a]"},
	    {"[a]\nk=v", "[a] k=v"},
	    {"[a]\nk=", "[a] k="},
	    {"[a]\r\nk = v\r\n\r\n[b]\r\n", "[a] k=v[b]"},
	    {"[a]\rk = v\r", "[a] k=v"},
	    {"  [a]\n  one = 1\n  two = 2\n\n  [b]\n three=3\n",
		"[a] one=1 two=2[b] three=3"},
	    {"[a]\n\tone = 1\n\ttwo = 2\n[b]", "[a] one=1 two=2[b]"},
	    /* Less indented is another key, deeper is the same one. */
	    {"[a]\n    one = 1\n  two = 2\n", "[a] one=1 two=2"},
	    {"[a]\none = 1\n  two = 2\n", "[a] one=1\ntwo = 2"},
	    {"[a]\n one = 1\n  - and\n\n  # not this\n  so on # with this\n",
		"[a] one=1\n- and\nso on # with this"},
	    {"[a]\none = 1\n [b]\n", "[a] one=1\n[b]"},
	    {"[a]\ns3 =\n  One = 1\n\n  # no\n  t w o = 2=2\n  three=\nk=v",
		"[a] s3= .One=1 .t w o=2=2 .three= k=v"},
	    {"[a]\n s3 = # nested all the same\n  k = v\n", "[a] s3= .k=v"},
	    {"[a]\nk=v;w\nl=v#w\nm=v ;w\nn=v\t#w\no=v =w",
		"[a] k=v;w l=v#w m=v n=v o=v =w"},
	    {"[a]\nKeY = V\nk y = ignored\n   with = this\nz=1\n",
		"[a] key=V z=1"},
	    {"[a]\nk y =\n  nested = ignored\nz=1\n", "[a] z=1"},
	};

	(void)state;
	EXPECT_ALL(cases, false);
}

static void sections_are_told_apart_in_each_file(void **state)
{
	static const struct text_case in_config[] = {
	    {"[a]\nk=v\n[profile b]\nk=v", "[b] k=v"},
	    {"[profile\ta ]#\n[ profile b ];\n", "[a][b]"},
	    {"[profile \"a b\"]\n[profile 'c']\n[profile a!b]\n",
		"[a b][c][a!b]"},
	    {"[profile a b]\nk=v\n[profilea]\nk=v\n[profiled x]\n", ""},
	    {"[profile]\nk=v\n", ""},
	    {"[sso-session a]\nk=v\n[services b]\nsqs=\n  k=v\n[other c]\n",
		"[sso a] k=v[services b] sqs= .k=v"},
	    {"[default]\nk=v\n", "[default] k=v"},
	    {"[ default ]\nk=v\n", "[default] k=v"},
	    {"[profile default]\na=1\n[default]\nb=2\n[profile default]\nc=3",
		"[default] a=1[default] c=3"},
	    {"[default]\nb=2\n c\n[profile default]\na=1", "[default] a=1"},
	};
	static const struct text_case in_credentials[] = {
	    {"[a]\nk=v\n[profile b]\nk=v\n[ c ]\n[in valid]\n",
		"[a] k=v[c][in valid]"},
	    {"[services b]\nk=v\n[default]\nk=v\n",
		"[services b] k=v[default] k=v"},
	};

	(void)state;
	EXPECT_ALL(in_config, true);
	EXPECT_ALL(in_credentials, false);
}

static void a_malformed_line_is_named(void **state)
{
	static const struct text_case cases[] = {
	    {"k = v\n", "1: no [SECTION]"},
	    {" k = v\n", "1: no [SECTION]"},
	    {"\n\nx\n", "3: no [SECTION]"},
	    {"[a\n", "1: no ] ends"},
	    {"[]\n", "1: the section has no name"},
	    {"[ ]\n", "1: the section has no name"},
	    {"[a] b\n", "1: text after"},
	    {"[a]\r\nx\r\n", "2: neither"},
	    {"[a]\n - x\n", "2: neither"},
	    {"[a]\nk : v\n", "2: neither"},
	    {"[a]\n= v\n", "2: no KEY"},
	    {"[a]\nk=v\n[a]\n x\n", "4: neither"},
	    {"[b]\nk=\n  x\n", "3: no = in a nested"},
	    {"[b]\nk=\n  = x\n", "3: no KEY stands before the nested"},
	    {"[a]\n[DEFAULT]\n", "2: a section DEFAULT, which each SDK "
				 "reads differently: write [default]"},
	    {"\xef\xbb\xbf[a]\n", "1: a byte order mark: save the file "
				  "without one"},
	    {"[a]\nk=\xe9t\xe9\n", "2: a byte that is no UTF-8"},
	    {"# \xe9\n", "1: a byte that is no UTF-8"},
	};
	static const char nul[] = "[a]\nk=v\n\0\n";

	(void)state;
	EXPECT_ALL(cases, true);
	expect_bytes(nul, sizeof nul - 1, true, "3: a NUL byte");
	expect_bytes("[a\0]", 4, true, "1: a NUL byte");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(keys_may_be_indented_and_values_continued),
	    cmocka_unit_test(sections_are_told_apart_in_each_file),
	    cmocka_unit_test(a_malformed_line_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
