/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/online/turns.h"

/* Each order is as likely as any other (Fisher and Yates). */
static void shuffle_queues(struct turns *t, const struct clock *clock)
{
	for (size_t left = t->n; left > 1; left--) {
		const size_t k = (size_t)(clock_chance(clock) * (double)left);
		const size_t last = t->queue[left - 1];

		t->queue[left - 1] = t->queue[k];
		t->queue[k] = last;
	}
}

void turns_init(
    struct turns *t, size_t n, const struct clock *shuffle, int64_t deadline)
{
	*t = (struct turns){.n = n, .deadline = deadline};
	for (size_t i = 0; i < n; i++)
		t->queue[i] = i;
	if (shuffle != NULL)
		shuffle_queues(t, shuffle);
}

bool turns_next(struct turns *t, int64_t now, size_t *queue)
{
	const int64_t left = t->deadline - now;
	int64_t share;

	if (t->n == 0 || (t->begun && left <= 0))
		return false;
	share = left / (int64_t)t->n;
	if (share < TURNS_LEAST_MS || t->holds)
		share = TURNS_LEAST_MS;
	t->until = share < left ? now + share : t->deadline;
	t->begun = true;
	*queue = t->queue[0];
	return true;
}

void turns_end(struct turns *t, int64_t now, bool answered, bool holds)
{
	const size_t queue = t->queue[0];
	const bool again = !answered && !holds && t->until < t->deadline &&
			   t->until - now < TURNS_REST_MS;

	t->holds = holds;
	t->n--;
	for (size_t k = 0; k < t->n; k++)
		t->queue[k] = t->queue[k + 1];
	if (again)
		t->queue[t->n++] = queue;
}
