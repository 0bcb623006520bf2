/* SPDX-License-Identifier: Apache-2.0 */
#include "aid/sign_once.h"

int sign_once(
    struct message *m, const char *arn, const uint8_t secret[static KEYS_LEN])
{
	struct keys_signer *by = keys_signer_new(secret);
	const int rc = by != NULL ? message_sign(m, arn, by) : ERR_INTERNAL;

	keys_signer_free(by);
	return rc;
}
