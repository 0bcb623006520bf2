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
/* A compromised online half may give any number of signs. */
#define SIGNS_MAX     20

bool manager_listens(const struct manager *m)
{
	return m->notify->fd >= 0;
}

void manager_testing(struct manager *m, int64_t now)
{
	if (m->tested || (m->extended > 0 && now - m->extended < EXTEND_MS))
		return;
	m->extended = now;
	if (notify_send(m->notify, 0,
		"EXTEND_TIMEOUT_USEC=" EXTEND_BY
		"\nSTATUS=testing the sources") != 0)
		log_debug("the service manager does not listen");
}

static void tell_ready(struct manager *m)
{
	if (m->ready || !m->tested || !m->online)
		return;
	m->ready = true;
	/* One that is not told would end us in the end. */
	if (notify_send(m->notify, READY_WAIT_MS, "READY=1") != 0)
		log_warning("cannot tell the service manager that this service "
			    "is ready");
}

void manager_tested(struct manager *m)
{
	m->tested = true;
	tell_ready(m);
}

static void describe_trouble(
    const struct record_alive *alive, char *out, size_t size)
{
	const int64_t behind = alive->behind;

	out[0] = '\0';
	if (behind != 0)
		(void)snprintf(out, size,
		    "; this machine's clock is %" PRId64 " s %s",
		    behind > 0 ? behind : -behind,
		    behind > 0 ? "behind" : "ahead");
	else if (alive->code != 0)
		(void)snprintf(out, size, "; the last try failed: %s",
		    err_text(alive->code));
}

/* Numbers alone are the online half's, so that it cannot add lines. */
static void describe(
    const struct record_alive *alive, char text[MANAGER_STATUS_MAX])
{
	char queue[64] = "the queue has not been reached yet", trouble[80];

	if (alive->visible >= 0)
		(void)snprintf(queue, sizeof queue,
		    "%" PRId64 " messages in the queue", alive->visible);
	describe_trouble(alive, trouble, sizeof trouble);
	(void)snprintf(text, MANAGER_STATUS_MAX, "%s, %" PRIu64 " sent%s",
	    queue, alive->sent, trouble);
}

/* While messages flow there are far more signs than anybody needs, and the
 * manager's queue may be short. */
static bool is_stale(const struct manager *m, const char *text, int64_t now)
{
	const int64_t part = m->notify->watchdog_ms / ALIVE_PARTS / 2;
	const int64_t pause = part > 0 && part < 1000 ? part : 1000;

	return strcmp(text, m->status) == 0 && now - m->told < pause;
}

/* Whether this second has had its share. */
static bool is_too_much(struct manager *m, int64_t now)
{
	if (now - m->second >= 1000) {
		m->second = now;
		m->signs = 0;
	}
	return m->signs++ >= SIGNS_MAX;
}

void manager_alive(
    struct manager *m, const struct record_alive *alive, int64_t now)
{
	char text[MANAGER_STATUS_MAX] = "";

	m->online = true;
	tell_ready(m);
	describe(alive, text);
	if (!m->ready || is_stale(m, text, now) || is_too_much(m, now))
		return;
	m->told = now;
	memcpy(m->status, text, sizeof m->status);
	if (notify_send(m->notify, 0, "WATCHDOG=1\nSTATUS=%s", text) != 0)
		log_debug("the service manager does not listen");
}

void manager_stopping(const struct manager *m)
{
	if (notify_send(m->notify, STOP_WAIT_MS, "STOPPING=1") != 0)
		log_debug("the service manager does not listen");
}
