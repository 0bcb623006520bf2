/* SPDX-License-Identifier: Apache-2.0 */
/* The shared credentials and configuration file, by two profiles. */
#include <stdlib.h>
#include <string.h>

#include "aws/cred_file.h"
#include "base/err.h"
#include "fuzz.h"

static void check_cred(const struct cred *c)
{
	FUZZ_CHECK(buf_len(c->access_key) > 0 && buf_len(c->secret_key) > 0);
	FUZZ_CHECK(strpbrk(buf_str(c->token), " \t\r\n") == NULL);
	FUZZ_CHECK(strpbrk(buf_str(c->secret_key), " \t\r\n") == NULL);
}

/* What is parsed lies within what was read, and is found again by its name. */
static void check_shared(const struct shared *s)
{
	const struct shared_text *t = shared_text_of(s, SHARED_CREDENTIALS);
	struct shared_item item = {0};
	size_t at = 0;

	while (shared_text_next(t, &at, &item)) {
		FUZZ_CHECK(at <= t->len && item.name[0] != '\0');
		/* A later one of the same key may have no such subkey. */
		if (item.subkey != NULL)
			(void)shared_get_nested(
			    s, item.kind, item.name, item.key, item.subkey);
		else if (item.key != NULL && item.kind == SHARED_PROFILE)
			FUZZ_CHECK(shared_get(s, item.name, item.key) != NULL);
		if (at > 4096)
			return; /* each look-up goes through all */
	}
}

static void read_all(struct shared_files *f)
{
	struct shared *s;
	struct err err = {0};

	if (shared_read(f, &s, &err) != 0) {
		FUZZ_CHECK(s == NULL && err.text[0] != '\0');
		return;
	}
	check_shared(s);
	shared_free(s);
}

static void load(const char *profile)
{
	struct shared_files *f = shared_files_new(profile);
	struct cred *c = cred_new();
	struct err err = {0};
	struct cred_source source;
	char region[16];
	int rc;

	FUZZ_CHECK(f != NULL && c != NULL);
	shared_files_read_ahead(f);
	read_all(f);
	source = cred_file_source(f);
	rc = source.load(source.ctx, c, 0, &err);
	if (rc == 0)
		check_cred(c);
	else
		FUZZ_CHECK(err.text[0] != '\0');
	if (cred_file_region(f, region, sizeof region) == 0)
		FUZZ_CHECK(memchr(region, '\0', sizeof region) != NULL);
	cred_free(c);
	shared_files_free(f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const char *path = fuzz_file(data, len);

	(void)setenv("AWS_SHARED_CREDENTIALS_FILE", path, 1);
	(void)setenv("AWS_CONFIG_FILE", path, 1);
	(void)unsetenv("AWS_PROFILE");
	load(NULL);
	load("one");
	return 0;
}
