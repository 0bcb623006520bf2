/* SPDX-License-Identifier: Apache-2.0 */
/* What is read from IMDS, and where IMDS is. */
#include "aid/imds.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROLE_PATH "/latest/meta-data/iam/security-credentials/"
#define DOCUMENT                                                               \
	"{\"Code\":\"Success\",\"AccessKeyId\":\"ASIAX\","                     \
	"\"SecretAccessKey\":\"se/cr+et=\",\"Token\":\"tok==\","               \
	"\"Expiration\":\"2026-11-22T08:00:00Z\"}"

/* ---- the instance id, asked for beside what follows */

/* After the credentials; what is waited for then is another server. */
static void load_role_and_wait(struct imds_aid *b)
{
	static const struct loopback_step silence[] = {SILENT};
	struct loopback *l = loopback_new(silence, 1);
	const struct http_request req = http_aid_get(loopback_url(l));
	const struct cred_source source = imds_source(b->imds);
	struct cred *cred = cred_new();
	struct http_transfer *t;

	imds_want_id(b->imds);
	assert_int_equal(
	    source.load(source.ctx, cred, b->deadline, &b->err), 0);
	cred_free(cred);
	assert_int_equal(http_start(b->http, &req, &t, &b->err), 0);
	while (loopback_requests(b->l) < 4)
		assert_int_equal(
		    http_wait_any(b->http, &t, 1, http_aid_now() + 5), 1);
	http_transfer_free(t);
	loopback_free(l);
	imds_aid_request(
	    b, 3, "GET /latest/meta-data/instance-id HTTP/1.1\r\n");
}

static void the_id_comes_while_others_are_waited_for(void **state)
{
	OPEN(b, TOKEN, TEXT("role"), TEXT(DOCUMENT), TEXT("i-1"), TEXT("i-2"));
	load_role_and_wait(&b);
	imds_aid_expect(&b, 0, "i-1");
	assert_int_equal(loopback_requests(b.l), 4);
	imds_aid_expect(&b, 0, "i-2");
	imds_aid_close(&b);
}

static void an_id_that_did_not_come_is_asked_for_anew(void **state)
{
	OPEN(b, TOKEN, TEXT("role"), TEXT(DOCUMENT),
	    STATUS("503 Service Unavailable"), TEXT("i-2"));
	load_role_and_wait(&b);
	imds_aid_expect(&b, 0, "i-2");
	imds_aid_close(&b);
}

static void an_id_that_nobody_takes_is_forgotten(void **state)
{
	OPEN(b, TOKEN, TEXT("role"), TEXT(DOCUMENT), SILENT);
	load_role_and_wait(&b);
	imds_aid_close(&b);
}

/* ---- values */

static void a_value_of_imds_is_taken_when_it_is_well_formed(void **state)
{
	char out[IMDS_TEXT_MAX];

	OPEN(b, TOKEN, TEXT("eu-west-1\n"), TEXT("two words"), TEXT("a\nb\n"),
	    TEXT("bell\a"), TEXT(""));
	assert_int_equal(imds_region(b.imds, out, b.deadline, &b.err), 0);
	assert_string_equal(out, "eu-west-1");
	imds_aid_request(
	    &b, 1, "GET /latest/meta-data/placement/region HTTP/1.1\r\n");
	assert_int_equal(
	    imds_region(b.imds, out, b.deadline, &b.err), ERR_FORMAT);
	assert_int_equal(imds_tag(b.imds, "x", out, b.deadline, &b.err), 0);
	assert_string_equal(out, "a\nb");
	imds_aid_request(
	    &b, 3, "GET /latest/meta-data/tags/instance/x HTTP/1.1\r\n");
	assert_int_equal(
	    imds_tag(b.imds, "x", out, b.deadline, &b.err), ERR_FORMAT);
	imds_aid_expect(&b, ERR_FORMAT, "malformed meta-data/instance-id");
	imds_aid_close(&b);
}

