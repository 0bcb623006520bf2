/* SPDX-License-Identifier: Apache-2.0 */
#include "producer/doctor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"
#include "confine/confine.h"
#include "doctor/halves.h"
#include "doctor/host.h"
#include "message/seal.h"
#include "producer/halves.h"
#include "producer/offline/blocks.h"
#include "producer/offline/signer.h"
#include "producer/online/online.h"
#include "producer/setup/unit.h"

#define TASTE_BYTES    8    /* read of each device */
#define TASTE_MS       3000 /* for them; a slow generator has 13 bytes a second */
#define HARDWARE_CLOCK "/sys/class/rtc/rtc0" /* a Raspberry Pi has none */
#define CURRENT_RNG    "/sys/class/misc/hw_random/rng_current"

static const struct doctor_unit units[] = {
    {.name = UNIT_NAME, .runs = true},
    /* The last one is for a machine that comes up in another year. */
    {.name = "systemd-time-wait-sync.service"},
};

/* What the offline half needs. */
struct doctor {
	const struct conf *conf;
	struct blocks blocks;
	struct err cannot; /* why they are not open */
	long sealing;      /* bytes that it adds to a message */
};

/* ---- keys */

static void tell_keys(
    struct findings *all, const struct conf *conf, const struct signer *s)
{
	char id[TEXT_HEX_LEN(KEYFILE_ID_LEN)];

	text_hex(id, s->key_id, KEYFILE_ID_LEN);
	if (conf->signing_key[0] == '\0')
		findings_warn(all, "keys",
		    "sqs-entropy-producer --genkey " CONF_UNIT_KEY,
		    "messages are not signed, and earn no credit");
	else
		findings_ok(all, "keys", "signed with key %s of %s%s%s%s%s", id,
		    conf->signing_key, s->seals ? ", sealed (" : "",
		    s->seals ? seal_kinds[s->kem].name : "",
		    s->seals ? ") to " : "", conf->seal_to);
}

static void look_at_producer_keys(struct doctor *d, struct findings *all)
{
	struct signer signer;
	struct err err = {0};

	if (signer_check(&signer, d->conf, &err) != 0) {
		findings_err(all, "keys", &err);
		return;
	}
	tell_keys(all, d->conf, &signer);
	d->sealing = signer.seals ? (long)hpke_overhead(signer.kem) : 0;
	signer_close(&signer);
}

/* ---- devices */

/* As the user who opens a device again when it comes back. */
static void look_at_rights(struct findings *all, const char *path)
{
	struct err err = {0};
	bool readable;

	if (confine_as(PRODUCER_OFFLINE_USER, &err) != 0) {
		findings_err(all, "udev", &err);
		return;
	}
	readable = eaccess(path, R_OK) == 0;
	if (confine_as_root(&err) != 0)
		findings_err(all, "udev", &err);
	else if (readable)
		findings_ok(all, "udev", "%s can be read by its user", path);
	else
		findings_warn(all, "udev",
		    "udevadm trigger --subsystem-match=misc",
		    "%s cannot be read by " PRODUCER_OFFLINE_USER
		    ", who opens it again when it was away",
		    path);
}

static void look_at_paths(struct findings *all, const struct blocks *b)
{
	for (size_t i = 0; i < b->n; i++) {
		if (b->sources[i].regular)
			findings_warn(all, "device",
			    "set device to a hardware generator",
			    "%s is a regular file, whose bytes come again at "
			    "each start",
			    b->sources[i].path);
		look_at_rights(all, b->sources[i].path);
	}
}

/* The clock in ctx says when it has taken too long. */
static int wait_for_bytes(void *ctx, int64_t ms)
{
	const int64_t *until = ctx;
	const struct clock clock = clock_system(NULL);

	if (clock_mono(&clock) >= *until)
		return ERR_CANCELED;
	return clock_sleep(&clock, ms);
}

static void name_generator(char name[static 64], const char *path)
{
	size_t len = 0;

	name[0] = '\0';
	if (strcmp(path, "/dev/hwrng") != 0 ||
	    file_read(CURRENT_RNG, name, 63, &len) != 0)
		return;
	name[len] = '\0';
	name[strcspn(name, "\n")] = '\0';
}

