/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "aid/hex.h"
#include "aid/keys.h"
#include "message/keyfile.h"

/* The directory of the trusted keys. */

#define TEXT   "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define PUBLIC "sqs-entropy-ed25519 " TEXT "\n"
#define SECRET "sqs-entropy-ed25519-secret " TEXT "\n"

static struct keyfile_trusted trusted;

/* What the files that gave no key were refused for. */
static struct {
	size_t n;
	struct err last;
} files;

static void count_refused(void *ctx, const struct err *why)
{
	assert_ptr_equal(ctx, &files);
	assert_int_equal(why->code, ERR_CONFIG);
	files.n++;
	files.last = *why;
}

static int read_trusted(const char *directory, struct err *err)
{
	memset(&trusted, 0xaa, sizeof trusted);
	files.n = 0;
	return keyfile_read_trusted(
	    directory, &trusted, count_refused, &files, err);
}

static void assert_said(
    const struct err *err, const char *begins, const char *has)
{
	if (strncmp(err->text, begins, strlen(begins)) != 0 ||
	    strstr(err->text, has) == NULL)
		fail_msg("not \"%s...%s\": %s", begins, has, err->text);
}

static void accepted(const char *directory, size_t n)
{
	struct err err = {.code = 0};

	if (read_trusted(directory, &err) != 0)
		fail_msg("%s", err.text);
	assert_int_equal(files.n, 0);
	assert_int_equal(trusted.n, n);
}

/* One file gives no key, and n others do: the places behind them are empty. */
static void lost(
    const char *directory, size_t n, const char *begins, const char *has)
{
	struct err err = {.code = 0};

	if (read_trusted(directory, &err) != 0)
		fail_msg("%s", err.text);
	assert_int_equal(err.code, 0);
	assert_int_equal(files.n, 1);
	assert_said(&files.last, begins, has);
	assert_int_equal(trusted.n, n);
	hex_assert_wiped(&trusted.at[n], sizeof trusted.at[n]);
}

/* Of what was read before the fault nothing is left to be trusted. */
static void refused(const char *directory, const char *begins, const char *has)
{
	struct err err = {.code = 0};

	assert_int_equal(read_trusted(directory, &err), ERR_CONFIG);
	assert_int_equal(err.code, ERR_CONFIG);
	assert_said(&err, begins, has);
	hex_assert_wiped(&trusted, sizeof trusted);
}

/* A key of its own for each name: 32 times the byte. */
static void put_key(struct keys *k, const char *name, uint8_t byte)
{
	char line[KEYFILE_LINE_MAX], text[2 * KEYFILE_LINE_MAX];
	uint8_t key[KEYS_LEN];

	memset(key, byte, sizeof key);
	keyfile_format(KEYFILE_SIGN_PUBLIC, key, line);
	(void)snprintf(text, sizeof text, "# %s\n%s %s\n", name, line, name);
	keys_put(k, name, text, 0644);
}

static void an_empty_or_absent_directory_trusts_nobody(void **state)
{
	struct keys *k = *state;

	accepted(k->dir, 0);
	accepted(keys_path(k, "none"), 0);
	accepted(keys_path(k, "none/none"), 0);
}

static void trusted_keys_are_sorted_by_name(void **state)
{
	static const char *const names[] = {"b", "a", "10", "Z", "a.b", "9",
	    "a-b", "\303\244", "aa", "pub.pub"};
	static const char *const sorted[] = {"10", "9", "Z", "a", "a-b", "a.b",
	    "aa", "b", "pub.pub", "\303\244"};
	const size_t n = sizeof names / sizeof names[0];
	uint8_t id[KEYFILE_ID_LEN];
	struct keys *k = *state;
	char file[64];
	size_t i, j;

	for (i = 0; i < n; i++) {
		(void)snprintf(file, sizeof file, "%s.pub", names[i]);
		put_key(k, file, (uint8_t)(i + 1));
	}
	accepted(k->dir, n);
	for (i = 0; i < n; i++) {
		assert_string_equal(trusted.at[i].name, sorted[i]);
		for (j = 0; strcmp(names[j], sorted[i]) != 0; j++)
			continue;
		assert_int_equal(trusted.at[i].key[0], j + 1);
		assert_int_equal(trusted.at[i].key[31], j + 1);
		assert_int_equal(keyfile_id(trusted.at[i].key, id), 0);
		assert_memory_equal(trusted.at[i].id, id, sizeof id);
	}
}

