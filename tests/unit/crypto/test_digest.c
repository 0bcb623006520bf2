/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "aid/refused.h"
#include "base/err.h"
#include "base/text.h"
#include "crypto/digest.h"

static void assert_hex(const uint8_t *data, size_t len, const char *expected)
{
	char hex[TEXT_HEX_LEN(DIGEST_SHA256_LEN)];

	text_hex(hex, data, len);
	assert_string_equal(hex, expected);
}

static struct digest_part part(const char *s)
{
	return (struct digest_part){s, strlen(s)};
}

static void assert_sha256(const char *text, const char *expected)
{
	const struct digest_part whole = part(text);
	uint8_t sum[DIGEST_SHA256_LEN];

	assert_int_equal(digest_sha256(sum, &whole, 1), 0);
	assert_hex(sum, sizeof sum, expected);
}

/* FIPS 180-4, its published examples. */
static void sha256_gives_the_sums_that_fips_180_4_publishes(void **state)
{
	(void)state;
	assert_sha256("",
	    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	assert_sha256("abc",
	    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	assert_sha256(
	    "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
	    "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

static void parts_are_hashed_as_one_text(void **state)
{
	const struct digest_part parts[] = {
	    {NULL, 0}, {"", 0}, {"a", 1}, {NULL, 0}, {"bc", 2}, {"unused", 0}};
	uint8_t sum[DIGEST_SHA256_LEN];
	uint8_t md5[DIGEST_MD5_LEN];

	(void)state;
	assert_int_equal(digest_sha256(sum, parts, 6), 0);
	assert_hex(sum, sizeof sum,
	    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	assert_int_equal(digest_sha256(sum, NULL, 0), 0);
	assert_hex(sum, sizeof sum,
	    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	if (digest_md5(md5, parts, 6) == 0)
		assert_hex(md5, sizeof md5, "900150983cd24fb0d6963f7d28e17f72");
}

/* The published examples of FIPS 202. */
static void sha3_gives_the_sums_that_fips_202_publishes(void **state)
{
	const struct digest_part parts[] = {{"a", 1}, {NULL, 0}, {"bc", 2}};
	uint8_t sum[DIGEST_SHA3_256_LEN], more[40];

	(void)state;
	assert_int_equal(digest_sha3_256(sum, parts, 3), 0);
	assert_hex(sum, sizeof sum,
	    "3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532");
	assert_int_equal(digest_sha3_256(sum, NULL, 0), 0);
	assert_hex(sum, sizeof sum,
	    "a7ffc6f8bf1ed76651c14756a061d662f580ff4de43b49fa82d80a4b80f8434a");
	assert_int_equal(digest_shake256(more, sizeof more, NULL, 0), 0);
	assert_hex(more, 32,
	    "46b9dd2b0ba88d13233b3feb743eeb243fcd52ea62b81b82b50c27646ed5762f");
	assert_hex(more + 32, 8, "d75dc4ddd8c0f200");
}

/* RFC 1321 appendix A.5. */
static void md5_gives_the_sums_of_rfc_1321(void **state)
{
	const struct digest_part empty = part("");
	const struct digest_part text = part("message digest");
	uint8_t sum[DIGEST_MD5_LEN];

	(void)state;
	if (digest_md5(sum, &empty, 1) == ERR_UNSUPPORTED) {
		print_message("skipped: this host is in FIPS mode\n");
		skip();
	}
	assert_hex(sum, sizeof sum, "d41d8cd98f00b204e9800998ecf8427e");
	assert_int_equal(digest_md5(sum, &text, 1), 0);
	assert_hex(sum, sizeof sum, "f96b697d7cb7938d525a2f31aaf161d0");
}

/* RFC 4231 section 4, cases 1, 2, 6 and 7. */
static void hmac_gives_the_codes_of_rfc_4231(void **state)
{
	const struct digest_part hi = part("Hi There");
	const struct digest_part what[] = {
	    {"what do ya want ", 16}, {"for nothing?", 12}};
	const struct digest_part larger =
	    part("Test Using Larger Than Block-Size Key - Hash Key First");
	const struct digest_part both =
	    part("This is a test using a larger than block-size key and a "
		 "larger than block-size data. The key needs to be hashed "
		 "before being used by the HMAC algorithm.");
	uint8_t sum[DIGEST_SHA256_LEN];
	uint8_t key[131];

	(void)state;
	memset(key, 0x0b, 20);
	assert_int_equal(digest_hmac_sha256(sum, key, 20, &hi, 1), 0);
	assert_hex(sum, sizeof sum,
	    "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
	assert_int_equal(digest_hmac_sha256(sum, "Jefe", 4, what, 2), 0);
	assert_hex(sum, sizeof sum,
	    "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
	memset(key, 0xaa, sizeof key);
	assert_int_equal(
	    digest_hmac_sha256(sum, key, sizeof key, &larger, 1), 0);
	assert_hex(sum, sizeof sum,
	    "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
	assert_int_equal(digest_hmac_sha256(sum, key, sizeof key, &both, 1), 0);
	assert_hex(sum, sizeof sum,
	    "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2");
}

static void hmac_takes_an_empty_key_and_no_text(void **state)
{
	static const char expected[] =
	    "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad";
	uint8_t sum[DIGEST_SHA256_LEN];

	(void)state;
	assert_int_equal(digest_hmac_sha256(sum, NULL, 0, NULL, 0), 0);
	assert_hex(sum, sizeof sum, expected);
	assert_int_equal(digest_hmac_sha256(sum, "x", 0, NULL, 0), 0);
	assert_hex(sum, sizeof sum, expected);
}

/* Chains of derivations put the result where the key was. */
static void hmac_may_write_over_its_key(void **state)
{
	const struct digest_part text = part("text");
	uint8_t key[DIGEST_SHA256_LEN];
	uint8_t apart[DIGEST_SHA256_LEN];

	(void)state;
	memset(key, 3, sizeof key);
	assert_int_equal(
	    digest_hmac_sha256(apart, key, sizeof key, &text, 1), 0);
	assert_int_equal(digest_hmac_sha256(key, key, sizeof key, &text, 1), 0);
	assert_memory_equal(key, apart, sizeof key);
}

static void a_difference_in_any_byte_makes_sums_unequal(void **state)
{
	uint8_t a[32] = {0};
	uint8_t b[32] = {0};
	size_t i;

	(void)state;
	assert_true(digest_equal(a, b, sizeof a));
	assert_true(digest_equal(NULL, NULL, 0));
	for (i = 0; i < sizeof a; i++) {
		b[i] = 0x80;
		assert_false(digest_equal(a, b, sizeof a));
		assert_true(digest_equal(a, b, i));
		b[i] = 0;
	}
}

/* What the program does when refused_run() runs it. */
static int when_refused(void)
{
	const struct digest_part text = part("text");
	uint8_t sum[DIGEST_SHA256_LEN];

	if (digest_md5(sum, &text, 1) != ERR_UNSUPPORTED)
		return 1;
	if (digest_sha256(sum, &text, 1) != ERR_INTERNAL)
		return 2;
	if (digest_hmac_sha256(sum, "key", 3, &text, 1) != ERR_INTERNAL)
		return 3;
	return 0;
}

static void a_digest_that_openssl_refuses_is_an_error(void **state)
{
	uint8_t sum[DIGEST_MD5_LEN];

	(void)state;
	if (digest_md5(sum, NULL, 0) == ERR_UNSUPPORTED) {
		/* That mode's configuration counts then. */
		print_message("skipped: this host is in FIPS mode\n");
		skip();
	}
	refused_run("--refused");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(sha256_gives_the_sums_that_fips_180_4_publishes),
	    cmocka_unit_test(parts_are_hashed_as_one_text),
	    cmocka_unit_test(sha3_gives_the_sums_that_fips_202_publishes),
	    cmocka_unit_test(md5_gives_the_sums_of_rfc_1321),
	    cmocka_unit_test(hmac_gives_the_codes_of_rfc_4231),
	    cmocka_unit_test(hmac_takes_an_empty_key_and_no_text),
	    cmocka_unit_test(hmac_may_write_over_its_key),
	    cmocka_unit_test(a_difference_in_any_byte_makes_sums_unequal),
	    cmocka_unit_test(a_digest_that_openssl_refuses_is_an_error)};

	if (argc == 2 && strcmp(argv[1], "--refused") == 0)
		return when_refused();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