static void a_value_of_imds_has_255_characters_at_most(void **state)
{
	static const char head[] = "HTTP/1.1 200 OK\r\n\r\n";
	char longest[sizeof head + 256], beyond[sizeof head + 256];
	char out[IMDS_TEXT_MAX];

	(void)snprintf(longest, sizeof longest, "%s%0255d\n", head, 1);
	(void)snprintf(beyond, sizeof beyond, "%s%0256d", head, 2);
	OPEN(b, TOKEN, {.answer = longest, .close = 1},
	    {.answer = beyond, .close = 1});
	assert_int_equal(imds_tag(b.imds, "a", out, b.deadline, &b.err), 0);
	assert_int_equal(strlen(out), 255);
	assert_int_equal(
	    imds_tag(b.imds, "a", out, b.deadline, &b.err), ERR_LIMIT);
	assert_int_equal(out[254], '1');
	imds_aid_close(&b);
}

static void an_answer_of_imds_beyond_its_ceiling_is_refused(void **state)
{
	static char big[20000];

	(void)snprintf(big, sizeof big, "HTTP/1.1 200 OK\r\n\r\n%017000d", 1);
	OPEN(b, TOKEN, {.answer = big, .close = 1});
	imds_aid_expect(&b, ERR_LIMIT, "too large");
	assert_int_equal(loopback_requests(b.l), 2);
	imds_aid_close(&b);
}

static void a_tag_is_asked_for_by_its_encoded_name(void **state)
{
	char out[IMDS_TEXT_MAX];

	OPEN(b, TOKEN, TEXT("seed queue"), TEXT("x"), STATUS("404 Not Found"));
	assert_int_equal(
	    imds_tag(b.imds, "sqs-entropy:queue", out, b.deadline, &b.err), 0);
	assert_string_equal(out, "seed queue");
	imds_aid_request(&b, 1,
	    "GET /latest/meta-data/tags/instance/sqs-entropy:queue HTTP");
	assert_int_equal(
	    imds_tag(b.imds, "a/b ?#%\n", out, b.deadline, &b.err), 0);
	imds_aid_request(&b, 2,
	    "GET /latest/meta-data/tags/instance/a%2Fb%20%3F%23%25%0A HTTP");
	assert_int_equal(
	    imds_tag(b.imds, "q", out, b.deadline, &b.err), ERR_ABSENT);
	assert_non_null(strstr(b.err.text, "no tag q: "));
	assert_non_null(strstr(b.err.text, "--instance-metadata-tags"));
	assert_int_equal(
	    imds_tag(b.imds, "", out, b.deadline, &b.err), ERR_LIMIT);
	imds_aid_close(&b);
}

/* ---- credentials */

static int load_credentials(struct imds_aid *b, struct cred *out)
{
	const struct cred_source s = imds_source(b->imds);

	return s.load(s.ctx, out, b->deadline, &b->err);
}

static void credentials_come_from_the_first_role_listed(void **state)
{
	struct cred *c = cred_new();

	OPEN(b, TOKEN, TEXT("my-role+x\nother\n"), TEXT(DOCUMENT));
	assert_int_equal(load_credentials(&b, c), 0);
	imds_aid_request(&b, 1, "GET " ROLE_PATH " HTTP");
	imds_aid_request(&b, 2, "GET " ROLE_PATH "my-role+x HTTP");
	assert_string_equal(buf_str(c->access_key), "ASIAX");
	assert_string_equal(buf_str(c->secret_key), "se/cr+et=");
	assert_string_equal(buf_str(c->token), "tok==");
	assert_int_equal(c->expires, 1795334400000);
	cred_free(c);
	imds_aid_close(&b);
}

static void expect_no_role(
    const struct loopback_step *role, int rc, const char *text)
{
	const struct loopback_step steps[] = {TOKEN, *role};
	struct cred *c = cred_new();
	struct imds_aid b;

	imds_aid_open(&b, steps, 2, false);
	assert_int_equal(load_credentials(&b, c), rc);
	assert_non_null(strstr(b.err.text, text));
	assert_int_equal(loopback_requests(b.l), 2);
	cred_free(c);
	imds_aid_close(&b);
}

static void without_a_role_there_are_no_credentials(void **state)
{
	const struct loopback_step steps[] = {STATUS("404 Not Found"), TEXT(""),
	    TEXT("\n"), TEXT("two words"), TEXT("r\x7f")};

	(void)state;
	expect_no_role(&steps[0], ERR_ABSENT, "attach an instance profile");
	expect_no_role(&steps[1], ERR_ABSENT, "no IAM role is attached");
	expect_no_role(&steps[2], ERR_ABSENT, "no IAM role is attached");
	expect_no_role(&steps[3], ERR_FORMAT, "malformed role");
	expect_no_role(&steps[4], ERR_FORMAT, "malformed role");
}