static void taste_source(struct findings *all, struct source *s)
{
	const struct clock clock = clock_system(NULL);
	int64_t until = clock_mono(&clock) + TASTE_MS;
	const struct pace pace = {&clock, wait_for_bytes, &until};
	uint8_t bytes[TASTE_BYTES];
	char name[64];
	struct err err = {0};
	const int rc = source_read(s, &pace, bytes, sizeof bytes, &err);

	explicit_bzero(bytes, sizeof bytes);
	name_generator(name, s->path);
	if (rc == 0)
		findings_ok(all, "device", "%s gives bytes%s%s", s->path,
		    name[0] != '\0' ? " of " : "", name);
	else if (rc == ERR_CANCELED)
		findings_fail(all, ERR_TIMEOUT, "device",
		    "see whether it is plugged in, and its driver loaded",
		    "%s gives no %d bytes in %d s", s->path, TASTE_BYTES,
		    TASTE_MS / 1000);
	else
		findings_err(all, "device", &err);
}

/* ---- the halves */

static void leave_producer_doctor(void *ctx)
{
	struct doctor *d = ctx;

	blocks_close(&d->blocks);
}

static int confine_producer_doctor(void *ctx, struct err *err)
{
	(void)ctx;
	return producer_confine_offline(err);
}

static int confine_doctor_online(
    const char *const *readable, int64_t deadline, struct err *err)
{
	(void)deadline;
	return producer_confine_online(readable, err);
}

static void taste_sources(void *ctx, struct findings *all)
{
	struct doctor *d = ctx;

	if (d->cannot.code != 0)
		findings_err(all, "device", &d->cannot);
	for (size_t i = 0; i < d->blocks.n; i++)
		taste_source(all, &d->blocks.sources[i]);
}

static int run_producer_doctor(
    struct doctor *d, struct findings *all, struct err *err)
{
	const struct conf *conf = d->conf;
	const struct doctor_halves plan = {.leave = leave_producer_doctor,
	    .session = producer_session(conf, -1),
	    .wants = {.sends = true,
		.signs = conf->signing_key[0] != '\0',
		.bytes = conf->message_bytes + d->sealing},
	    .start_runner = producer_start_runner,
	    .confine_online = confine_doctor_online,
	    .confine_offline = confine_producer_doctor,
	    .look = taste_sources,
	    .ctx = d};

	return doctor_run_halves(all, &plan, err);
}

static void look_at_state(struct findings *all)
{
	struct err err = {0};

	if (confine_as(PRODUCER_OFFLINE_USER, &err) == 0)
		doctor_state(all, "sequence",
		    file_directory("STATE_DIRECTORY", CONF_STATE_DIRECTORY),
		    "sequence");
	if (err.code != 0 || confine_as_root(&err) != 0)
		findings_err(all, "sequence", &err);
}

/* The unit's environment, its own home among it. */
static void take_environment(struct findings *all, const struct conf *conf)
{
	if (conf->common.file != conf_program.file)
		return;
	if (geteuid() == 0 && access(UNIT_HOME, F_OK) == 0)
		(void)setenv("HOME", UNIT_HOME, 1);
	doctor_environment(all, conf_program.name);
}

static void look_around_producer(struct doctor *d, struct findings *all)
{
	const struct conf *conf = d->conf;

	take_environment(all, conf);
	doctor_clock(all);
	doctor_confinement(all, PRODUCER_OFFLINE_USER, PRODUCER_ONLINE_USER);
	look_at_producer_keys(d, all);
	doctor_arns(all, conf->common.queues);
	look_at_state(all);
	producer_doctor_last_run(all);
	doctor_units(all, units, access(HARDWARE_CLOCK, F_OK) == 0 ? 1 : 2);
}

int producer_doctor(const struct conf *conf, struct err *err)
{
	struct doctor d = {.conf = conf};
	struct findings all;
	int rc = findings_open(&all, stdout, conf->json, err);

	if (rc != 0)
		return rc;
	look_around_producer(&d, &all);
	if (blocks_open(&d.blocks, conf->device, conf->bits_per_byte,
		(size_t)conf->message_bytes, &d.cannot) == 0)
		look_at_paths(&all, &d.blocks);
	rc = run_producer_doctor(&d, &all, err);
	blocks_close(&d.blocks);
	if (rc != 0)
		findings_err(&all, "halves", err);
	return findings_close(&all, err);
}
