/* SPDX-License-Identifier: Apache-2.0 */
/* A state file of any bytes is opened, or made anew; what is written to it then
 * is what the next one finds. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/slots.h"
#include "fuzz.h"

#define LEN 16

static int begin_anew(void *state, int why, const struct stat *old)
{
	(void)why;
	(void)old;
	memset(state, 'n', LEN);
	return 0;
}

static const struct slots_kind kind = {"FUZZSLOT", LEN, begin_anew};
static char folder[] = "/dev/shm/fuzz-slots-XXXXXX";
static char path[sizeof folder + 8];

static void remove_folder(void)
{
	(void)unlink(path);
	(void)rmdir(folder);
}

/* It has the same name in each run: a file that is made anew replaces it. */
static void put_file(const uint8_t *data, size_t len)
{
	int fd;

	if (path[0] == '\0') {
		FUZZ_CHECK(mkdtemp(folder) != NULL);
		(void)snprintf(path, sizeof path, "%s/state", folder);
		FUZZ_CHECK(atexit(remove_folder) == 0);
	}
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	FUZZ_CHECK(fd >= 0 && file_write(fd, data, len) == 0);
	(void)close(fd);
}

static void open_file(struct slots *s, uint8_t state[static LEN])
{
	struct err err = {0};

	FUZZ_CHECK(slots_open(s, path, &kind, state, 0, &err) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	uint8_t state[LEN], again[LEN];
	struct slots s;

	put_file(data, len);
	open_file(&s, state);
	slots_close(&s);
	open_file(&s, again);
	FUZZ_CHECK(s.began == 0 && memcmp(state, again, LEN) == 0);
	state[len % LEN] ^= 1;
	FUZZ_CHECK(slots_write(&s, state) == 0);
	slots_close(&s);
	open_file(&s, again);
	FUZZ_CHECK(s.began == 0 && memcmp(state, again, LEN) == 0);
	slots_close(&s);
	return 0;
}
