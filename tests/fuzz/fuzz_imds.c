/* SPDX-License-Identifier: Apache-2.0 */
/* The document with a role's credentials. */
#include <string.h>

#include "aws/imds.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct buf *text = buf_new(len);
	struct cred *c = cred_new();
	struct err err = {0};
	int rc;

	FUZZ_CHECK(text != NULL && c != NULL && buf_add(text, data, len) == 0);
	rc = imds_document(text, "role", c, &err);
	if (rc == 0)
		FUZZ_CHECK(
		    buf_len(c->access_key) > 0 && buf_len(c->secret_key) > 0);
	else
		FUZZ_CHECK(err.text[0] != '\0');
	cred_free(c);
	buf_free(text);
	return 0;
}
