/* SPDX-License-Identifier: Apache-2.0 */
#include "producer/offline/blocks.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/log.h"
#include "message/message.h"

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

/* Two names may lead to one device at the start, or after a change. */
static int refuse_same(const struct blocks *b, size_t which, struct err *err)
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
	return refuse_same(b, b->n - 1, err);
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

static int refuse_dead(const struct blocks *b, size_t i, struct err *err)
{
	return err_set(err, ERR_SOURCE,
	    "%s has failed its health tests %d times in a row: %s; nothing of "
	    "it is used: check or replace the hardware",
	    b->sources[i].path, HEALTH_FAILURES, health_explain(b->health[i]));
}

/* A block has failed: 0 to try another one, ERR_SOURCE to give up. */
static int discard_block(
    struct blocks *b, size_t i, const struct pace *pace, struct err *err)
{
	const char *why = health_explain(b->health[i]);
	struct blocks_seen *seen = &b->seen[i];

	seen->discarded++;
	seen->failed_at = clock_mono(pace->clock);
	if (health_is_dead(b->health[i]))
		return refuse_dead(b, i, err);
	if (trouble_is_new(&seen->failing, why, seen->failed_at))
		log_warning(
		    "%s: %s; the block is discarded", b->sources[i].path, why);
	else
		log_info("%s: %s; the block is discarded, too",
		    b->sources[i].path, why);
	return 0;
}

