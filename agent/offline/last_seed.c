/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/offline/last_seed.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "agent/offline/status.h"
#include "base/clock.h"
#include "base/file.h"

#define MAGIC "SQSESEED"

/* What the file holds. */
struct stored {
	char magic[8];
	struct last_seed seed;
};

/* True if only root or this user can have written the file, and all of it. */
static bool is_believable(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	       st.st_size == sizeof(struct stored) && file_is_ours(&st) &&
	       (st.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

static int64_t past_or_0(int64_t at, int64_t now)
{
	return at > 0 && at <= now ? at : 0;
}

void last_seed_read_again(struct last_seed *s, int fd)
{
	const int64_t now = clock_read(CLOCK_BOOTTIME);
	struct stored file;

	if (!is_believable(fd) ||
	    pread(fd, &file, sizeof file, 0) != (ssize_t)sizeof file ||
	    memcmp(file.magic, MAGIC, sizeof file.magic) != 0 ||
	    s->boot[0] == '\0' ||
	    memcmp(file.seed.boot, s->boot, sizeof s->boot) != 0)
		return;
	s->injected = past_or_0(file.seed.injected, now);
	s->credited = past_or_0(file.seed.credited, now);
	s->failed = past_or_0(file.seed.failed, now);
	s->waited = past_or_0(file.seed.waited, INT64_MAX);
	s->forked = past_or_0(file.seed.forked, now);
}

void last_seed_read(struct last_seed *s)
{
	char path[256];
	int fd;

	*s = (struct last_seed){.injected = 0};
	clock_boot(s->boot);
	(void)snprintf(
	    path, sizeof path, "%s/%s", status_directory(), LAST_SEED_NAME);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return;
	last_seed_read_again(s, fd);
	(void)close(fd);
}

int last_seed_write(const struct last_seed *s, int fd)
{
	const struct stored file = {.magic = MAGIC, .seed = *s};

	return pwrite(fd, &file, sizeof file, 0) == (ssize_t)sizeof file
		   ? 0
		   : ERR_IO;
}

int last_seed_forget(void)
{
	struct last_seed s = {.forked = clock_read(CLOCK_BOOTTIME)};
	const int fd = status_open(LAST_SEED_NAME);
	int rc;

	if (fd < 0)
		return ERR_IO;
	clock_boot(s.boot);
	rc = last_seed_write(&s, fd);
	(void)close(fd);
	return rc;
}

void last_seed_note(struct last_seed *s, int64_t now, bool credit)
{
	s->injected = now;
	if (credit)
		s->credited = now;
	s->failed = 0;
	s->waited = 0;
}

void last_seed_note_failure(struct last_seed *s, int64_t now, int64_t waited)
{
	s->failed = now;
	s->waited = waited;
}

int64_t last_seed_waited(const struct last_seed *s, int64_t now)
{
	if (s->failed <= 0 || s->failed > now ||
	    now - s->failed >= LAST_SEED_AGAIN_MS)
		return 0;
	return s->waited;
}

int64_t last_seed_age(const struct last_seed *s, bool credit, int64_t now)
{
	const int64_t at = credit ? s->credited : s->injected;

	return at > 0 && at <= now ? now - at : -1;
}

void last_seed_put(const struct last_seed *s, struct json_writer *w)
{
	json_put_string(w, "boot", s->boot);
	json_put_integer(w, "injected", s->injected);
	json_put_integer(w, "credited", s->credited);
	json_put_integer(w, "failed", s->failed);
	json_put_integer(w, "waited", s->waited);
	json_put_integer(w, "forked", s->forked);
}
