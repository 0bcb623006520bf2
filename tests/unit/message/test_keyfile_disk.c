/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "aid/confine.h"
#include "aid/hex.h"
#include "aid/keys.h"
#include "aid/memory.h"
#include "message/keyfile.h"

/* Key files: modes, owners, and what is no file. */

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

#define TEXT     "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define PUBLIC   "sqs-entropy-ed25519 " TEXT "\n"
#define SECRET   "sqs-entropy-ed25519-secret " TEXT "\n"

static const uint8_t bytes[KEYS_LEN] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11,
    12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30,
    31};

static void accepted(enum keyfile_kind kind, const char *path)
{
	struct err err = {.code = 0};
	uint8_t key[KEYS_LEN];

	if (keyfile_read(kind, path, key, &err) != 0)
		fail_msg("%s", err.text);
	assert_memory_equal(key, bytes, sizeof key);
}

static void refused(enum keyfile_kind kind, const char *path, const char *has)
{
	struct err err = {.code = 0};
	uint8_t key[KEYS_LEN] = {0};

	assert_int_equal(keyfile_read(kind, path, key, &err), ERR_CONFIG);
	assert_int_equal(err.code, ERR_CONFIG);
	assert_non_null(strstr(err.text, path));
	if (strstr(err.text, has) == NULL)
		fail_msg("no \"%s\" in: %s", has, err.text);
	hex_assert_wiped(key, sizeof key);
}

static void a_secret_key_open_to_others_is_refused(void **state)
{
	struct keys *k = *state;
	mode_t mode;

	for (mode = 0400; mode <= 0777; mode++) {
		const char *path = keys_put(k, "k", SECRET, mode);

		if ((mode & 066) == 0)
			accepted(KEYFILE_SIGN_SECRET, path);
		else
			refused(KEYFILE_SIGN_SECRET, path, "chmod");
		keys_put(k, "k", PUBLIC, mode);
		accepted(KEYFILE_SIGN_PUBLIC, path);
	}
	refused(KEYFILE_SIGN_SECRET, keys_put(k, "k", SECRET, 0640), "0640");
}

static unsigned count_text(void)
{
	return memory_count(getpid(), TEXT, sizeof TEXT - 1);
}

/* So far down in the stack that who looks at it does not overwrite it first. */
static __attribute__((noinline)) void format_key(
    const uint8_t *key, char line[static KEYFILE_LINE_MAX])
{
	char above[1024];

	__asm__ volatile("" : : "r"(above) : "memory");
	keyfile_format(KEYFILE_SIGN_SECRET, key, line);
	__asm__ volatile("" : : "r"(above) : "memory");
}

/* A key that was written or read is in memory where the caller has it. */
static void the_text_of_a_key_is_wiped(void **state)
{
	char line[KEYFILE_LINE_MAX];
	struct err err = {0};
	uint8_t key[KEYS_LEN];
	const char *path;

	SKIP_IF(confine_aid_valgrind(), "valgrind's memory is looked at, too");
	path = keys_path(*state, "new");
	assert_int_equal(
	    keyfile_create(KEYFILE_SIGN_SECRET, path, bytes, &err), 0);
	assert_int_equal(count_text(), 0);
	assert_int_equal(keyfile_read(KEYFILE_SIGN_SECRET, path, key, &err), 0);
	assert_int_equal(count_text(), 0);
	assert_int_equal(memory_count(getpid(), bytes, sizeof bytes), 1);
	format_key(key, line);
	assert_int_equal(count_text(), 1);
	explicit_bzero(line, sizeof line);
	assert_int_equal(count_text(), 0);
}

static void a_secret_key_of_another_user_is_refused(void **state)
{
	struct keys *k = *state;
	const char *path = keys_put(k, "k", SECRET, 0600);

	if (getuid() != 0)
		skip();
	assert_int_equal(chown(path, 12345, 0), 0);
	refused(KEYFILE_SIGN_SECRET, path, "user 12345");
	keys_put(k, "k", PUBLIC, 0644);
	assert_int_equal(chown(path, 12345, 0), 0);
	accepted(KEYFILE_SIGN_PUBLIC, path);
	/* A user's own, as that user. */
	keys_put(k, "k", SECRET, 0600);
	assert_int_equal(chown(path, 65534, 0), 0);
	assert_int_equal(chmod(k->dir, 0755), 0);
	keys_drop(true);
	accepted(KEYFILE_SIGN_SECRET, path);
	keys_drop(false);
}

static void a_key_file_that_may_not_be_read_is_refused(void **state)
{
	struct keys *k = *state;
	const char *path = keys_put(k, "k", SECRET, 0000);

	assert_int_equal(chmod(k->dir, 0755), 0);
	keys_drop(true);
	refused(KEYFILE_SIGN_SECRET, path, strerror(EACCES));
	keys_drop(false);
}

