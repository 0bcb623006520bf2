/* SPDX-License-Identifier: Apache-2.0 */
#include "sqs/kms.h"

#include <string.h>

#include "base/base64.h"
#include "sqs/call.h"

const struct sqs_service kms_service = {.id = "kms",
    .name = "KMS",
    .target = "TrentService",
    .content_type = "application/x-amz-json-1.1"};

static const struct sqs_op generate_random = {
    .name = "GenerateRandom", .permission = KMS_PERMISSION, .resource = "*"};

static int read_random(
    const struct json *answer, uint8_t *out, size_t len, struct err *err)
{
	const char *text = json_string(json_get(answer, "Plaintext"));
	size_t got = 0;

	if (text != NULL &&
	    base64_decode(out, len, &got, text, strlen(text)) == 0 &&
	    got == len)
		return 0;
	explicit_bzero(out, len);
	return err_set(err, ERR_FORMAT,
	    "%s: the answer has no Plaintext of %zu bytes in base64; is the "
	    "endpoint one of KMS?",
	    generate_random.name, len);
}

int kms_random(
    struct sqs *s, uint8_t *out, size_t len, int64_t deadline, struct err *err)
{
	struct json_writer *w = json_writer_new();
	struct json *answer;
	int rc;

	json_begin_object(w, NULL);
	json_put_integer(w, "NumberOfBytes", (int64_t)len);
	json_end_object(w);
	rc = sqs_call(s, &generate_random, "KMS", w, deadline, &answer, err);
	if (rc == 0)
		rc = read_random(answer, out, len, err);
	json_free(answer);
	return rc;
}
