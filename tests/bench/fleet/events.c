/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/fleet/events.h"

#include <err.h>
#include <stdlib.h>

static bool comes_before(const struct event *a, const struct event *b)
{
	return a->at < b->at || (a->at == b->at && a->order < b->order);
}

void events_add(
    struct events *e, int64_t at, unsigned kind, uint32_t who, int64_t what)
{
	const struct event new = {at, e->order++, kind, who, what};
	size_t i = e->n++;

	if (e->n > e->room) {
		e->room = e->room > 0 ? 2 * e->room : 1024;
		e->heap = reallocarray(e->heap, e->room, sizeof *e->heap);
		if (e->heap == NULL)
			err(1, NULL);
	}
	for (; i > 0 && comes_before(&new, &e->heap[(i - 1) / 2]);
	     i = (i - 1) / 2)
		e->heap[i] = e->heap[(i - 1) / 2];
	e->heap[i] = new;
}

bool events_next(struct events *e, struct event *next)
{
	size_t i = 0, child;

	if (e->n == 0)
		return false;
	*next = e->heap[0];
	e->n--;
	for (; (child = 2 * i + 1) < e->n; i = child) {
		if (child + 1 < e->n &&
		    comes_before(&e->heap[child + 1], &e->heap[child]))
			child++;
		if (!comes_before(&e->heap[child], &e->heap[e->n]))
			break;
		e->heap[i] = e->heap[child];
	}
	e->heap[i] = e->heap[e->n];
	return true;
}

void events_free(struct events *e)
{
	free(e->heap);
	*e = (struct events){.heap = NULL};
}