static void put_socket(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	assert_true(fd >= 0);
	(void)snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
	assert_int_equal(
	    bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
	(void)close(fd);
}

static void a_key_is_read_from_a_regular_file_alone(void **state)
{
	struct keys *k = *state;
	const char *path = keys_path(k, "k");

	refused(KEYFILE_SIGN_PUBLIC, path, strerror(ENOENT));
	refused(KEYFILE_SIGN_PUBLIC, k->dir, "no regular file");
	refused(KEYFILE_SIGN_PUBLIC, "/dev/null", "no regular file");
	refused(KEYFILE_SIGN_SECRET, "/dev/zero", "no regular file");
	refused(KEYFILE_SIGN_SECRET, "", strerror(ENOENT));
	/* Nobody writes to it: a read would wait for ever. */
	assert_int_equal(mkfifo(path, 0600), 0);
	refused(KEYFILE_SIGN_SECRET, path, "no regular file");
	assert_int_equal(unlink(path), 0);
	put_socket(path);
	refused(KEYFILE_SIGN_SECRET, path, "cannot open");
	assert_int_equal(unlink(path), 0);
	assert_int_equal(symlink("k", path), 0);
	refused(KEYFILE_SIGN_SECRET, path, strerror(ELOOP));
}

/* What counts is the file that a link leads to. */
static void child_a_terminal_is_not_acquired(void)
{
	const int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	struct err err = {0};
	uint8_t key[KEYS_LEN];

	CHECK(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
	CHECK(setsid() >= 0);
	CHECK(keyfile_read(KEYFILE_SIGN_PUBLIC, ptsname(master), key, &err) ==
	      ERR_CONFIG);
	CHECK(open("/dev/tty", O_RDONLY | O_CLOEXEC) == -1 && errno == ENXIO);
}

static void a_terminal_that_is_no_key_is_not_acquired(void **state)
{
	(void)state;
	confine_aid_run(child_a_terminal_is_not_acquired);
}

static void a_link_is_judged_by_the_key_it_leads_to(void **state)
{
	struct keys *k = *state;
	char link[160];

	keys_put(k, "target", SECRET, 0600);
	(void)snprintf(link, sizeof link, "%s/k", k->dir);
	assert_int_equal(symlink("target", link), 0);
	accepted(KEYFILE_SIGN_SECRET, link);
	keys_put(k, "target", SECRET, 0644);
	refused(KEYFILE_SIGN_SECRET, link, "chmod");
	assert_int_equal(unlink(keys_path(k, "target")), 0);
	refused(KEYFILE_SIGN_SECRET, link, strerror(ENOENT));
}

static void a_key_file_beyond_4096_bytes_is_refused(void **state)
{
	char text[KEYFILE_SIZE_MAX + 2] = "sqs-entropy-ed25519 " TEXT "\n#";
	struct keys *k = *state;
	const size_t len = strlen(text);

	memset(text + len, 'x', KEYFILE_SIZE_MAX - len);
	accepted(KEYFILE_SIGN_PUBLIC, keys_put(k, "k", text, 0644));
	text[KEYFILE_SIZE_MAX] = '\n';
	refused(KEYFILE_SIGN_PUBLIC, keys_put(k, "k", text, 0644), "4096");
	refused(KEYFILE_SIGN_PUBLIC, keys_put(k, "k", "", 0644), "no key");
}

static void a_new_key_file_has_its_mode_whatever_the_umask(void **state)
{
	static const struct {
		enum keyfile_kind kind;
		const char *text;
		mode_t mode;
	} cases[] = {{KEYFILE_SIGN_PUBLIC, PUBLIC, 0644},
	    {KEYFILE_SIGN_SECRET, SECRET, 0600},
	    {KEYFILE_SEAL_PUBLIC, "sqs-entropy-x25519 " TEXT "\n", 0644},
	    {KEYFILE_SEAL_SECRET, "sqs-entropy-x25519-secret " TEXT "\n",
		0600}};
	static const mode_t masks[] = {0000, 0022, 0077, 0777};
	struct keys *k = *state;
	const char *path = keys_path(k, "k");
	const mode_t before = umask(0022);
	size_t i;

	for (i = 0; i < COUNT(cases) * COUNT(masks); i++) {
		const size_t c = i % COUNT(cases);

		(void)umask(masks[i / COUNT(cases)]);
		assert_int_equal(
		    keyfile_create(cases[c].kind, path, bytes, NULL), 0);
		keys_assert_file(path, cases[c].text, cases[c].mode);
		accepted(cases[c].kind, path);
		assert_int_equal(unlink(path), 0);
	}
	(void)umask(before);
}

static void not_created(const char *path, int code, const char *has)
{
	struct err err = {.code = 0};

	assert_int_equal(
	    keyfile_create(KEYFILE_SIGN_SECRET, path, bytes, &err), code);
	assert_int_equal(err.code, code);
	if (strstr(err.text, has) == NULL)
		fail_msg("no \"%s\" in: %s", has, err.text);
}

static void a_file_that_exists_is_never_overwritten(void **state)
{
	struct keys *k = *state;
	const char *path = keys_put(k, "k", "precious", 0640);
	char target[160];
	struct stat st;

	not_created(path, ERR_CONFIG, "never overwritten");
	keys_assert_file(path, "precious", 0640);
	assert_int_equal(truncate(path, 0), 0);
	not_created(path, ERR_CONFIG, "never overwritten");
	keys_assert_file(path, "", 0640);
	/* Nor through a link, be there something behind it or not. */
	(void)snprintf(target, sizeof target, "%s/target", k->dir);
	assert_int_equal(rename(path, target), 0);
	assert_int_equal(symlink("target", path), 0);
	not_created(path, ERR_CONFIG, "never overwritten");
	keys_assert_file(target, "", 0640);
	assert_int_equal(unlink(target), 0);
	not_created(path, ERR_CONFIG, "never overwritten");
	assert_int_equal(lstat(target, &st), -1);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkfifo(path, 0600), 0);
	not_created(path, ERR_CONFIG, "never overwritten");
	not_created(k->dir, ERR_CONFIG, "never overwritten");
	not_created("/", ERR_CONFIG, "");
}

static void a_key_that_cannot_be_created_is_an_error(void **state)
{
	struct keys *k = *state;
	char long_path[5000];
	char path[160];

	not_created(keys_path(k, "none/k"), ERR_CONFIG, strerror(ENOENT));
	not_created("", ERR_CONFIG, "");
	keys_put(k, "file", "", 0644);
	not_created(keys_path(k, "file/k"), ERR_CONFIG, strerror(ENOTDIR));
	(void)snprintf(path, sizeof path, "%s/", k->dir);
	not_created(path, ERR_CONFIG, "");
	memset(long_path, 'x', sizeof long_path - 1);
	long_path[sizeof long_path - 1] = '\0';
	not_created(long_path, ERR_CONFIG, "");
	long_path[4500] = '/';
	not_created(long_path, ERR_CONFIG, "");
	assert_int_equal(chmod(k->dir, 0555), 0);
	keys_drop(true);
	not_created(keys_path(k, "k"), ERR_PERM, strerror(EACCES));
	keys_drop(false);
}

/* Nothing is left behind, so that the next attempt may succeed. */
static void a_full_disk_leaves_no_key_file_behind(void **state)
{
	struct keys *k = *state;
	const char *path = keys_path(k, "k");
	struct rlimit before, none;
	struct stat st;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	none = before;
	none.rlim_cur = 10;
	assert_true(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
	not_created(path, ERR_IO, strerror(EFBIG));
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_int_equal(lstat(path, &st), -1);
	assert_int_equal(
	    keyfile_create(KEYFILE_SIGN_SECRET, path, bytes, NULL), 0);
	accepted(KEYFILE_SIGN_SECRET, path);
}

/* In the working directory, and by a bare name. */
static void a_key_is_created_by_a_bare_name_too(void **state)
{
	struct keys *k = *state;
	char before[4096];

	assert_non_null(getcwd(before, sizeof before));
	assert_int_equal(chdir(k->dir), 0);
	assert_int_equal(
	    keyfile_create(KEYFILE_SIGN_SECRET, "bare", bytes, NULL), 0);
	accepted(KEYFILE_SIGN_SECRET, "bare");
	assert_int_equal(
	    keyfile_create(KEYFILE_SIGN_PUBLIC, "./.pub", bytes, NULL), 0);
	assert_int_equal(chdir(before), 0);
	accepted(KEYFILE_SIGN_SECRET, keys_path(k, "bare"));
	accepted(KEYFILE_SIGN_PUBLIC, keys_path(k, ".pub"));
}

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, keys_setup, keys_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {TEST(the_text_of_a_key_is_wiped),
	    TEST(a_secret_key_open_to_others_is_refused),
	    TEST(a_secret_key_of_another_user_is_refused),
	    TEST(a_key_file_that_may_not_be_read_is_refused),
	    TEST(a_key_is_read_from_a_regular_file_alone),
	    TEST(a_terminal_that_is_no_key_is_not_acquired),
	    TEST(a_link_is_judged_by_the_key_it_leads_to),
	    TEST(a_key_file_beyond_4096_bytes_is_refused),
	    TEST(a_new_key_file_has_its_mode_whatever_the_umask),
	    TEST(a_file_that_exists_is_never_overwritten),
	    TEST(a_key_that_cannot_be_created_is_an_error),
	    TEST(a_full_disk_leaves_no_key_file_behind),
	    TEST(a_key_is_created_by_a_bare_name_too)};

	(void)alarm(60); /* a read that hangs ends the program */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
