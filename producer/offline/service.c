/* SPDX-License-Identifier: Apache-2.0 */
#include "producer/offline/service.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"

#define EXTEND_MS     10000
#define EXTEND_BY     "60000000" /* microseconds */
#define READY_WAIT_MS 1000
#define STOP_WAIT_MS  100
/* Signs passed on in a second: a compromised online half may send more. */
#define SIGNS_MAX     20

void service_testing(struct service *m, int64_t now)
{
	if (m->tested || (m->extended > 0 && now - m->extended < EXTEND_MS))
		return;
	m->extended = now;
	if (notify_send(m->notify, 0,
		"EXTEND_TIMEOUT_USEC=" EXTEND_BY
		"\nSTATUS=testing the sources") != 0)
		log_debug("the service manager does not listen");
}

static void tell_ready(struct service *m)
{
	if (m->ready || !m->tested || !m->online)
		return;
	m->ready = true;
	/* Without READY=1 systemd stops the service at TimeoutStartSec=. */
	if (notify_send(m->notify, READY_WAIT_MS, "READY=1") != 0)
		log_warning("cannot tell the service manager that this service "
			    "is ready");
}

void service_tested(struct service *m)
{
	m->tested = true;
	tell_ready(m);
}

static void describe_trouble(
    const struct record_heartbeat *heartbeat, char *out, size_t size)
{
	const int64_t behind = heartbeat->behind;

	out[0] = '\0';
	if (behind != 0)
		(void)snprintf(out, size,
		    "; this machine's clock is %" PRId64 " s %s",
		    behind > 0 ? behind : -behind,
		    behind > 0 ? "behind" : "ahead");
	else if (heartbeat->code != 0)
		(void)snprintf(out, size, "; the last try failed: %s",
		    err_text(heartbeat->code));
}

/* The online half supplies numbers only, so that it cannot add lines. */
static void describe(
    const struct record_heartbeat *heartbeat, char text[SERVICE_STATUS_MAX])
{
	char queue[64] = "the queue has not been reached yet", trouble[80];

	if (heartbeat->visible >= 0)
		(void)snprintf(queue, sizeof queue,
		    "%" PRId64 " messages in the queue", heartbeat->visible);
	describe_trouble(heartbeat, trouble, sizeof trouble);
	(void)snprintf(text, SERVICE_STATUS_MAX,
	    "WATCHDOG=1\nSTATUS=%s, %" PRIu64 " sent%s", queue, heartbeat->sent,
	    trouble);
}

/* While messages are sent, more signs come than the manager needs, and its
 * queue may be short. */
static bool is_stale(const struct service *m, const char *text, int64_t now)
{
	const int64_t part = m->notify->watchdog_ms / HEARTBEAT_PARTS / 2;
	const int64_t pause = part > 0 && part < 1000 ? part : 1000;

	return strcmp(text, m->status) == 0 && now - m->told < pause;
}

/* True if enough signs were passed on in this second. */
static bool is_too_much(struct service *m, int64_t now)
{
	if (now - m->second >= 1000) {
		m->second = now;
		m->signs = 0;
	}
	return m->signs++ >= SIGNS_MAX;
}

void service_heartbeat(
    struct service *m, const struct record_heartbeat *heartbeat, int64_t now)
{
	char text[SERVICE_STATUS_MAX] = "";

	m->online = true;
	tell_ready(m);
	describe(heartbeat, text);
	if (!m->ready || is_stale(m, text, now) || is_too_much(m, now))
		return;
	m->told = now;
	memcpy(m->status, text, sizeof m->status);
	if (notify_send(m->notify, 0, text) != 0)
		log_debug("the service manager does not listen");
}

void service_stopping(const struct service *m)
{
	if (notify_send(m->notify, STOP_WAIT_MS, "STOPPING=1") != 0)
		log_debug("the service manager does not listen");
}
