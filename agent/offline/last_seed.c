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
#include "json/parse.h"

#define BOOT_ID "/proc/sys/kernel/random/boot_id"

int64_t last_seed_now(void)
{
	return clock_read(CLOCK_BOOTTIME);
}

static void read_boot(char boot[static LAST_SEED_BOOT_MAX])
{
	size_t len;

	if (file_read(BOOT_ID, boot, LAST_SEED_BOOT_MAX - 1, &len) != 0)
		len = 0;
	boot[len] = '\0';
	boot[strcspn(boot, "\n")] = '\0';
}

/* Whether it is a file that root or this user alone can write. */
static bool is_believable(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	       file_is_ours(&st) && (st.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

/* The status file; NULL when there is none to believe. */
static struct json *read_status(void)
{
	char path[256], text[STATUS_MAX];
	struct json *root = NULL;
	int fd, rc = ERR_ABSENT;
	size_t len;

	(void)snprintf(
	    path, sizeof path, "%s/%s", status_directory(), STATUS_NAME);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return NULL;
	if (is_believable(fd))
		rc = file_read_open(fd, text, sizeof text, &len);
	(void)close(fd);
	if (rc != 0 || json_parse(text, len, &root) != 0)
		return NULL;
	return root;
}

static int64_t time_of(const struct json *root, const char *key, int64_t now)
{
	int64_t at;

	if (json_integer(json_get(root, key), &at) != 0 || at <= 0 || at > now)
		return 0;
	return at;
}

void last_seed_read(struct last_seed *s)
{
	const int64_t now = last_seed_now();
	struct json *root = read_status();
	const char *boot = json_string(json_get(root, "boot"));

	*s = (struct last_seed){.injected = 0};
	read_boot(s->boot);
	if (boot != NULL && s->boot[0] != '\0' && strcmp(boot, s->boot) == 0) {
		s->injected = time_of(root, "injected", now);
		s->credited = time_of(root, "credited", now);
		s->failed = time_of(root, "failed", now);
		s->waited = time_of(root, "waited", INT64_MAX);
	}
	json_free(root);
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
	json_key(w, "boot");
	json_put_string(w, s->boot);
	json_key(w, "injected");
	json_put_integer(w, s->injected);
	json_key(w, "credited");
	json_put_integer(w, s->credited);
	json_key(w, "failed");
	json_put_integer(w, s->failed);
	json_key(w, "waited");
	json_put_integer(w, s->waited);
}
