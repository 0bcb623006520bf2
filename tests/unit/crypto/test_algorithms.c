/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "aid/openssl.h"
#include "aid/refused.h"
#include "crypto/algorithms.h"

#define ALL ((ALGORITHM_MLKEM << 1) - 1)

static int need(unsigned wanted, struct err *err)
{
	*err = (struct err){.code = 0};
	return algorithms_need(wanted, "key", "make another", err);
}

/* What the program does where OpenSSL has nothing. */
static int when_refused(void)
{
	static const char text[] = "key: OpenSSL on this host, which is in "
				   "FIPS mode, has no X25519 and no "
				   "ChaCha20-Poly1305: make another";
	const char *caution;
	struct err err;

	for (unsigned one = 1; one <= ALL; one <<= 1)
		if (need(one, &err) != ERR_UNSUPPORTED)
			return 1;
	if (need(ALGORITHM_X25519 | ALGORITHM_CHACHA20, &err) !=
		ERR_UNSUPPORTED ||
	    strcmp(err.text, text) != 0)
		return 2;
	if (need(ALL, &err) != ERR_UNSUPPORTED ||
	    strstr(err.text, " and no MD5: make another") == NULL)
		return 3;
	if (need(0, &err) != 0 || err.code != 0)
		return 4;
	if (algorithms_start(&caution, &err) != ERR_UNSUPPORTED ||
	    strncmp(err.text, "no request can be signed: ", 26) != 0)
		return 5;
	return caution == NULL ? 0 : 6;
}

/* What it does where the default provider is beside one for FIPS. */
static int when_beside(void)
{
	struct err err;

	if (need(ALL & ~ALGORITHM_MD5, &err) != ERR_UNSUPPORTED)
		return 1;
	return need(ALGORITHM_MD5, &err) == 0 ? 0 : 2;
}

static void what_openssl_lacks_is_named(void **state)
{
	(void)state;
	refused_run("--refused");
}

static void a_checksum_may_come_from_the_default_provider(void **state)
{
	(void)state;
	refused_run("--beside");
}

static void what_openssl_has_is_no_error(void **state)
{
	const unsigned has = openssl_should_have_mlkem()
				 ? ALL
				 : ALL & ~(unsigned)ALGORITHM_MLKEM;
	const char *caution = "";
	struct err err;

	(void)state;
	if (need(has, &err) == ERR_UNSUPPORTED &&
	    strstr(err.text, "FIPS mode") != NULL) {
		print_message("skipped: %s\n", err.text);
		skip();
	}
	assert_int_equal(need(has, &err), 0);
	assert_int_equal(err.code, 0);
	if (has != ALL) {
		assert_int_equal(need(ALL, &err), ERR_UNSUPPORTED);
		assert_string_equal(err.text,
		    "key: OpenSSL on this host has no ML-KEM-768: make "
		    "another");
	}
	assert_int_equal(algorithms_start(&caution, &err), 0);
	assert_null(caution);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_openssl_has_is_no_error),
	    cmocka_unit_test(what_openssl_lacks_is_named),
	    cmocka_unit_test(a_checksum_may_come_from_the_default_provider)};

	if (argc == 2 && strcmp(argv[1], "--refused") == 0)
		return when_refused();
	if (argc == 2 && strcmp(argv[1], "--beside") == 0)
		return when_beside();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
