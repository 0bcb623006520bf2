/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_AID_OPENSSL_H
#define SQS_ENTROPY_AID_OPENSSL_H

#include <stdbool.h>
#include <stdio.h>

#include <openssl/crypto.h>

/* Whether this OpenSSL should have ML-KEM, by its version alone: a test must
 * not ask the code that it is about.  Where not, that is printed. */
static inline bool openssl_should_have_mlkem(void)
{
	const bool should = OpenSSL_version_num() >= 0x30500000UL;

	if (!should)
		printf("%s has no ML-KEM: its refusal is tested\n",
		    OpenSSL_version(OPENSSL_VERSION));
	return should;
}

#endif
