/* SPDX-License-Identifier: Apache-2.0 */
/* An answer of STS, taken as credentials and as a refusal. */
#include "aws/sts_answer.h"
#include "fuzz.h"

enum { WAY_CREDENTIALS, WAY_REFUSAL, WAYS };

static const struct sts_asked asked = {
    .action = "AssumeRole", .role = "role", .region = "r", .by = "by"};

static void take_credentials_of(const struct buf *body)
{
	struct cred *c = cred_new();
	struct err err = {0};

	FUZZ_CHECK(c != NULL);
	if (sts_answer_credentials(&asked, body, c, &err) != 0) {
		FUZZ_CHECK(err.text[0] != '\0');
	} else {
		FUZZ_CHECK(
		    buf_len(c->access_key) > 0 && buf_len(c->secret_key) > 0);
		FUZZ_CHECK(buf_len(c->token) > 0 && c->expires > 0);
		fuzz_went(WAY_CREDENTIALS);
	}
	cred_free(c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct buf *body = buf_new(len);
	struct sts_error e;
	struct err err = {0};

	fuzz_expect_ways(WAYS);
	FUZZ_CHECK(body != NULL && buf_add(body, data, len) == 0);
	take_credentials_of(body);
	sts_answer_error(&e, 400, buf_str(body), buf_len(body));
	FUZZ_CHECK(sts_error_explain(&asked, &e, &err) != 0);
	FUZZ_CHECK(err.text[0] != '\0');
	if (sts_error_passes(&e))
		fuzz_went(WAY_REFUSAL);
	buf_free(body);
	return 0;
}