static void files_of_other_names_are_no_trusted_keys(void **state)
{
	struct keys *k = *state;

	keys_put(k, "README", "not a key", 0666);
	keys_put(k, "a.pub~", "not a key", 0666);
	keys_put(k, "a.pub.old", SECRET, 0666);
	keys_put(k, "a.PUB", "not a key", 0666);
	keys_put(k, ".pub", "not a key", 0666);
	keys_put(k, ".hidden.pub", PUBLIC, 0644);
	keys_put(k, "pub", "not a key", 0666);
	put_key(k, "a.pub", 1);
	accepted(k->dir, 1);
	assert_string_equal(trusted.at[0].name, "a");
}

/* A rotation is a second file; a revocation is a removal. */
static void a_second_file_is_trusted_and_a_removed_one_not(void **state)
{
	struct keys *k = *state;

	put_key(k, "old.pub", 1);
	put_key(k, "new.pub", 2);
	accepted(k->dir, 2);
	assert_int_equal(trusted.at[0].key[0], 2);
	assert_int_equal(trusted.at[1].key[0], 1);
	assert_int_equal(unlink(keys_path(k, "old.pub")), 0);
	accepted(k->dir, 1);
	assert_int_equal(trusted.at[0].key[0], 2);
}

static void more_trusted_keys_than_the_limit_are_refused(void **state)
{
	struct keys *k = *state;
	char file[16];
	uint8_t i;

	for (i = 0; i < KEYFILE_TRUSTED_MAX; i++) {
		(void)snprintf(file, sizeof file, "%02d.pub", (int)i);
		put_key(k, file, i);
	}
	accepted(k->dir, KEYFILE_TRUSTED_MAX);
	for (i = 0; i < KEYFILE_TRUSTED_MAX; i++)
		assert_int_equal(trusted.at[i].key[0], i);
	put_key(k, "one-too-many.pub", 99);
	refused(k->dir, k->dir, "32");
}

static void a_trusted_name_may_have_63_characters(void **state)
{
	char file[64 + 4] = "";
	struct keys *k = *state;

	memset(file, 'x', 63);
	(void)strcpy(file + 63, ".pub");
	put_key(k, file, 1);
	accepted(k->dir, 1);
	assert_int_equal(strlen(trusted.at[0].name), 63);
	assert_int_equal(unlink(keys_path(k, file)), 0);
	memset(file, 'x', 64);
	(void)strcpy(file + 64, ".pu");
	keys_put(k, file, "", 0666);
	accepted(k->dir, 0);
}

static void a_longer_name_costs_its_key(void **state)
{
	char file[64 + 5];
	struct keys *k = *state;

	memset(file, 'x', 64);
	(void)strcpy(file + 64, ".pub");
	keys_put(k, file, PUBLIC, 0644);
	put_key(k, "a.pub", 1);
	lost(k->dir, 1, k->dir, "too long");
}

static void bad_file(struct keys *k, const char *text, const char *has)
{
	char begins[128];

	put_key(k, "a.pub", 1);
	put_key(k, "z.pub", 2);
	keys_put(k, "bad.pub", text, 0644);
	(void)snprintf(begins, sizeof begins, "%s/bad.pub", k->dir);
	lost(k->dir, 2, begins, has);
	assert_string_equal(trusted.at[0].name, "a");
	assert_int_equal(trusted.at[0].key[0], 1);
	assert_string_equal(trusted.at[1].name, "z");
	assert_int_equal(trusted.at[1].key[0], 2);
}

static void one_malformed_file_costs_its_own_key(void **state)
{
	struct keys *k = *state;

	bad_file(k, "", "holds no key");
	bad_file(k, "\nsqs-entropy-ed25519 x", ":2: malformed");
	bad_file(k, SECRET, ":1: this is a secret signing key");
	bad_file(k, "sqs-entropy-x25519 " TEXT, ":1: this is a public sealing");
	bad_file(k, PUBLIC PUBLIC, ":2: a second key");
}

static void a_file_that_others_may_write_costs_its_key(void **state)
{
	struct keys *k = *state;
	mode_t mode;

	for (mode = 0400; mode <= 0777; mode++) {
		keys_put(k, "a.pub", PUBLIC, mode);
		if ((mode & 022) == 0)
			accepted(k->dir, 1);
		else
			lost(k->dir, 0, keys_path(k, "a.pub"), "chmod go-w");
	}
}

