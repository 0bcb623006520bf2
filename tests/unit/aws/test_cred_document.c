/* SPDX-License-Identifier: Apache-2.0 */
#include "aws/cred_document.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

static const struct cred_document strict = {.access_key = "accessKeyId",
    .secret_key = "secretAccessKey",
    .token = "sessionToken",
    .expiration = "expiration"};

#define KEYS    "\"accessKeyId\":\"AKIA\",\"secretAccessKey\":\"se/cr+et\""
#define TOKEN   ",\"sessionToken\":\"to=ken\""
#define EXPIRES ",\"expiration\":\"2026-11-22T09:00:00+01:00\""

/* wrong: the member that the error names; NULL when the document is taken. */
static void take(const char *text, bool may_last, const char *wrong, bool token,
    int64_t expires)
{
	struct cred_document form = strict;
	struct cred *c = cred_new();
	struct err err = {0};
	struct json *root;
	char said[128];
	int rc;

	form.may_last = may_last;
	assert_int_equal(json_parse(text, strlen(text), &root), 0);
	rc = cred_document_take(root, &form, "it", c, &err);
	json_free(root);
	if (wrong != NULL) {
		(void)snprintf(said, sizeof said,
		    "it: %s is missing, malformed or too long", wrong);
		assert_int_equal(rc, ERR_FORMAT);
		assert_string_equal(err.text, said);
		assert_int_equal(buf_len(c->access_key), 0);
	} else {
		assert_int_equal(rc, 0);
		assert_string_equal(buf_str(c->access_key), "AKIA");
		assert_string_equal(buf_str(c->secret_key), "se/cr+et");
		assert_string_equal(buf_str(c->token), token ? "to=ken" : "");
		assert_int_equal(c->expires, expires);
	}
	cred_free(c);
}

static void all_four_members_are_taken(void **state)
{
	(void)state;
	take("{" KEYS TOKEN EXPIRES ",\"x\":{}}", false, NULL, true,
	    INT64_C(1795334400000));
	take("{" KEYS TOKEN EXPIRES "}", true, NULL, true,
	    INT64_C(1795334400000));
}

static void what_lasts_needs_neither_token_nor_expiration(void **state)
{
	(void)state;
	take("{" KEYS "}", true, NULL, false, 0);
	take("{" KEYS ",\"expiration\":null,\"sessionToken\":null}", true, NULL,
	    false, 0);
	take("{" KEYS ",\"expiration\":\"\",\"sessionToken\":\"\"}", true, NULL,
	    false, 0);
	take("{" KEYS EXPIRES "}", false, "sessionToken", false, 0);
	take("{" KEYS TOKEN "}", false, "expiration", false, 0);
	take("{" KEYS TOKEN ",\"expiration\":null}", false, "expiration", false,
	    0);
}

static void the_member_that_is_wrong_is_named(void **state)
{
	static const struct {
		const char *text, *wrong;
	} cases[] = {
	    {"[]", "accessKeyId"},
	    {"{}", "accessKeyId"},
	    {"{\"accessKeyId\":\"\"}", "accessKeyId"},
	    {"{\"accessKeyId\":1}", "accessKeyId"},
	    {"{\"accessKeyId\":\"A B\"}", "accessKeyId"},
	    {"{\"accessKeyId\":\"A\"}", "secretAccessKey"},
	    {"{\"accessKeyId\":\"A\",\"secretAccessKey\":\"s\\n\"}",
		"secretAccessKey"},
	    {"{" KEYS ",\"sessionToken\":7}", "sessionToken"},
	    {"{" KEYS ",\"sessionToken\":\"a\\r\\nX: y\"}", "sessionToken"},
	    {"{" KEYS ",\"expiration\":\"soon\"}", "expiration"},
	    {"{" KEYS ",\"expiration\":1795334400}", "expiration"},
	    {"{" KEYS ",\"expiration\":1795334400.5}", "expiration"},
	    {"{" KEYS ",\"expiration\":false}", "expiration"},
	    {"{" KEYS ",\"expiration\":{}}", "expiration"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		take(cases[i].text, true, cases[i].wrong, false, 0);
}

static void a_value_beyond_its_ceiling_is_refused(void **state)
{
	static char text[CRED_TOKEN_MAX + 512];

	(void)state;
	(void)snprintf(text, sizeof text,
	    "{" KEYS ",\"sessionToken\":\"%0*d\"}", CRED_TOKEN_MAX + 1, 1);
	take(text, true, "sessionToken", false, 0);
	(void)snprintf(text, sizeof text, "{\"accessKeyId\":\"%0*d\"}",
	    CRED_KEY_MAX + 1, 1);
	take(text, true, "accessKeyId", false, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(all_four_members_are_taken),
	    cmocka_unit_test(what_lasts_needs_neither_token_nor_expiration),
	    cmocka_unit_test(the_member_that_is_wrong_is_named),
	    cmocka_unit_test(a_value_beyond_its_ceiling_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
