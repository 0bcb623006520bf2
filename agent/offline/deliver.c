/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/offline/deliver.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/log.h"

void deliver_identity(const struct agent_offline *o)
{
	struct timespec now[2];

	(void)clock_gettime(CLOCK_MONOTONIC, &now[0]);
	(void)clock_gettime(CLOCK_REALTIME, &now[1]);
	if (sink_mix(&o->sink, buf_data(o->identity), buf_len(o->identity)) !=
		0 ||
	    sink_mix(&o->sink, now, sizeof now) != 0)
		log_warning("could not mix this machine's identity");
}

size_t deliver_fallback(const struct agent_offline *o, const struct buf *bytes)
{
	struct err err = {0};

	if (buf_len(bytes) == 0)
		return 0;
	if (sink_put(&o->sink, bytes, 0, &err) != 0) {
		log_error("%s", err.text);
		return 0;
	}
	log_notice("injected %zu bytes of KMS into the kernel, in place of a "
		   "message, credit 0 bits: no producer signed them",
	    buf_len(bytes));
	return buf_len(bytes);
}

static int store_digests(struct replay *replay, const struct taken *t)
{
	uint8_t digests[LIMIT_BATCH][REPLAY_DIGEST_LEN];
	size_t n = 0;

	for (size_t i = 0; i < t->n; i++)
		if (t->at[i].counts)
			memcpy(
			    digests[n++], t->at[i].digest, REPLAY_DIGEST_LEN);
	return n > 0 ? replay_add(replay, digests, n) : 0;
}

/* The digests are on the disk before the bytes are used, so that a crash may
 * lose a message and never lets one count twice. */
static unsigned remember_messages(struct agent_offline *o, struct taken *t)
{
	if (!o->remembers || store_digests(&o->replay, t) == 0)
		return credit_total(t->bits);
	log_error("cannot remember which messages are used: no credit is "
		  "given (is the disk full?)");
	for (size_t i = 0; i < t->n; i++) {
		t->at[i].withheld |= CREDIT_NOT_REMEMBERED;
		t->at[i].bits = 0;
	}
	return 0;
}

void deliver_explain(const struct taken *t, char *text, size_t size)
{
	unsigned withheld = 0;
	size_t len;

	for (size_t i = 0; i < t->n; i++)
		withheld |= t->at[i].withheld;
	if (t->bits == 0 && withheld == 0) {
		(void)snprintf(text, size, "none is claimed");
		return;
	}
	text[0] = '\0';
	if (t->bits > 0 && credit_total(t->bits) == 0)
		(void)snprintf(text, size, "less than %d bits are none%s",
		    CREDIT_BITS, withheld != 0 ? ", " : "");
	len = strlen(text);
	if (withheld != 0)
		credit_explain(withheld, text + len, size - len);
}

static void report_delivery(
    const struct agent_offline *o, const struct taken *t, unsigned credit)
{
	const char *s = t->used == 1 ? "" : "s";
	char why[DELIVER_WHY_MAX] = "";

	if (credit == 0)
		deliver_explain(t, why, sizeof why);
	if (o->sink.kernel)
		log_notice("injected %zu bytes from %u message%s into the "
			   "kernel, credit %u bits%s%s",
		    buf_len(t->payloads), t->used, s, credit,
		    credit == 0 ? ": " : "", why);
	else
		log_notice("wrote %zu bytes from %u message%s to %s",
		    buf_len(t->payloads), t->used, s, o->sink.name);
}

int deliver(
    struct agent_offline *o, struct taken *t, unsigned *credit, struct err *err)
{
	const unsigned bits = remember_messages(o, t);
	int rc;

	rc = sink_put(&o->sink, t->payloads, bits, err);
	/* The kernel need not wait for the second copy. */
	replay_settle(&o->replay);
	if (rc != 0)
		return rc;
	*credit = bits;
	report_delivery(o, t, bits);
	if (!o->conf->strict || bits > 0)
		return 0;
	return err_set(
	    err, ERR_UNUSABLE, "--strict: no credit was given (see --status)");
}
