/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/conf.h"
#include "agent/offline/credit.h"
#include "agent/offline/status.h"
#include "aid/keys.h"
#include "base/file.h"
#include "base/limits.h"
#include "json/parse.h"

static struct err err;

static int setup(void **state)
{
	int rc = keys_setup(state);

	if (rc == 0)
		rc = setenv(
		    "RUNTIME_DIRECTORY", ((struct keys *)*state)->dir, 1);
	return rc;
}

static int teardown(void **state)
{
	(void)unsetenv("RUNTIME_DIRECTORY");
	return keys_teardown(state);
}

static struct verdict verdicts[LIMIT_BATCH];

static struct status sample(size_t n)
{
	struct status s = {.code = 0,
	    .time = 1795000000000,
	    .received = (uint32_t)n,
	    .bytes = 512 * n,
	    .credit = 256,
	    .fallback = 64,
	    .kernel = true,
	    .n = n,
	    .at = verdicts};

	for (size_t i = 0; i < n; i++)
		verdicts[i] = (struct verdict){.trust = CREDIT_SIGNED,
		    .producer = "pi",
		    .claim = {.key = {0xab, 0xcd},
			.seq = i + 1,
			.time = 1795000000001},
		    .bytes = 512,
		    .bits = 256};
	return s;
}

/* The document as it is written to an empty file; returns its length. */
static size_t document(const struct status *s, char text[static STATUS_MAX])
{
	int fd = memfd_create("status", MFD_CLOEXEC);
	size_t len;

	assert_true(fd >= 0);
	assert_int_equal(status_write(fd, s), 0);
	assert_int_equal(file_read_open(fd, text, STATUS_MAX, &len), 0);
	(void)close(fd);
	return len;
}

/* The document, parsed; the caller frees it. */
static struct json *formatted(const struct status *s)
{
	char text[STATUS_MAX];
	const size_t len = document(s, text);
	struct json *root = NULL;

	assert_int_equal(text[len - 1], '\n');
	assert_null(memchr(text, '\n', len - 1));
	assert_int_equal(json_parse(text, len, &root), 0);
	return root;
}

static int64_t number(const struct json *object, const char *key)
{
	int64_t n = -1;

	assert_int_equal(json_integer(json_get(object, key), &n), 0);
	return n;
}

static const char *text(const struct json *object, const char *key)
{
	return json_string(json_get(object, key));
}

static void a_run_is_written_as_json(void **state)
{
	const struct status s = sample(2);
	struct json *root = formatted(&s);
	const struct json *first = json_at(json_get(root, "messages"), 0);

	(void)state;
	assert_int_equal(number(root, "time"), 1795000000000);
	assert_int_equal(number(root, "exit"), 0);
	assert_string_equal(text(root, "result"), "done");
	assert_string_equal(text(root, "target"), "kernel");
	assert_int_equal(number(root, "received"), 2);
	assert_int_equal(number(root, "bytes"), 1024);
	assert_int_equal(number(root, "credit"), 256);
	assert_int_equal(number(root, "fallback"), 64);
	assert_int_equal(json_count(json_get(root, "messages")), 2);
	assert_string_equal(text(first, "producer"), "pi");
	assert_string_equal(text(first, "key"), "abcd000000000000");
	assert_int_equal(number(first, "seq"), 1);
	assert_int_equal(number(first, "time"), 1795000000001);
	assert_int_equal(number(first, "bits"), 256);
	assert_int_equal(json_count(json_get(first, "withheld")), 0);
	assert_null(json_get(first, "discarded"));
	json_free(root);
}

/* What a stranger claims is not shown as a fact. */
static void only_signed_claims_are_told(void **state)
{
	static const enum credit_trust trusts[] = {CREDIT_NO_SIGNATURE,
	    CREDIT_BAD_CLAIM, CREDIT_UNKNOWN_KEY, CREDIT_BAD_SIGNATURE};

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct status s = sample(1);
		struct json *root;
		const struct json *m;

		verdicts[0].trust = trusts[i];
		root = formatted(&s);
		m = json_at(json_get(root, "messages"), 0);
		assert_null(json_get(m, "producer"));
		assert_null(json_get(m, "key"));
		assert_null(json_get(m, "seq"));
		assert_null(json_get(m, "time"));
		json_free(root);
	}
}

/* A file may be named in any code. */
static void a_name_that_is_not_utf8_is_a_question_mark(void **state)
{
	struct status s = sample(1);
	struct json *root;

	(void)state;
	verdicts[0].producer = "caf\xe9";
	root = formatted(&s);
	assert_string_equal(
	    text(json_at(json_get(root, "messages"), 0), "producer"), "?");
	json_free(root);
}

