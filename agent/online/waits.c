/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/online/waits.h"

#include "sqs/messages.h"

void waits_add(struct waits *w, size_t queue)
{
	w->queue[w->n++] = queue;
}

bool waits_next(struct waits *w, int64_t now, size_t *queue, int *seconds)
{
	const int64_t most = w->n > 1 ? WAITS_TURN_S : SQS_WAIT_MAX_S;
	const int64_t left = (w->until - now) / 1000;

	if (w->n == 0 || left < 1)
		return false;
	*seconds = (int)(left < most ? left : most);
	*queue = w->queue[0];
	for (size_t k = 1; k < w->n; k++)
		w->queue[k - 1] = w->queue[k];
	w->queue[w->n - 1] = *queue;
	return true;
}
