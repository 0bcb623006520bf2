/* SPDX-License-Identifier: Apache-2.0 */
#include "producer/online/heartbeat.h"

#include "base/log.h"

#define AT_ONCE  1 /* a deadline that has passed */
#define LONG_AGO (INT64_MIN / 2)

void heartbeat_init(struct heartbeat *h, int fd, int cancel_fd,
    const struct clock *clock, int64_t watchdog_ms)
{
	*h = (struct heartbeat){.fd = fd,
	    .cancel_fd = cancel_fd,
	    .clock = clock,
	    .slice = HEARTBEAT_USUAL_MS,
	    .told = LONG_AGO,
	    .record = {.queues = 1}};
	for (size_t i = 0; i < LIMIT_QUEUES; i++)
		h->record.visible[i] = -1;
	if (watchdog_ms > 0 && watchdog_ms / HEARTBEAT_PARTS < h->slice)
		h->slice = watchdog_ms / HEARTBEAT_PARTS;
	if (h->slice == 0)
		h->slice = 1;
}

void heartbeat_tell(struct heartbeat *h)
{
	h->told = clock_mono(h->clock);
	if (record_send(h->fd, RECORD_HEARTBEAT, &h->record, sizeof h->record,
		-1, AT_ONCE) != 0)
		log_debug("the offline half takes no sign of life");
}

int64_t heartbeat_deadline(struct heartbeat *h, int64_t usual)
{
	const int64_t ms = h->slice < usual ? h->slice : usual;

	heartbeat_tell(h);
	return h->told + ms;
}

/* Take what has come from the offline half, which while this one asks for
 * nothing can be RECORD_LOOK alone. */
static int take_looks(struct heartbeat *h)
{
	uint32_t type;
	uint8_t none;
	size_t len;
	int rc;

	do {
		rc = record_receive(h->fd, &type, &none, 0, &len, -1, AT_ONCE);
		if (rc == 0 && type != RECORD_LOOK)
			return ERR_FORMAT;
		h->look = h->look || rc == 0;
	} while (rc == 0);
	if (rc == ERR_TIMEOUT)
		return 0;
	return rc == ERR_EOF ? ERR_CANCELED : rc;
}

int heartbeat_sleep(struct heartbeat *h, int64_t ms)
{
	const int64_t end = clock_mono(h->clock) + ms;
	int64_t left;
	int rc = take_looks(h);

	h->record.resting = 1;
	while (rc == 0 && !h->look && clock_mono(h->clock) < end) {
		heartbeat_tell(h);
		left = end - h->told < h->slice ? end - h->told : h->slice;
		rc = clock_sleep(h->clock, left > 0 ? left : 0);
		if (rc == 0)
			rc = take_looks(h);
	}
	h->record.resting = 0;
	return rc;
}

int heartbeat_receive(
    struct heartbeat *h, uint32_t *type, void *data, size_t max, size_t *len)
{
	int rc;

	do {
		if (clock_mono(h->clock) - h->told >= h->slice)
			heartbeat_tell(h);
		rc = record_receive(h->fd, type, data, max, len, h->cancel_fd,
		    h->told + h->slice);
		h->look = h->look || (rc == 0 && *type == RECORD_LOOK);
	} while (rc == ERR_TIMEOUT || (rc == 0 && *type == RECORD_LOOK));
	return rc;
}
