/* SPDX-License-Identifier: Apache-2.0 */
#include "producer/offline/service.h"

#include <inttypes.h>
#include <stdarg.h>
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
	char text[SERVICE_STATUS_MAX + 16];

	if (m->ready || !m->tested || !m->online)
		return;
	m->ready = true;
	(void)snprintf(text, sizeof text, "READY=1\n%s", m->status);
	/* Without READY=1 systemd stops the service at TimeoutStartSec=. */
	if (notify_send(m->notify, READY_WAIT_MS, text) != 0)
		log_warning("cannot tell the service manager that this service "
			    "is ready");
}

void service_tested(struct service *m)
{
	m->tested = true;
	tell_ready(m);
}

static void __attribute__((format(printf, 2, 3)))
add_words(char text[static SERVICE_STATUS_MAX], const char *fmt, ...)
{
	const size_t len = strlen(text);
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text + len, SERVICE_STATUS_MAX - len, fmt, ap);
	va_end(ap);
}

/* Of all queues together, as far as they are known. */
static void describe_depth(const struct record_heartbeat *heartbeat,
    char text[static SERVICE_STATUS_MAX])
{
	const uint32_t queues = heartbeat->queues;
	uint64_t visible = 0;
	uint32_t known = 0;

	for (uint32_t i = 0; i < queues; i++) {
		if (heartbeat->visible[i] < 0)
			continue;
		visible += (uint64_t)heartbeat->visible[i];
		known++;
	}
	if (queues == 1 && known == 0)
		add_words(text, "the queue has not been reached yet");
	else if (queues == 1)
		add_words(text, "%" PRIu64 " messages in the queue", visible);
	else if (known < queues)
		add_words(text,
		    "%" PRIu64 " messages in %" PRIu32 " of %" PRIu32 " queues",
		    visible, known, queues);
	else
		add_words(text, "%" PRIu64 " messages in %" PRIu32 " queues",
		    visible, queues);
}

/* Of several queues the number tells which one it is. */
static void describe_trouble(const struct record_heartbeat *heartbeat,
    char text[static SERVICE_STATUS_MAX])
{
	const int64_t behind = heartbeat->behind;

	if (behind != 0) {
		add_words(text, "; this machine's clock is %" PRId64 " s %s",
		    behind > 0 ? behind : -behind,
		    behind > 0 ? "behind" : "ahead");
		return;
	}
	for (uint32_t i = 0; i < heartbeat->queues; i++) {
		if (heartbeat->code[i] == 0)
			continue;
		if (heartbeat->queues > 1)
			add_words(text, "; queue %" PRIu32, i + 1);
		add_words(text, "%sthe last try failed: %s",
		    heartbeat->queues > 1 ? ": " : "; ",
		    err_text(heartbeat->code[i]));
	}
}

/* The online half supplies numbers only, so that it cannot add lines. */
static void describe(const struct record_heartbeat *heartbeat,
    char text[static SERVICE_STATUS_MAX])
{
	uint64_t sent = 0;

	(void)snprintf(text, SERVICE_STATUS_MAX, "STATUS=");
	describe_depth(heartbeat, text);
	for (uint32_t i = 0; i < heartbeat->queues; i++)
		sent += heartbeat->sent[i];
	add_words(text, ", %" PRIu64 " sent", sent);
	describe_trouble(heartbeat, text);
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
	char status[SERVICE_STATUS_MAX] = "", text[SERVICE_STATUS_MAX + 16];
	const bool first = !m->ready;

	describe(heartbeat, status);
	m->online = true;
	if (first) {
		memcpy(m->status, status, sizeof m->status);
		tell_ready(m);
	}
	if (!m->ready || (!first && is_stale(m, status, now)) ||
	    is_too_much(m, now))
		return;
	m->told = now;
	memcpy(m->status, status, sizeof m->status);
	(void)snprintf(text, sizeof text, "WATCHDOG=1\n%s", status);
	if (notify_send(m->notify, 0, text) != 0)
		log_debug("the service manager does not listen");
}

void service_stopping(const struct service *m)
{
	if (notify_send(m->notify, STOP_WAIT_MS, "STOPPING=1") != 0)
		log_debug("the service manager does not listen");
}
