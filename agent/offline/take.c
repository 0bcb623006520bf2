/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/offline/take.h"

#include <string.h>

#include "base/arn.h"
#include "base/log.h"
#include "base/record.h"

/* found is what the online half told, or NULL. */
static void make_arn(struct taken *t, const struct conf *conf, size_t entry,
    const struct arn *found)
{
	arn_make(t->arn[entry], conf->common.queues[entry],
	    arn_set_region(conf->common.region, NULL), found);
}

int take_init(struct taken *t, const struct conf *conf)
{
	*t = (struct taken){
	    .payloads = buf_new((size_t)LIMIT_BATCH * MESSAGE_PAYLOAD_MAX),
	    .fallback = buf_new(sizeof(struct record_fallback))};
	t->queues = arn_count_queues(conf->common.queues);
	if (t->queues == 0)
		t->queues = 1;
	for (size_t i = 0; i < t->queues; i++)
		make_arn(t, conf, i, NULL);
	return t->payloads != NULL && t->fallback != NULL ? 0 : ERR_NOMEM;
}

void take_free(struct taken *t)
{
	buf_free(t->payloads);
	buf_free(t->fallback);
}

static int take_identity(struct taken *t, const struct agent_offline *o,
    const void *data, size_t len)
{
	struct record_identity identity;

	if (len != sizeof identity || t->identified)
		return ERR_FORMAT;
	t->identified = true;
	memcpy(&identity, data, sizeof identity);
	if (identity.len > sizeof identity.text)
		return ERR_FORMAT;
	return buf_add(o->identity, identity.text, identity.len);
}

/* The online half may not overrule what the configuration says, nor change a
 * queue between two of its messages. */
static int take_queue(
    struct taken *t, const struct conf *conf, const void *data, size_t len)
{
	struct record_queue queue;

	if (len != sizeof queue)
		return ERR_FORMAT;
	memcpy(&queue, data, sizeof queue);
	if (queue.entry >= t->queues || t->settled[queue.entry] ||
	    !arn_is_sound(&queue.found))
		return ERR_FORMAT;
	t->settled[queue.entry] = true;
	make_arn(t, conf, queue.entry, &queue.found);
	if (t->arn[queue.entry][0] == '\0' && t->queues == 1)
		log_warning(ARN_MISSING ": no message earns credit");
	else if (t->arn[queue.entry][0] == '\0')
		log_warning("%s: " ARN_MISSING
			    ": no message of it earns credit",
		    conf->common.queues[queue.entry]);
	return 0;
}

/* The message of this run by which the payload of v is counted, or NULL. */
static struct verdict *find_twin(struct taken *t, const struct verdict *v)
{
	for (struct verdict *k = t->at; k < v; k++)
		if (k->counts &&
		    memcmp(k->digest, v->digest, sizeof v->digest) == 0)
			return k;
	return NULL;
}

/* True if what the policy credited without a signature gives way: nobody who
 * may send unsigned copies can take credit from the signed message. */
static bool replaces_twin(const struct verdict *v, const struct verdict *twin)
{
	return v->trust == CREDIT_SIGNED && twin->trust != CREDIT_SIGNED &&
	       v->bits > twin->bits;
}

static void judge_message(struct taken *t, const struct agent_offline *o,
    const struct message *m, struct verdict *v)
{
	struct verdict *twin = find_twin(t, v);

	v->remembered = o->remembers;
	v->seen = o->remembers && replay_has(&o->replay, v->digest);
	credit_judge(&o->conf->policy, m, v);
	if (twin != NULL && replaces_twin(v, twin)) {
		t->bits -= twin->bits;
		twin->bits = 0;
		twin->withheld |= CREDIT_SEEN;
		twin->counts = false;
	} else if (twin != NULL) {
		v->seen = true;
		credit_judge(&o->conf->policy, m, v);
	}
}

static void report_message(
    const struct taken *t, const struct message *m, const struct verdict *v)
{
	const bool several = t->queues > 1;
	char text[256];

	credit_explain(v->withheld, text, sizeof text);
	log_info("message of %u bytes%s%s%s%s: %s", (unsigned)m->payload_len,
	    v->producer != NULL ? " from " : "",
	    v->producer != NULL ? v->producer : "", several ? " in " : "",
	    several ? t->arn[m->entry] : "", text);
}

/* A payload counts once, whatever message it comes in.  It is remembered if the
 * signature holds, or if the policy credits it without one: other messages,
 * which anybody may send, neither fill the memory nor make a payload used. */