static void a_document_without_whole_credentials_is_refused(void **state)
{
	static const struct {
		int rc;
		const char *text;
	} docs[] = {{0, DOCUMENT}, {ERR_FORMAT, ""}, {ERR_FORMAT, "{}"},
	    {ERR_FORMAT, "[]"}, {ERR_FORMAT, "{\"Code\":\"Succ"},
	    {ERR_DENIED, "{\"Code\":\"AssumeRoleUnauthorizedAccess\","
			 "\"Message\":\"EC2 cannot assume the role\"}"},
	    {ERR_SERVICE, "{\"Code\":\"Failed\"}"},
	    {ERR_FORMAT, "{\"Code\":\"Success\"}"},
	    {ERR_FORMAT, "{\"Code\":\"Success\",\"AccessKeyId\":\"A\","
			 "\"SecretAccessKey\":\"\",\"Token\":\"t\","
			 "\"Expiration\":\"2026-11-22T08:00:00Z\"}"},
	    {ERR_FORMAT, "{\"Code\":\"Success\",\"AccessKeyId\":\"A\","
			 "\"SecretAccessKey\":\"s\",\"Token\":\"t\","
			 "\"Expiration\":\"soon\"}"},
	    {ERR_FORMAT, "{\"Code\":\"Success\",\"AccessKeyId\":\"A\\n\","
			 "\"SecretAccessKey\":\"s\",\"Token\":\"t\","
			 "\"Expiration\":\"2026-11-22T08:00:00Z\"}"},
	    {ERR_FORMAT, "{\"Code\":\"Success\",\"AccessKeyId\":1,"
			 "\"SecretAccessKey\":\"s\",\"Token\":\"t\","
			 "\"Expiration\":\"2026-11-22T08:00:00Z\"}"}};
	struct buf *text = buf_new(IMDS_ANSWER_MAX);
	struct cred *c = cred_new();
	struct err err = {0};

	(void)state;
	for (size_t k = 0; k < sizeof docs / sizeof docs[0]; k++) {
		assert_int_equal(
		    buf_set(text, docs[k].text, strlen(docs[k].text)), 0);
		assert_int_equal(imds_document(text, "r", c, &err), docs[k].rc);
		assert_null(strstr(err.text, "se/cr"));
		if (docs[k].rc == ERR_DENIED)
			assert_non_null(
			    strstr(err.text, ": EC2 cannot assume"));
	}
	cred_free(c);
	buf_free(text);
}

/* ---- the endpoint */

static void a_final_slash_of_the_endpoint_is_taken_away(void **state)
{
	char url[80];

	OPEN(b, TOKEN, TEXT("i-1"));
	(void)snprintf(url, sizeof url, "%s/", loopback_url(b.l));
	imds_aid_again(&b, url, IMDS_MACHINE_UNKNOWN);
	imds_aid_expect(&b, 0, "i-1");
	imds_aid_request(&b, 0, "PUT /latest/api/token ");
	imds_aid_close(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_id_comes_while_others_are_waited_for),
	    cmocka_unit_test(an_id_that_did_not_come_is_asked_for_anew),
	    cmocka_unit_test(an_id_that_nobody_takes_is_forgotten),
	    cmocka_unit_test(a_value_of_imds_is_taken_when_it_is_well_formed),
	    cmocka_unit_test(a_value_of_imds_has_255_characters_at_most),
	    cmocka_unit_test(an_answer_of_imds_beyond_its_ceiling_is_refused),
	    cmocka_unit_test(a_tag_is_asked_for_by_its_encoded_name),
	    cmocka_unit_test(credentials_come_from_the_first_role_listed),
	    cmocka_unit_test(without_a_role_there_are_no_credentials),
	    cmocka_unit_test(a_document_without_whole_credentials_is_refused),
	    cmocka_unit_test(a_final_slash_of_the_endpoint_is_taken_away),
	};

	/* What a single answer leads to, however slow this machine is. */
	(void)setenv("AWS_METADATA_SERVICE_TIMEOUT", "60", 1);
	(void)setenv("AWS_METADATA_SERVICE_NUM_ATTEMPTS", "1", 1);
	(void)unsetenv("AWS_EC2_METADATA_DISABLED");
	(void)unsetenv("AWS_EC2_METADATA_SERVICE_ENDPOINT");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
