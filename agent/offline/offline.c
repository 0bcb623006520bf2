/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/offline/offline.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "agent/offline/deliver.h"
#include "agent/offline/status.h"
#include "agent/offline/take.h"
#include "agent/record.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/record.h"

#define STATE_DIRECTORY "/var/lib/sqs-entropy" /* or STATE_DIRECTORY */

/* Without a memory of the used payloads none earns credit, because it could
 * have been used before.  It is waited for as long as another run may need for
 * a queue that answers, and no longer, because mixing without credit is worth
 * more than nothing. */
static void open_replay(struct agent_offline *o)
{
	const int64_t now = clock_read(CLOCK_MONOTONIC);
	const int64_t until = now + (o->deadline - now) / OFFLINE_LOCK_SHARE;
	struct err err = {0};
	char path[PATH_MAX];

	(void)snprintf(path, sizeof path, "%s/seen",
	    file_make_directory("STATE_DIRECTORY", STATE_DIRECTORY, 0700));
	o->remembers = replay_open(&o->replay, path, until, &err) == 0;
	if (o->remembers && o->replay.file.began == ERR_EMPTY)
		log_warning("%s was empty: it begins anew", path);
	if (o->remembers)
		return;
	if (o->sink.kernel && o->verify.trusted.n > 0)
		log_warning("no credit can be given: %s", err.text);
	else
		log_info("no credit can be given: %s", err.text);
}

/* A file that is not there is left out: the others may be enough to set this
 * machine apart. */
static void read_identity(struct agent_offline *o)
{
	static const char *const files[] = {
	    "/proc/sys/kernel/random/boot_id",
	    /* EC2's hypervisor shows the instance id here. */
	    "/sys/class/dmi/id/board_asset_tag",
	    "/etc/machine-id",
	};
	uint8_t text[256];
	size_t len;

	for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
		if (file_read(files[i], text, sizeof text, &len) == 0 &&
		    buf_add(o->identity, text, len) != 0)
			log_debug("%s left out", files[i]);
}

int agent_offline_open(struct agent_offline *o, const struct conf *conf,
    int64_t deadline, struct err *err)
{
	int rc;

	*o = (struct agent_offline){.conf = conf,
	    .sink = {.fd = -1},
	    .replay = {.file = {.fd = -1}},
	    .status_fd = -1,
	    .last_seed_fd = -1,
	    .began = clock_read(CLOCK_BOOTTIME),
	    .deadline = deadline,
	    .identity = buf_new(OFFLINE_IDENTITY_MAX)};
	if (o->identity == NULL)
		return err_set(err, ERR_NOMEM, "out of memory");
	rc = verify_open(
	    &o->verify, conf->trusted_producers, conf->seal_key, err);
	if (rc == 0)
		rc = sink_open(&o->sink, conf->output,
		    (size_t)conf->messages * MESSAGE_PAYLOAD_MAX, deadline,
		    err);
	o->sink.at_once = conf->forked || conf->strict;
	return rc;
}

void agent_offline_recall(struct agent_offline *o)
{
	open_replay(o);
	read_identity(o);
	/* By now a run that had the memory locked has ended, or has had its
	 * share of this one's time. */
	last_seed_read(&o->last_seed);
	/* A run with --output writes its status only as a service. */
	if (o->sink.kernel || getenv("RUNTIME_DIRECTORY") != NULL)
		o->status_fd = status_open(STATUS_NAME);
	if (o->sink.kernel)
		o->last_seed_fd = status_open(LAST_SEED_NAME);
}

/* With --strict a run without credit does not count, because this one would
 * have to give credit. */
bool agent_offline_is_done(
    const struct conf *conf, const struct last_seed *last)
{
	const int64_t age =
	    last_seed_age(last, conf->strict, clock_read(CLOCK_BOOTTIME));

	if (conf->output[0] != '\0' || age < 0 ||
	    age >= (int64_t)conf->unless_seeded * 1000)
		return false;
	log_notice("the kernel was seeded %lld s ago: nothing to do "
		   "(--unless-seeded %ld)",
	    (long long)age / 1000, conf->unless_seeded);
	return true;
}

void agent_offline_close(struct agent_offline *o)
{
	sink_close(&o->sink);
	verify_close(&o->verify);
	replay_close(&o->replay);
	buf_free(o->identity);
	o->identity = NULL;
	if (o->status_fd >= 0)
		(void)close(o->status_fd);
	if (o->last_seed_fd >= 0)
		(void)close(o->last_seed_fd);
	o->status_fd = o->last_seed_fd = -1;
}

/* Say why nothing can be delivered, unless the online half has logged it. */
static int explain_nothing(const struct agent_offline *o, const struct taken *t,
    int ended_by, struct err *err)
{
	if (t->ended && t->end.code < 0)
		return err_told(err, t->end.code);
	if (t->ended && t->end.received == 0)
		return err_set(err, ERR_EMPTY, "no message came");
	if (t->n > 0)
		log_error("no message was usable: see --status");
	if (t->ended)
		return err_told(err, ERR_UNUSABLE);
	/* An online half that hangs is killed soon after the deadline. */
	if (ended_by == ERR_TIMEOUT ||
	    clock_read(CLOCK_MONOTONIC) >= o->deadline)
		return err_set(err, ERR_TIMEOUT,
		    "nothing within %ld s (see --timeout)", o->conf->timeout);
	return err_set(err, ERR_INTERNAL,
	    "the half that talks to the network ended early%s%s",
	    o->cut_short ? "" : ": ", o->cut_short ? "" : err_text(ended_by));
}