/* A good block follows most bad ones, and says little. */
static void report_calm(struct blocks *b, size_t i, const struct pace *pace)
{
	struct blocks_seen *seen = &b->seen[i];
	const int64_t now = clock_mono(pace->clock);
	char lasted[TROUBLE_TIME_MAX];
	int64_t ms;

	if (!seen->failing.on || now - seen->failed_at < BLOCKS_CALM_MS ||
	    !trouble_is_over(&seen->failing, seen->failed_at, &ms))
		return;
	trouble_say_time(lasted, ms);
	log_notice("%s: passes its tests again; it failed now and then for %s",
	    b->sources[i].path, lasted);
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

/* What one source is at while all are read side by side. */
struct part {
	uint8_t *out; /* room for len bytes */
	size_t len;
	bool start_only; /* no block is wanted */
	bool starts;     /* these are samples of the start-up test, not used */
	bool aside;      /* it was left out before: others do not wait for it */
	bool others;     /* ... and there are others */
	bool done;
	bool failed; /* as why says, or it is not to be tried yet */
	struct err why;
	struct gathering gathering;
};

/* Go on with what is left of the start-up test, or else with the block. */
static void begin_part(
    struct part *part, const struct health *h, const struct clock *clock)
{
	const size_t left = h->startup;

	part->starts = left > 0;
	part->done = !part->starts && part->start_only;
	source_begin(&part->gathering, clock, part->out,
	    part->starts && left < part->len ? left : part->len);
}

/* Those that were left out are tried in their time beside the others, and at
 * once when there are no others. */
static void begin_parts(
    struct blocks *b, struct part *parts, const struct clock *clock)
{
	const int64_t now = clock_mono(clock);
	bool any = false;

	for (size_t i = 0; i < b->n; i++)
		any = any || !b->seen[i].out;
	for (size_t i = 0; i < b->n; i++) {
		const struct blocks_seen *seen = &b->seen[i];

		parts[i].aside = seen->out;
		parts[i].others = any && seen->out;
		parts[i].failed = health_is_dead(b->health[i]) ||
				  (parts[i].others && now < seen->retry_at);
		begin_part(&parts[i], b->health[i], clock);
	}
}

/* To be tried again in ms. */
static void leave_out(struct blocks *b, size_t i, struct part *part,
    const struct pace *pace, int64_t ms)
{
	part->failed = true;
	b->seen[i].out = true;
	b->seen[i].retry_at = clock_mono(pace->clock) + ms;
}

/* It has passed its start-up test since it was left out. */
static void count_again(struct blocks *b, size_t i, int64_t now)
{
	struct blocks_seen *seen = &b->seen[i];
	char lasted[TROUBLE_TIME_MAX];
	int64_t ms;

	seen->out = false;
	if (!trouble_is_over(&seen->missing, now, &ms))
		return;
	trouble_say_time(lasted, ms);
	log_notice("%s: has passed its start-up test, and counts again after "
		   "%s",
	    b->sources[i].path, lasted);
}

/* Test the bytes of a part. */
static int test_part(
    struct blocks *b, size_t i, struct part *part, const struct pace *pace)
{
	const struct gathering *g = &part->gathering;
	const bool good =
	    health_feed(b->health[i], g->data, g->have) == HEALTH_GOOD;

	b->seen[i].bytes += g->have;
	b->seen[i].busy += g->last - g->begun;
	if (!good) {
		const int rc = discard_block(b, i, pace, &part->why);

		if (rc != 0)
			return rc;
	}
	part->done = good && !part->starts;
	if (part->done) {
		health_passed(b->health[i]);
		report_calm(b, i, pace);
		return 0;
	}
	begin_part(part, b->health[i], pace->clock);
	if (!part->starts && b->seen[i].out)
		count_again(b, i, clock_mono(pace->clock));
	return 0;
}

/* One look at a source.  What is left out gets its start-up test by as many
 * bytes as it gives, because the others do not wait for more. */
static int look_at_one(struct blocks *b, size_t i, struct part *part,
    const struct pace *pace, size_t *got)
{
	struct gathering *g = &part->gathering;
	const bool opened = g->again;
	int rc = source_go_on(&b->sources[i], g, pace->clock, got, &part->why);

	if (rc == 0 && g->again && !opened) {
		rc = refuse_same(b, i, &part->why);
		if (rc != 0)
			source_close(&b->sources[i]);
	}
	if (rc != 0)
		return rc;
	/* That of the read before it was opened again. */
	part->why.code = 0;
	if (g->anew) {
		health_restart(b->health[i]);
		begin_part(part, b->health[i], pace->clock);
	} else if (g->have == g->len ||
		   (part->aside && part->starts && *got > 0)) {
		rc = test_part(b, i, part, pace);
	}
	return rc;
}

/* Look at each source that is not done.  True if one had bytes. */
static bool look_at_all(
    struct blocks *b, struct part *parts, const struct pace *pace)
{
	bool came = false;

	for (size_t i = 0; i < b->n; i++) {
		struct part *part = &parts[i];
		size_t got = 0;

		if (part->done || part->failed)
			continue;
		if (look_at_one(b, i, part, pace, &got) != 0) {
			health_restart(b->health[i]);
			leave_out(b, i, part, pace, BLOCKS_RETRY_MS);
		} else if (part->others && b->sources[i].slept) {
			leave_out(b, i, part, pace, BLOCKS_SLOW_MS);
		}
		came = came || got > 0;
	}
	return came;
}

/* True if no block can be made yet. */
static bool are_waited_for(const struct part *parts, size_t n)
{
	size_t done = 0, left = 0, aside = 0;

	for (size_t i = 0; i < n; i++) {
		done += parts[i].done ? 1 : 0;
		left += !parts[i].done && !parts[i].failed ? 1 : 0;
		aside += !parts[i].done && !parts[i].failed && parts[i].aside
			     ? 1
			     : 0;
	}
	return done > 0 ? left > aside : left > 0;
}

/* Say once of each why the others go on without it, or of all but one, which
 * the caller is told of, why there is no block. */
static void report_missing(struct blocks *b, const struct part *parts,
    const struct part *told, int64_t now)
{
	for (size_t i = 0; i < b->n; i++) {
		const char *why = parts[i].why.text;

		if (!parts[i].failed || parts[i].why.code == 0 ||
		    &parts[i] == told)
			continue;
		if (!trouble_is_new(&b->seen[i].missing, why, now))
			log_info("still: %s", why);
		else if (told == NULL)
			log_warning(
			    "%s; the other sources go on without it", why);
		else
			log_warning("%s", why);
	}
}

/* The part whose failure is that of all; NULL: each has failed for good, and it
 * was told before. */
static const struct part *find_failure(
    const struct blocks *b, const struct part *parts)
{
	const bool last = blocks_end(b, true) == ERR_SOURCE;
	const struct part *found = NULL;

	for (size_t i = 0; i < b->n; i++)
		if (parts[i].why.code != 0 &&
		    (found == NULL ||
			(last && parts[i].why.code == ERR_SOURCE)))
			found = &parts[i];
	return found;
}

static int judge_parts(struct blocks *b, const struct part *parts,
    const struct pace *pace, struct err *err)
{
	const struct part *told;
	bool any = false;

	for (size_t i = 0; i < b->n; i++)
		any = any || parts[i].done;
	told = any ? NULL : find_failure(b, parts);
	report_missing(b, parts, told, clock_mono(pace->clock));
	if (any)
		return 0;
	if (told == NULL)
		return refuse_dead(b, 0, err);
	*err = told->why;
	return err->code;
}

/* The sources are read side by side, so that all take as long as the slowest.
 */
static int read_parts(struct blocks *b, struct part *parts,
    const struct pace *pace, struct err *err)
{
	int rc = 0;

	begin_parts(b, parts, pace->clock);
	source_hurry(true);
	while (rc == 0) {
		const bool came = look_at_all(b, parts, pace);

		/* The caller looks for a stop between two answers. */
		if (!are_waited_for(parts, b->n))
			break;
		rc = source_pause(pace, came, err);
	}
	source_hurry(false);
	return rc == 0 ? judge_parts(b, parts, pace, err) : rc;
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
	rc = read_parts(b, parts, pace, err);
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
	rc = read_parts(b, parts, pace, err);
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
