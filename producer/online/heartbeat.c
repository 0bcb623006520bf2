/* SPDX-License-Identifier: Apache-2.0 */
#include "producer/online/heartbeat.h"

#include <stdbool.h>

#include "base/err.h"
#include "base/log.h"
#include "base/record.h"

#define AT_ONCE  1 /* a deadline that has passed */
#define FOR_EVER (INT64_MAX / 2)

void heartbeat_init(struct heartbeat *a, int fd, int cancel_fd,
    const struct clock *clock, int64_t watchdog_ms)
{
	*a = (struct heartbeat){.fd = fd,
	    .cancel_fd = cancel_fd,
	    .clock = clock,
	    .slice = watchdog_ms / HEARTBEAT_PARTS,
	    .record = {.visible = -1}};
	if (watchdog_ms > 0 && a->slice == 0)
		a->slice = 1;
}

void heartbeat_tell(const struct heartbeat *a)
{
	if (record_send(a->fd, RECORD_HEARTBEAT, &a->record, sizeof a->record,
		-1, AT_ONCE) != 0)
		log_debug("the offline half takes no sign of life");
}

int64_t heartbeat_deadline(const struct heartbeat *a, int64_t usual)
{
	const int64_t ms = a->slice > 0 && a->slice < usual ? a->slice : usual;

	heartbeat_tell(a);
	return clock_mono(a->clock) + ms;
}

/* The end of the slice that begins now, or end when that is earlier. */
static int64_t cut(const struct heartbeat *a, int64_t end)
{
	const int64_t next = clock_mono(a->clock) + a->slice;

	return a->slice > 0 && next < end ? next : end;
}

int heartbeat_sleep(const struct heartbeat *a, int64_t ms)
{
	const int64_t end = clock_mono(a->clock) + ms;
	int64_t now, next;
	int rc;

	do {
		heartbeat_tell(a);
		now = clock_mono(a->clock);
		next = cut(a, end);
		rc = clock_sleep(a->clock, next > now ? next - now : 0);
	} while (rc == 0 && clock_mono(a->clock) < end);
	return rc;
}

int heartbeat_recv(const struct heartbeat *a, uint32_t *type, void *data,
    size_t max, size_t *len, int64_t deadline)
{
	const int64_t end = deadline > 0 ? deadline : FOR_EVER;
	int rc;

	do {
		heartbeat_tell(a);
		rc = record_receive(
		    a->fd, type, data, max, len, a->cancel_fd, cut(a, end));
	} while (rc == ERR_TIMEOUT && clock_mono(a->clock) < end);
	return rc;
}
