/* SPDX-License-Identifier: Apache-2.0 */
#include "producer/offline/blocks.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "producer/offline/parts.h"

static bool is_same_file(const struct stat *x, const struct stat *y)
{
	if (S_ISCHR(x->st_mode) && S_ISCHR(y->st_mode))
		return x->st_rdev == y->st_rdev;
	return x->st_dev == y->st_dev && x->st_ino == y->st_ino;
}

static bool is_same_source(const struct source *a, const struct source *b)
{
	struct stat x, y;

	return fstat(a->fd, &x) != 0 || fstat(b->fd, &y) != 0 ||
	       is_same_file(&x, &y);
}

static int refuse_twice(const char *one, const char *other, struct err *err)
{
	return err_set(err, ERR_CONFIG,
	    "device: %s and %s are one source, whose bytes would cancel: name "
	    "it once",
	    one, other);
}

static int refuse_more(struct err *err)
{
	return err_set(
	    err, ERR_CONFIG, "device: at most %d sources", BLOCKS_SOURCES_MAX);
}

/* The next name of a list, which is taken apart; NULL behind the last one. */
static const char *next_path(char **rest)
{
	char *path = strsep(rest, ",");

	if (path == NULL)
		return NULL;
	path += strspn(path, " \t");
	path[strcspn(path, " \t")] = '\0';
	return path;
}

static void close_one(struct blocks *b, size_t i)
{
	source_close(&b->sources[i]);
	buf_free(b->space[i]);
}

int blocks_refuse_same(const struct blocks *b, size_t which, struct err *err)
{
	const struct source *s = &b->sources[which];

	for (size_t i = 0; i < b->n && s->fd >= 0; i++)
		if (i != which && b->sources[i].fd >= 0 &&
		    is_same_source(&b->sources[i], s))
			return refuse_twice(b->sources[i].path, s->path, err);
	return 0;
}

static int add_device(struct blocks *b, const char *path, double bits_per_byte,
    size_t len, struct err *err)
{
	struct source *s = &b->sources[b->n];
	uint8_t *p = NULL;
	int rc;

	if (b->n == BLOCKS_SOURCES_MAX)
		return refuse_more(err);
	rc = source_open(s, path, err);
	if (rc == ERR_CONFIG)
		return rc;
	s->awaited = true;
	s->failed = b->seen[b->n].out = rc != 0;
	b->space[b->n] = buf_new_zero(sizeof(struct health), &p);
	b->health[b->n] = (struct health *)(void *)p;
	b->n++;
	if (p == NULL)
		return err_set(err, ERR_NOMEM, "%s", err_text(ERR_NOMEM));
	health_init(b->health[b->n - 1], bits_per_byte, len);
	return blocks_refuse_same(b, b->n - 1, err);
}

static int refuse_empty(struct err *err)
{
	return err_set(err, ERR_CONFIG, "device: a name in the list is empty");
}

int blocks_open(struct blocks *b, const char *devices, double bits_per_byte,
    size_t len, struct err *err)
{
	const char *path;
	char *rest;
	struct err first = {0};
	bool any = false;
	int rc = 0;

	*b = (struct blocks){.paths = strdup(devices)};
	if (b->paths == NULL)
		return err_set(err, ERR_NOMEM, "out of memory");
	rest = b->paths;
	while (rc == 0 && (path = next_path(&rest)) != NULL) {
		rc = path[0] == '\0'
			 ? refuse_empty(err)
			 : add_device(b, path, bits_per_byte, len, err);
		any = any || (rc == 0 && !b->seen[b->n - 1].out);
		if (first.code == 0)
			first = *err;
	}
	if (rc == 0 && !any) {
		*err = first;
		rc = err->code;
	} else if (rc == 0) {
		*err = (struct err){.code = 0};
	}
	if (rc != 0)
		blocks_close(b);
	return rc;
}

/* What the names of a list lead to. */
struct looks {
	size_t n;
	struct look {
		const char *path;
		bool there;
		struct stat st;
	} at[BLOCKS_SOURCES_MAX];
};

