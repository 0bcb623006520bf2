/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_CRYPTO_ALGORITHMS_H
#define SQS_ENTROPY_CRYPTO_ALGORITHMS_H

#include <stdbool.h>

#include "base/err.h"

/* What OpenSSL may lack on a host: its configuration says which providers it
 * loads, and a FIPS provider leaves out what FIPS 140 does not approve. */
enum algorithms {
	ALGORITHM_SHA256 = 1 << 0,
	ALGORITHM_HMAC = 1 << 1,
	ALGORITHM_RANDOM = 1 << 2,
	ALGORITHM_ED25519 = 1 << 3,
	ALGORITHM_X25519 = 1 << 4,
	ALGORITHM_CHACHA20 = 1 << 5,
	ALGORITHM_ED25519_VERIFY = 1 << 6, /* without signing */
	ALGORITHM_MD5 = 1 << 7,
	ALGORITHM_SHA3 = 1 << 8,
	ALGORITHM_MLKEM = 1 << 9 /* OpenSSL has it from 3.5 on */
};

#define ALGORITHMS_REQUEST (ALGORITHM_SHA256 | ALGORITHM_HMAC)
#define ALGORITHMS_SEALING                                                     \
	(ALGORITHMS_REQUEST | ALGORITHM_X25519 | ALGORITHM_CHACHA20)
/* What X-Wing needs beside X25519. */
#define ALGORITHMS_XWING (ALGORITHM_SHA3 | ALGORITHM_MLKEM)

/* Try each of wanted.  ERR_UNSUPPORTED names those that fail: "WHAT: OpenSSL
 * on this host has no X25519: REMEDY".  An algorithm may be there and be
 * refused when it is used, so that nothing less than its use tells.  This is an
 * error of configuration; what fails later, by want of memory for one, is
 * ERR_INTERNAL, after which a service is started again. */
int algorithms_need(unsigned wanted, const char *what, const char *remedy,
    struct err *err) MUST_CHECK;

/* Start OpenSSL, which reads its configuration at its first use, and try what
 * every request needs.  ERR_UNSUPPORTED.  caution: what a user should know of
 * what is left out without it, or NULL. */
int algorithms_start(const char **caution, struct err *err) MUST_CHECK;

#endif
