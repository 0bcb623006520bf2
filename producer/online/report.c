/* SPDX-License-Identifier: Apache-2.0 */
#include "producer/online/report.h"

#include <stddef.h>

#include "base/log.h"

/* Of several queues, which one a failure is about. */
static const char *label_failing(const struct report *r)
{
	return r->several ? r->queue : "the queue";
}

void report_failure(
    struct report *r, const struct err *err, bool sending, int64_t now)
{
	r->last = *err;
	r->sending = r->sending || sending;
	if (!trouble_is_new(&r->failing, err->text, now))
		log_info("queue %s: still: %s", r->queue, err->text);
	else if (r->several)
		log_error("queue %s: %s", r->queue, err->text);
	else
		log_error("%s", err->text);
}

static void end_failing(struct report *r, int64_t now)
{
	char lasted[TROUBLE_TIME_MAX];
	int64_t ms;

	if (trouble_is_over(&r->failing, now, &ms)) {
		trouble_say_time(lasted, ms);
		log_notice("queue %s: back again after %s", r->queue, lasted);
	}
	r->sending = false;
	r->last = (struct err){.code = 0};
}

void report_look(struct report *r, int64_t visible, int64_t now)
{
	if (!r->sending)
		end_failing(r, now);
	if (!r->reached)
		log_notice("queue %s: reached, %lld messages in it", r->queue,
		    (long long)visible);
	r->reached = true;
}

void report_send(struct report *r, int64_t now)
{
	end_failing(r, now);
}

void report_in_flight(struct report *r, int64_t in_flight, int64_t now)
{
	char lasted[TROUBLE_TIME_MAX];
	int64_t ms;

	if (in_flight > 0 && trouble_is_new(&r->stuck, "", now))
		log_warning("%lld messages of %s are in flight: somebody "
			    "receives and does not delete; sending none",
		    (long long)in_flight, label_failing(r));
	if (in_flight > 0 || !trouble_is_over(&r->stuck, now, &ms))
		return;
	trouble_say_time(lasted, ms);
	log_notice("queue %s: fewer messages are in flight after %s", r->queue,
	    lasted);
}

void report_refused(struct report *r, const char *why, int64_t now)
{
	char lasted[TROUBLE_TIME_MAX];
	int64_t ms;

	if (why != NULL && trouble_is_new(&r->refused, why, now))
		log_warning("%s", why);
	if (why != NULL || !trouble_is_over(&r->refused, now, &ms))
		return;
	trouble_say_time(lasted, ms);
	log_notice(
	    "queue %s: takes all messages again after %s", r->queue, lasted);
}