/* What is not there, or not to be seen by this user, may be when it counts. */
static int look_at_source(struct looks *all, const char *path, struct err *err)
{
	struct look *look = &all->at[all->n];
	struct err why = {0};
	int rc;

	if (path[0] == '\0')
		return refuse_empty(err);
	if (all->n == BLOCKS_SOURCES_MAX)
		return refuse_more(err);
	rc = source_look(path, &look->st, &why);
	if (rc == ERR_CONFIG) {
		*err = why;
		return rc;
	}
	look->path = path;
	look->there = rc == 0;
	for (size_t i = 0; look->there && i < all->n; i++)
		if (all->at[i].there && is_same_file(&all->at[i].st, &look->st))
			return refuse_twice(all->at[i].path, path, err);
	all->n++;
	return 0;
}

int blocks_check(const char *devices, struct err *err)
{
	char *const paths = strdup(devices);
	char *rest = paths;
	struct looks all = {.n = 0};
	const char *path;
	int rc = 0;

	if (paths == NULL)
		return err_set(err, ERR_NOMEM, "out of memory");
	while (rc == 0 && (path = next_path(&rest)) != NULL)
		rc = look_at_source(&all, path, err);
	free(paths);
	return rc;
}

void blocks_close(struct blocks *b)
{
	for (size_t i = 0; i < b->n; i++)
		close_one(b, i);
	free(b->paths);
	*b = (struct blocks){.n = 0};
}

int blocks_end(const struct blocks *b, bool service)
{
	bool dead = false;

	for (size_t i = 0; i < b->n; i++) {
		const struct source *s = &b->sources[i];

		if (health_is_dead(b->health[i]))
			dead = true;
		else if (!s->lost && !(service && s->gone))
			return 0;
	}
	return dead ? ERR_SOURCE : ERR_ABSENT;
}

int blocks_start(struct blocks *b, const struct pace *pace, struct err *err)
{
	struct part parts[BLOCKS_SOURCES_MAX];
	uint8_t *p;
	struct buf *space = buf_new_zero(b->n * HEALTH_STARTUP, &p);
	int rc;

	if (space == NULL)
		return err_set(err, ERR_NOMEM, "%s", err_text(ERR_NOMEM));
	for (size_t i = 0; i < b->n; i++)
		parts[i] = (struct part){.out = p + i * HEALTH_STARTUP,
		    .len = HEALTH_STARTUP,
		    .start_only = true};
	rc = parts_read(b, parts, pace, err);
	buf_free(space);
	return rc;
}

void blocks_combine(
    uint8_t *out, const uint8_t *const in[], size_t n, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		/* Stored last: out may be one of the blocks. */
		uint8_t byte = 0;

		for (size_t k = 0; k < n; k++)
			byte ^= in[k][i];
		out[i] = byte;
	}
}

int blocks_make(struct blocks *b, const struct pace *pace, uint8_t *out,
    size_t len, struct err *err)
{
	const uint8_t *blocks[BLOCKS_SOURCES_MAX] = {out};
	struct part parts[BLOCKS_SOURCES_MAX];
	uint8_t *p;
	struct buf *space = buf_new_zero((b->n - 1) * len, &p);
	size_t n = 0;
	int rc;

	if (space == NULL)
		return err_set(err, ERR_NOMEM, "%s", err_text(ERR_NOMEM));
	for (size_t i = 0; i < b->n; i++)
		/* The first one needs no other place. */
		parts[i] = (struct part){
		    .out = i == 0 ? out : p + (i - 1) * len, .len = len};
	rc = parts_read(b, parts, pace, err);
	for (size_t i = 0; rc == 0 && i < b->n; i++)
		if (parts[i].done)
			blocks[n++] = parts[i].out;
	if (rc != 0)
		explicit_bzero(out, len);
	else if (n > 1 || blocks[0] != out)
		blocks_combine(out, blocks, n, len);
	buf_free(space);
	return rc;
}