static void each_reason_is_told_by_its_name(void **state)
{
	struct status s = sample(1);

	(void)state;
	for (unsigned withheld = 0; withheld < 1U << CREDIT_REASONS;
	     withheld++) {
		struct json *root;
		const struct json *list;
		size_t n = 0;

		verdicts[0].withheld = withheld;
		root = formatted(&s);
		list = json_get(
		    json_at(json_get(root, "messages"), 0), "withheld");
		for (unsigned k = 0; k < CREDIT_REASONS; k++)
			if ((withheld & 1U << k) != 0)
				assert_string_equal(
				    json_string(json_at(list, n++)),
				    credit_reason(k));
		assert_int_equal(json_count(list), n);
		json_free(root);
	}
}

/* A full batch with all reasons and the longest names and numbers. */
static void the_longest_document_fits(void **state)
{
	struct status s = sample(LIMIT_BATCH);
	char name[64], text[STATUS_MAX];

	(void)state;
	memset(name, '"', sizeof name - 1); /* each is escaped */
	name[sizeof name - 1] = '\0';
	s.code = ERR_UNSUPPORTED;
	s.received = UINT32_MAX;
	for (size_t i = 0; i < LIMIT_BATCH; i++) {
		verdicts[i].producer = name;
		verdicts[i].claim.seq = INT64_MAX;
		verdicts[i].claim.time = INT64_MAX;
		verdicts[i].bits = UINT32_MAX;
		verdicts[i].withheld = (1U << CREDIT_REASONS) - 1;
		verdicts[i].discarded = "sealed for somebody else";
	}
	assert_true(document(&s, text) < STATUS_MAX / 2);
}

static void assert_written(const char *path, const struct status *s)
{
	char data[STATUS_MAX], expected[STATUS_MAX];
	size_t len;

	assert_int_equal(file_read(path, data, sizeof data, &len), 0);
	assert_int_equal(len, document(s, expected));
	assert_memory_equal(data, expected, len);
}

static void the_file_is_replaced(void **state)
{
	struct keys *k = *state;
	static const size_t counts[] = {1, 10, 0, 3, 3, 10, 1};
	struct stat st;
	int fd = status_open(STATUS_NAME);

	assert_true(fd >= 0);
	for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
		const struct status s = sample(counts[i]);

		assert_int_equal(status_write(fd, &s), 0);
		assert_written(keys_path(k, STATUS_NAME), &s);
	}
	assert_int_equal(close(fd), 0);
	assert_int_equal(stat(k->path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0644);
}

/* Another run has the same file open: the last one to end is told. */
static void of_two_runs_the_last_one_to_end_is_told(void **state)
{
	struct keys *k = *state;
	const struct status first = sample(10), second = sample(1);
	int a = status_open(STATUS_NAME), b = status_open(STATUS_NAME);

	assert_true(a >= 0 && b >= 0);
	assert_int_equal(status_write(a, &first), 0);
	assert_int_equal(status_write(b, &second), 0);
	assert_written(keys_path(k, STATUS_NAME), &second);
	(void)close(a);
	(void)close(b);
}

/* A run that ends before it writes leaves what was told before. */
static void opening_changes_nothing(void **state)
{
	struct keys *k = *state;
	const struct status s = sample(3);
	int fd = status_open(STATUS_NAME);

	assert_int_equal(status_write(fd, &s), 0);
	(void)close(fd);
	(void)close(status_open(STATUS_NAME));
	assert_written(keys_path(k, STATUS_NAME), &s);
}

