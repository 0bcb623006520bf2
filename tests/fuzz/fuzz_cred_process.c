/* SPDX-License-Identifier: Apache-2.0 */
/* What a credential_process writes. */
#include <string.h>

#include "aws/cred_process.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct buf *text = buf_new(len);
	struct cred *c = cred_new();
	struct err err = {0};
	int rc;

	FUZZ_CHECK(text != NULL && c != NULL && buf_add(text, data, len) == 0);
	rc = cred_process_document(text, "command", c, &err);
	FUZZ_CHECK(rc == 0 || rc == ERR_NOCRED);
	FUZZ_CHECK(rc == err.code);
	FUZZ_CHECK((rc == 0) == (buf_len(c->access_key) > 0));
	FUZZ_CHECK((rc == 0) == (buf_len(c->secret_key) > 0));
	cred_free(c);
	buf_free(text);
	return 0;
}
