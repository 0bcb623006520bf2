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