static int use_message(
    struct taken *t, const struct message *m, struct verdict *v)
{
	const int rc = buf_add(t->payloads, m->payload, m->payload_len);

	if (rc != 0)
		return rc;
	v->counts = (v->trust == CREDIT_SIGNED || v->withheld == 0) && !v->seen;
	if (v->counts)
		t->bits += v->bits;
	t->used++;
	v->bytes = m->payload_len;
	return 0;
}

static int take_message(struct taken *t, const struct agent_offline *o,
    struct message *m, size_t len)
{
	struct verdict *v = &t->at[t->n];
	int rc = message_take_record(m, len);

	if (rc != 0)
		return rc;
	if (m->entry >= t->queues)
		return ERR_FORMAT;
	t->settled[m->entry] = true;
	t->n++;
	rc = verify_message(&o->verify, m, t->arn[m->entry], v);
	if (rc == ERR_DENIED) {
		v->discarded = "sealed for somebody else";
		log_warning("a message was discarded: it is sealed, and %s",
		    verify_explain(&o->verify, v->claim.seal));
		return 0;
	}
	if (rc != 0)
		return rc;
	judge_message(t, o, m, v);
	report_message(t, m, v);
	if ((v->withheld & CREDIT_REFUSED) == 0)
		return use_message(t, m, v);
	v->discarded = "refused by the policy";
	return 0;
}

/* Bytes of KMS are refused unless the configuration asks for them and this run
 * is for the kernel: a file gets messages alone. */
static int take_fallback(struct taken *t, const struct agent_offline *o,
    const void *data, size_t len)
{
	if (o->conf->fallback != CONF_KMS || !o->sink.kernel ||
	    len != sizeof(struct record_fallback) || buf_len(t->fallback) > 0)
		return ERR_FORMAT;
	return buf_add(t->fallback, data, len);
}

/* Keys are refused where the configuration names a file, which this half reads
 * by itself. */
static int take_seal_keys(struct taken *t, const struct agent_offline *o,
    const void *data, size_t len)
{
	struct record_seal_keys keys;
	int rc = ERR_FORMAT;

	if (len != sizeof keys || t->keyed ||
	    conf_parameter(o->conf->seal_key) == NULL)
		return rc;
	memcpy(&keys, data, sizeof keys);
	if (keys.n >= 1 && keys.n <= LIMIT_SEAL_KEYS)
		rc = verify_take_keys(&o->verify, keys.keys, keys.n);
	explicit_bzero(&keys, sizeof keys);
	t->keyed = rc == 0;
	return rc;
}

static int take_end(struct taken *t, const void *data, size_t len)
{
	if (len != sizeof t->end)
		return ERR_FORMAT;
	memcpy(&t->end, data, sizeof t->end);
	t->ended = true;
	return 0;
}

static int take_record(struct taken *t, const struct agent_offline *o,
    uint32_t type, struct message *m, size_t len)
{
	switch (type) {
	case RECORD_IDENTITY:
		return take_identity(t, o, m, len);
	case RECORD_QUEUE:
		return take_queue(t, o->conf, m, len);
	case RECORD_MESSAGE:
		return t->n < LIMIT_BATCH ? take_message(t, o, m, len)
					  : ERR_LIMIT;
	case RECORD_FALLBACK:
		return take_fallback(t, o, m, len);
	case RECORD_SEAL_KEYS:
		return take_seal_keys(t, o, m, len);
	case RECORD_END:
		return take_end(t, m, len);
	default:
		return ERR_FORMAT;
	}
}

/* Each kind of record may come a limited number of times.  This ends a flood of
 * records, during which record_receive() never sees the deadline. */
int take_records(struct taken *t, const struct agent_offline *o, int fd,
    uint32_t last, int64_t deadline)
{
	uint8_t *p;
	struct buf *space = buf_new_zero(sizeof(struct message), &p);
	struct message *m;
	uint32_t type;
	size_t len;
	int rc;

	if (space == NULL)
		return ERR_NOMEM;
	m = (struct message *)(void *)p;
	do {
		memset(m, 0, sizeof *m);
		rc =
		    record_receive(fd, &type, m, sizeof *m, &len, -1, deadline);
		if (rc == 0)
			rc = take_record(t, o, type, m, len);
	} while (rc == 0 && !t->ended && type != last);
	buf_free(space);
	return rc;
}
