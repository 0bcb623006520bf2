/* SPDX-License-Identifier: Apache-2.0 */
/* The shared files, and who signs by them, by two profiles. */
#include <stdlib.h>
#include <string.h>

#include "aws/chain.h"
#include "base/err.h"
#include "fuzz.h"

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

static int load_nobody(
    void *ctx, struct cred *out, int64_t deadline, struct err *err)
{
	(void)ctx;
	(void)out;
	(void)deadline;
	return err_set(err, ERR_ABSENT, "no such service");
}

static void check_told(void *ctx, const char *source, int rc, const char *text)
{
	(void)ctx;
	(void)rc;
	FUZZ_CHECK(source[0] != '\0' && text[0] != '\0');
}

/* The way from the profile to who signs. */
static void explain(
    struct shared_files *f, struct cred_process *process, struct clock *clock)
{
	struct chain *chain = chain_new(&(struct chain_config){.clock = clock,
	    .files = f,
	    .process = process,
	    .region = "",
	    .metadata = {.name = "IMDS", .load = load_nobody}});
	const struct words *words;
	struct err err = {0};

	FUZZ_CHECK(chain != NULL);
	(void)chain_token_files(chain);
	if (chain_explain(chain, check_told, NULL, &err) != 0)
		FUZZ_CHECK(err.text[0] != '\0');
	if (cred_process_find(process, &words, &err) == 0)
		FUZZ_CHECK(words == NULL || words->n > 0);
	chain_free(chain);
}

static void load(const char *profile)
{
	struct clock clock = clock_system(NULL);
	struct shared_files *f = shared_files_new(profile);
	struct cred_process *process;

	FUZZ_CHECK(f != NULL);
	process = cred_process_new(f, &clock, false);
	FUZZ_CHECK(process != NULL);
	shared_files_read_ahead(f);
	read_all(f);
	explain(f, process, &clock);
	cred_process_free(process);
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
