/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "aws/denial.h"

#define USER  "User: arn:aws:iam::123456789012:user/J is not "
#define QUEUE "arn:aws:sqs:eu-west-1:123456789012:q"
#define SCP   "arn:aws:organizations::1:policy/o-x/service_control_policy/p-y"

/* By the IAM User Guide, and as services write it besides. */
static const struct {
	const char *text;
	enum denial_policy policy;
	bool by_deny;
	const char *action, *resource, *which;
} texts[] = {
    {USER "authorized to perform: sqs:x on resource: " QUEUE
	  " because no identity-based policy allows the sqs:x action",
	DENIAL_IDENTITY, false, "sqs:x", QUEUE, ""},
    {USER "authorized to perform: sqs:x because no service control policy "
	  "allows the sqs:x action",
	DENIAL_ORGANIZATION, false, "sqs:x", "", ""},
    {USER "authorized to perform: sqs:x on resource: \"" QUEUE "\" with an "
	  "explicit deny in a service control policy: " SCP
	  ". Encoded authorization failure message: abc",
	DENIAL_ORGANIZATION, true, "sqs:x", QUEUE, SCP},
    {USER "authorized to perform: sqs:x on resource: " QUEUE
	  " with an explicit deny in the resource-based policy",
	DENIAL_RESOURCE, true, "sqs:x", QUEUE, ""},
    {"is not authorized to perform: `sqs:x`, with an explicit deny",
	DENIAL_UNTOLD, true, "sqs:x", "", ""},
    {"no session here, there is no VPC endpoint policy, no session policy",
	DENIAL_ENDPOINT, false, "", "", ""},
    {"not authorized to perform: kms:x on this resource because the resource "
     "does not exist in this Region, no resource-based policies allow access, "
     "or a resource-based policy explicitly denies access",
	DENIAL_RESOURCE, false, "kms:x", "", ""},
    {"explicit deny in a", DENIAL_UNTOLD, true, "", "", ""},
    {"explicit deny in a session policy: arn", DENIAL_SESSION, true, "", "",
	""},
    {"authorized to perform: ", DENIAL_UNTOLD, false, "", "", ""},
    {"on resource: ...", DENIAL_UNTOLD, false, "", "", ""},
    {"because no ", DENIAL_UNTOLD, false, "", "", ""},
    {"", DENIAL_UNTOLD, false, "", "", ""},
};

static void assert_word(struct denial_word w, const char *expected)
{
	assert_int_equal(w.len, strlen(expected));
	if (w.len > 0)
		assert_memory_equal(w.at, expected, strlen(expected));
}

static void a_text_tells_what_which_policy_denies(void **state)
{
	struct denial d;

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		denial_read(&d, texts[i].text);
		assert_int_equal(d.policy, texts[i].policy);
		assert_int_equal(d.by_deny, texts[i].by_deny);
		assert_word(d.action, texts[i].action);
		assert_word(d.resource, texts[i].resource);
		assert_word(d.which, texts[i].which);
	}
}

static void the_arn_of_a_service_is_found_among_others(void **state)
{
	static const char key[] = "arn:aws-cn:kms:cn-north-1:1:key/2";
	static const char text[] =
	    "arn: arn:aws: arn:aws:kmsx:a arn:aws:sqs:r:1:q "
	    "'arn:aws-cn:kms:cn-north-1:1:key/2'. arn:aws:kms:other";

	(void)state;
	assert_word(denial_find_arn(text, "kms"), key);
	assert_word(denial_find_arn("arn:aws:sqs:r:1:q", "kms"), "");
	assert_word(denial_find_arn("arn", "kms"), "");
	assert_word(denial_find_arn("", "kms"), "");
}

static void advice_stays_within_its_bounds(void **state)
{
	struct denial d;
	char out[40];

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		memset(out, '#', sizeof out);
		denial_read(&d, texts[i].text);
		denial_advise(&d, "own policy", "test", out, 32);
		assert_int_equal(out[31], '\0');
		assert_int_equal(out[32], '#');
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_text_tells_what_which_policy_denies),
	    cmocka_unit_test(the_arn_of_a_service_is_found_among_others),
	    cmocka_unit_test(advice_stays_within_its_bounds),
	};

	return cmocka_run_group_tests_name("denial", tests, NULL, NULL);
}
