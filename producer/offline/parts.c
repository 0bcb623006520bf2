/* SPDX-License-Identifier: Apache-2.0 */
#include "producer/offline/parts.h"

#include "base/log.h"

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

/* Sources that were left out are tried in their time beside the others, and at
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

/* Go on without source i, and try it again in ms. */
static void leave_out(struct blocks *b, size_t i, struct part *part,
    const struct pace *pace, int64_t ms)
{
	part->failed = true;
	b->seen[i].out = true;
	b->seen[i].retry_at = clock_mono(pace->clock) + ms;
}

/* Source i has passed its start-up test since it was left out. */
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
		rc = blocks_refuse_same(b, i, &part->why);
		if (rc != 0)
			source_close(&b->sources[i]);
	}
	if (rc != 0)
		return rc;
	/* why may still tell of the read after which the source was opened
	 * again. */
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

/* Say once of each source that failed why.  If told is not NULL no source gave
 * a block, and the failure of that part is for the caller to log. */
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

/* No source gave a block: the part whose failure is returned.  NULL: each
 * source has failed for good, and that was logged before. */
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
int parts_read(struct blocks *b, struct part *parts, const struct pace *pace,
    struct err *err)
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