static void the_mode_is_whatever_the_umask_is_not(void **state)
{
	struct keys *k = *state;
	const mode_t old = umask(0777);
	struct stat st;
	int fd = status_open(STATUS_NAME);

	(void)umask(old);
	assert_true(fd >= 0);
	(void)close(fd);
	assert_int_equal(stat(keys_path(k, STATUS_NAME), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0644);
}

static void a_status_file_is_no_link_and_no_directory(void **state)
{
	struct keys *k = *state;
	char target[160];

	(void)snprintf(target, sizeof target, "%s/target", k->dir);
	assert_int_equal(symlink(target, keys_path(k, STATUS_NAME)), 0);
	assert_int_equal(status_open(STATUS_NAME), -1);
	assert_int_not_equal(access(target, F_OK), 0);
	assert_int_equal(unlink(k->path), 0);
	assert_int_equal(mkdir(k->path, 0700), 0);
	assert_int_equal(status_open(STATUS_NAME), -1);
	assert_int_equal(setenv("RUNTIME_DIRECTORY", "/nonexistent/x", 1), 0);
	assert_int_equal(status_open(STATUS_NAME), -1);
	/* A relative name is nobody's promise. */
	assert_int_equal(setenv("RUNTIME_DIRECTORY", "relative", 1), 0);
	assert_string_equal(status_directory(), STATUS_DIRECTORY);
	assert_int_equal(unsetenv("RUNTIME_DIRECTORY"), 0);
	assert_string_equal(status_directory(), STATUS_DIRECTORY);
}

/* ---- --status */

/* What status_print() says on standard output. */
static int printed(bool json, char *out, size_t size)
{
	static struct conf conf;
	char path[] = "/tmp/test_status.XXXXXX";
	int saved, fd = mkstemp(path);
	ssize_t n;
	int rc;

	assert_true(fd >= 0);
	assert_int_equal(unlink(path), 0);
	(void)fflush(stdout);
	saved = dup(STDOUT_FILENO);
	assert_true(dup2(fd, STDOUT_FILENO) >= 0);
	memset(&err, 0, sizeof err);
	conf.json = json;
	rc = status_print(&conf, &err);
	(void)fflush(stdout);
	assert_true(dup2(saved, STDOUT_FILENO) >= 0);
	n = pread(fd, out, size - 1, 0);
	assert_true(n >= 0);
	out[n] = '\0';
	(void)close(saved);
	(void)close(fd);
	return rc;
}

static void the_last_run_is_printed_for_people(void **state)
{
	struct status s = sample(3);
	char out[4096];
	int fd = status_open(STATUS_NAME);

	(void)state;
	verdicts[1].trust = CREDIT_BAD_SIGNATURE;
	verdicts[1].bits = 0;
	verdicts[1].withheld = CREDIT_SIGNATURE_BAD | CREDIT_SEEN;
	verdicts[2].bytes = verdicts[2].bits = 0;
	verdicts[2].discarded = "sealed for somebody else";
	assert_int_equal(status_write(fd, &s), 0);
	(void)close(fd);
	assert_int_equal(printed(false, out, sizeof out), 0);
	assert_string_equal(out,
	    "last run: 2026-11-18T11:06:40Z, done (exit 0)\n"
	    "1536 bytes into the kernel, credit 256 bits, 3 messages "
	    "received\n"
	    "  512 bytes, 256 bits, from pi, number 1\n"
	    "  512 bytes, 0 bits, no credit: bad signature, used before\n"
	    "  0 bytes, 0 bits, from pi, number 3, discarded: sealed for "
	    "somebody else\n"
	    "  64 bytes of KMS in place of a message, 0 bits: no producer "
	    "signed them\n");
	assert_int_equal(printed(true, out, sizeof out), 0);
	assert_int_equal(out[0], '{');
	assert_int_equal(out[strlen(out) - 1], '\n');
}

static void without_a_run_or_a_document_nothing_is_printed(void **state)
{
	static const char *const bad[] = {
	    "", "{", "[]", "null", "text", "{\"messages\": ", "{}{}"};
	struct keys *k = *state;
	char out[4096];

	assert_int_equal(printed(false, out, sizeof out), ERR_EMPTY);
	assert_non_null(strstr(err.text, STATUS_NAME));
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		(void)keys_put(k, STATUS_NAME, bad[i], 0644);
		assert_int_not_equal(printed(i % 2, out, sizeof out), 0);
		assert_string_equal(out, "");
		assert_int_not_equal(err.text[0], '\0');
	}
}

/* Whoever wrote it: nothing is printed that is not there. */
static void values_of_other_kinds_are_not_printed(void **state)
{
	static const char *const odd[] = {"{}", "{\"time\": \"x\"}",
	    "{\"time\": 9223372036854775807}", "{\"messages\": 1}",
	    "{\"messages\": [1, null, \"x\", [], {}]}",
	    "{\"messages\": [{\"withheld\": 1}]}",
	    "{\"messages\": [{\"withheld\": [1, null, {}]}]}",
	    "{\"result\": null, \"target\": 5}"};
	struct keys *k = *state;
	char out[4096];

	for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++) {
		(void)keys_put(k, STATUS_NAME, odd[i], 0644);
		assert_int_equal(printed(false, out, sizeof out), 0);
		assert_null(strstr(out, "(null)"));
	}
}

static void what_is_known_of_the_boot_is_written(void **state)
{
	struct status s = sample(1);
	struct json *root;

	(void)state;
	s.last_seed = (struct last_seed){"id", 1, 2, 3, 4, 5};
	root = formatted(&s);
	assert_string_equal(text(root, "boot"), "id");
	assert_int_equal(number(root, "injected"), 1);
	assert_int_equal(number(root, "credited"), 2);
	assert_int_equal(number(root, "failed"), 3);
	assert_int_equal(number(root, "waited"), 4);
	assert_int_equal(number(root, "forked"), 5);
	json_free(root);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    T(a_run_is_written_as_json),
	    T(what_is_known_of_the_boot_is_written),
	    T(only_signed_claims_are_told),
	    T(a_name_that_is_not_utf8_is_a_question_mark),
	    T(each_reason_is_told_by_its_name),
	    T(the_longest_document_fits),
	    T(the_file_is_replaced),
	    T(of_two_runs_the_last_one_to_end_is_told),
	    T(opening_changes_nothing),
	    T(the_mode_is_whatever_the_umask_is_not),
	    T(a_status_file_is_no_link_and_no_directory),
	    T(the_last_run_is_printed_for_people),
	    T(without_a_run_or_a_document_nothing_is_printed),
	    T(values_of_other_kinds_are_not_printed),
	};

	return cmocka_run_group_tests_name("agent status", tests, NULL, NULL);
}