/* Who may add a file, or change one's own, would be trusted too. */
static void a_directory_that_others_may_write_is_refused(void **state)
{
	struct keys *k = *state;

	put_key(k, "a.pub", 1);
	assert_int_equal(chmod(k->dir, 0755), 0);
	accepted(k->dir, 1);
	assert_int_equal(chmod(k->dir, 0775), 0);
	refused(k->dir, k->dir, "chmod go-w");
	assert_int_equal(chmod(k->dir, 01777), 0);
	refused(k->dir, k->dir, "chmod go-w");
}

static void trusted_keys_of_another_user_are_refused(void **state)
{
	struct keys *k = *state;

	if (getuid() != 0)
		skip();
	put_key(k, "a.pub", 1);
	assert_int_equal(chown(keys_path(k, "a.pub"), 12345, 0), 0);
	lost(k->dir, 0, k->path, "user 12345");
	assert_int_equal(chown(k->path, 0, 12345), 0);
	accepted(k->dir, 1);
	assert_int_equal(chown(k->dir, 12345, 0), 0);
	refused(k->dir, k->dir, "user 12345");
	assert_int_equal(chown(k->dir, 0, 0), 0);
}

static void a_trusted_key_is_a_regular_file_or_a_link_to_one(void **state)
{
	struct keys *k = *state;
	const char *path = keys_path(k, "x.pub");

	put_key(k, "a.pub", 1);
	/* Nobody writes to it: a read would wait for ever. */
	assert_int_equal(mkfifo(keys_path(k, "x.pub"), 0600), 0);
	lost(k->dir, 1, path, "no regular file");
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	lost(k->dir, 1, path, "no regular file");
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(symlink("/dev/null", path), 0);
	lost(k->dir, 1, path, "no regular file");
	assert_int_equal(unlink(path), 0);
	/* A key that cannot be read must not quietly count as revoked. */
	assert_int_equal(symlink("gone", path), 0);
	lost(k->dir, 1, "cannot open", strerror(ENOENT));
	assert_int_equal(unlink(path), 0);
	assert_int_equal(symlink("a.pub", path), 0);
	accepted(k->dir, 2);
}

static void what_is_no_directory_is_refused(void **state)
{
	struct keys *k = *state;
	const char *path = keys_put(k, "file", PUBLIC, 0644);

	refused(path, "cannot open", strerror(ENOTDIR));
	assert_int_equal(unlink(path), 0);
	assert_int_equal(symlink("file", path), 0);
	refused(path, "cannot open", strerror(ELOOP));
	assert_int_equal(unlink(path), 0);
}

static void a_file_that_cannot_be_read_costs_its_key(void **state)
{
	struct keys *k = *state;
	const char *path;

	put_key(k, "a.pub", 1);
	path = keys_put(k, "b.pub", PUBLIC, 0000);
	assert_int_equal(chmod(k->dir, 0755), 0);
	keys_drop(true);
	lost(k->dir, 1, "cannot open", path);
	keys_drop(false);
	assert_int_equal(chmod(k->dir, 0311), 0);
	keys_drop(true);
	refused(k->dir, "cannot open", strerror(EACCES));
	keys_drop(false);
}

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, keys_setup, keys_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(an_empty_or_absent_directory_trusts_nobody),
	    TEST(trusted_keys_are_sorted_by_name),
	    TEST(files_of_other_names_are_no_trusted_keys),
	    TEST(a_second_file_is_trusted_and_a_removed_one_not),
	    TEST(more_trusted_keys_than_the_limit_are_refused),
	    TEST(a_trusted_name_may_have_63_characters),
	    TEST(a_longer_name_costs_its_key),
	    TEST(one_malformed_file_costs_its_own_key),
	    TEST(a_file_that_others_may_write_costs_its_key),
	    TEST(a_directory_that_others_may_write_is_refused),
	    TEST(trusted_keys_of_another_user_are_refused),
	    TEST(a_trusted_key_is_a_regular_file_or_a_link_to_one),
	    TEST(what_is_no_directory_is_refused),
	    TEST(a_file_that_cannot_be_read_costs_its_key)};

	(void)alarm(60); /* a read that hangs ends the program */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
