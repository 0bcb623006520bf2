/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/fleet/queue.h"

#include <err.h>
#include <stdlib.h>
#include <string.h>

#define FIFO_CALLS 300.0 /* a second, of each action */

static void draw_late(struct queue *q)
{
	for (size_t i = 0; i < QUEUE_SERVERS; i++)
		q->late[i] = random_below(&q->chance, q->settings.late_ms + 1);
}

void queue_init(struct queue *q, const struct queue_settings *settings,
    struct random chance, int64_t n)
{
	*q = (struct queue){.settings = *settings,
	    .chance = chance,
	    .visible = n,
	    .peak = n,
	    .dry_since = n > 0 ? -1 : 0,
	    .first_dry = n > 0 ? -1 : 0};
	q->past = calloc(QUEUE_STEPS, sizeof *q->past);
	if (q->past == NULL)
		err(1, NULL);
	for (int64_t k = 0; k < n; k++)
		q->at[k % QUEUE_SERVERS].visible++;
	for (size_t k = 0; k < QUEUE_STEPS; k++)
		memcpy(q->past[k], q->at, sizeof q->at);
	for (size_t k = 0; k < QUEUE_LIMITED; k++)
		q->calls[k] = FIFO_CALLS;
	draw_late(q);
}

void queue_free(struct queue *q)
{
	free(q->past);
	free(q->waiting);
}

/* Before anything changes: what was true since the last change is the past. */
static void remember(struct queue *q, int64_t now)
{
	const int64_t step = now / QUEUE_STEP_MS;

	if (step - q->step > QUEUE_STEPS)
		q->step = step - QUEUE_STEPS;
	while (q->step < step)
		memcpy(q->past[++q->step % QUEUE_STEPS], q->at, sizeof q->at);
}

static void note_visible(struct queue *q, int64_t now, int64_t more)
{
	q->visible += more;
	if (q->visible > q->peak)
		q->peak = q->visible;
	if (q->visible == 0 && q->dry_since < 0) {
		q->dry_since = now;
		if (q->first_dry < 0)
			q->first_dry = now;
	} else if (q->visible > 0 && q->dry_since >= 0) {
		q->dry_ms += now - q->dry_since;
		q->dry_since = -1;
	}
}

void queue_end(struct queue *q, int64_t now)
{
	if (q->dry_since >= 0)
		q->dry_ms += now - q->dry_since;
}

/* What a server knows that is so late, and not a moment later than that. */
static const struct queue_part *recall(
    const struct queue *q, int64_t now, int64_t late)
{
	const int64_t step = (now - late) / QUEUE_STEP_MS + 1;

	if (step > q->step)
		return q->at;
	return q->past[(step > 0 ? step : 0) % QUEUE_STEPS];
}

static void add_up(
    const struct queue_part *parts, int64_t *visible, int64_t *in_flight)
{
	*visible = 0;
	*in_flight = 0;
	for (size_t i = 0; i < QUEUE_SERVERS; i++) {
		*visible += parts[i].visible;
		*in_flight += parts[i].in_flight;
	}
}

void queue_tell(
    struct queue *q, int64_t now, int64_t *visible, int64_t *in_flight)
{
	const int64_t one = random_below(&q->chance, QUEUE_SERVERS);
	struct queue_part parts[QUEUE_SERVERS];

	remember(q, now);
	if (q->settings.drawn)
		draw_late(q);
	if (q->settings.counts == QUEUE_EXACT)
		memcpy(parts, q->at, sizeof parts);
	else if (q->settings.counts == QUEUE_ONE)
		memcpy(parts, recall(q, now, q->late[one]), sizeof parts);
	else
		for (size_t i = 0; i < QUEUE_SERVERS; i++)
			parts[i] = recall(q, now, q->late[i])[i];
	add_up(parts, visible, in_flight);
}

void queue_add(struct queue *q, int64_t now)
{
	const int64_t server = random_below(&q->chance, QUEUE_SERVERS);

	remember(q, now);
	q->at[server].visible++;
	note_visible(q, now, 1);
}

void queue_return(struct queue *q, int64_t now, int server)
{
	remember(q, now);
	q->in_flight--;
	q->at[server].in_flight--;
	q->at[server].visible++;
	q->again[server]++;
	note_visible(q, now, 1);
}

/* Each message is as likely as any other. */
int queue_take(struct queue *q, int64_t now, bool *again)
{
	int64_t k;
	int server = 0;

	if (q->visible == 0)
		return -1;
	remember(q, now);
	k = random_below(&q->chance, q->visible);
	while (k >= q->at[server].visible)
		k -= q->at[server++].visible;
	*again = k < q->again[server];
	if (*again)
		q->again[server]--;
	q->at[server].visible--;
	q->at[server].in_flight++;
	q->in_flight++;
	note_visible(q, now, -1);
	return server;
}

void queue_delete(struct queue *q, int64_t now, int server)
{
	remember(q, now);
	q->in_flight--;
	q->at[server].in_flight--;
}

bool queue_accepts(struct queue *q, int64_t now, enum queue_limited kind)
{
	double *calls = &q->calls[kind];

	if (!q->settings.fifo)
		return true;
	*calls += FIFO_CALLS * (double)(now - q->filled[kind]) / 1000;
	if (*calls > FIFO_CALLS)
		*calls = FIFO_CALLS;
	q->filled[kind] = now;
	if (*calls < 1)
		return false;
	*calls -= 1;
	return true;
}

void queue_wait(struct queue *q, uint32_t agent)
{
	if (q->waiting_n == q->waiting_room) {
		q->waiting_room =
		    q->waiting_room > 0 ? 2 * q->waiting_room : 64;
		q->waiting = reallocarray(
		    q->waiting, q->waiting_room, sizeof *q->waiting);
		if (q->waiting == NULL)
			err(1, NULL);
	}
	q->waiting[q->waiting_n++] = agent;
}

uint32_t queue_choose(struct queue *q)
{
	const int64_t k = random_below(&q->chance, (int64_t)q->waiting_n);

	return q->waiting[k];
}

void queue_leave(struct queue *q, uint32_t agent)
{
	for (size_t k = 0; k < q->waiting_n; k++)
		if (q->waiting[k] == agent) {
			q->waiting[k] = q->waiting[--q->waiting_n];
			return;
		}
}