/* ms of the time-out that runs have waited, this one and those whose time it
 * was given less for.  After an empty queue there is time for another look. */
static int64_t find_waited(const struct agent_offline *o, int code)
{
	const int64_t all = (int64_t)o->conf->timeout * 1000;
	const int64_t left = o->deadline - clock_read(CLOCK_MONOTONIC);

	if (code != ERR_EMPTY || left > CONF_REST_MS)
		return all - left;
	return all > CONF_REST_MS ? all - CONF_REST_MS : 0;
}

/* Note for --unless-seeded what this run did for the kernel.  A run with
 * --output did nothing for it.  One that the template of this clone began did
 * nothing either, because all its clones end it with the same bytes. */
static void note_outcome(struct agent_offline *o, int code)
{
	const int64_t now = clock_read(CLOCK_BOOTTIME);

	if (!o->sink.kernel)
		return;
	if (o->last_seed_fd >= 0)
		last_seed_read_again(&o->last_seed, o->last_seed_fd);
	if (o->began < o->last_seed.forked)
		return;
	if (code == 0)
		last_seed_note(&o->last_seed, now, o->credit > 0);
	else if (code == ERR_EMPTY || err_exit(code) == err_exit(ERR_TIMEOUT))
		last_seed_note_failure(
		    &o->last_seed, now, find_waited(o, code));
	if (o->last_seed_fd >= 0 &&
	    last_seed_write(&o->last_seed, o->last_seed_fd) != 0)
		log_info("could not note this run for --unless-seeded");
}

/* What came is counted, too, because a half that is killed tells no number. */
static uint32_t count_received(const struct taken *t)
{
	return t->end.received > t->n ? t->end.received : (uint32_t)t->n;
}

static void write_status(
    struct agent_offline *o, const struct taken *t, int code)
{
	const struct status status = {.code = code,
	    .time = clock_read(CLOCK_REALTIME),
	    .boottime = clock_read(CLOCK_BOOTTIME),
	    .received = count_received(t),
	    .bytes = o->used > 0 ? buf_len(t->payloads) : 0,
	    .fallback = o->fell_back,
	    .credit = o->credit,
	    .kernel = o->sink.kernel,
	    .last_seed = o->last_seed,
	    .n = t->n,
	    .at = t->at};

	o->told = true;
	if (o->status_fd >= 0 && status_write(o->status_fd, &status) != 0)
		log_info("could not write the status of this run");
}

static int say_ready(
    const struct agent_offline *o, int fd, int64_t deadline, struct err *err)
{
	int rc = sink_probe(&o->sink, err);

	if (rc != 0)
		return rc;
	rc = record_send(fd, RECORD_READY, NULL, 0, -1, deadline);
	/* ERR_EOF: the online half has ended, and its records tell why. */
	if (rc == 0 || rc == ERR_EOF)
		return 0;
	return err_set(err, rc, "cannot tell the online half to receive: %s",
	    err_text(rc));
}

/* A key that comes by the role is there before anything is received, because
 * what does not open is lost.  An online half that has none ends the run. */
static int take_all(struct agent_offline *o, struct taken *t, int fd,
    int64_t deadline, int *ended_by, struct err *err)
{
	int rc = 0;

	*ended_by = 0;
	if (conf_parameter(o->conf->seal_key) != NULL)
		*ended_by = take_records(t, o, fd, RECORD_SEAL_KEYS, deadline);
	if (*ended_by == 0 && !t->ended) {
		rc = say_ready(o, fd, deadline, err);
		if (rc == 0)
			*ended_by =
			    take_records(t, o, fd, RECORD_END, deadline);
	}
	return rc;
}

static int run_taken(struct agent_offline *o, struct taken *t, int fd,
    int64_t deadline, struct err *err)
{
	int ended_by, rc = take_all(o, t, fd, deadline, &ended_by, err);

	if (rc != 0)
		return rc;
	o->cut_short = ended_by == ERR_EOF;
	deliver_identity(o);
	if (t->used == 0) {
		o->fell_back = deliver_fallback(o, t->fallback);
		return explain_nothing(o, t, ended_by, err);
	}
	if (ended_by != 0)
		log_warning("the half that talks to the network ended early, "
			    "and may have lost messages%s%s",
		    o->cut_short ? "" : ": ",
		    o->cut_short ? "" : err_text(ended_by));
	rc = deliver(o, t, &o->credit, err);
	if (rc == 0 || rc == ERR_UNUSABLE)
		o->used = t->used;
	return rc;
}

int agent_offline_run(
    struct agent_offline *o, int fd, int64_t deadline, struct err *err)
{
	struct taken taken;
	int rc = take_init(&taken, o->conf);

	o->used = o->credit = 0;
	o->fell_back = 0;
	if (rc != 0) {
		(void)err_set(err, rc, "%s", err_text(rc));
	} else {
		rc = run_taken(o, &taken, fd, deadline, err);
		note_outcome(o, rc);
		write_status(o, &taken, rc);
	}
	take_free(&taken);
	return rc;
}
