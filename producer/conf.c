/* SPDX-License-Identifier: Apache-2.0 */
#include "producer/conf.h"

#include <stdio.h>
#include <unistd.h>

#include "base/arn.h"
#include "config/program_rows.h"
#include "message/message.h"

#define MEMBER(name) SETTING_MEMBER(struct conf, name)

static const struct setting rows[] = {
    PROGRAM_QUEUE_ROW(0, "the queue (default: from the configuration)"),
    {"device", SETTING_STRING, SETTING_OPTION | SETTING_FILE, "/dev/hwrng",
	SETTING_SHOWN('d', "FILE[,...]", "the hardware generators"),
	MEMBER(device)},
    {"once", SETTING_FLAG, SETTING_OPTION,
	SETTING_SHOWN(0, NULL, "top up once, then exit"), MEMBER(once)},
    {"genkey", SETTING_ACTION, SETTING_OPTION, .action = CONF_GENKEY,
	SETTING_SHOWN(0, "FILE", "make a signing key, print its public key"),
	MEMBER(key_file)},
    {"seal", SETTING_WORD, SETTING_OPTION, .belongs_to = "--genkey FILE",
	SETTING_SHOWN(0, "[=x25519|xwing]",
	    "with --genkey: a key pair for sealing (x25519)"),
	MEMBER(seal)},
    {"pubkey", SETTING_ACTION, SETTING_OPTION, .action = CONF_PUBKEY,
	SETTING_SHOWN(0, "FILE", "print the public key of a secret one"),
	MEMBER(key_file)},
    {"doctor", SETTING_ACTION, SETTING_OPTION, .action = CONF_DOCTOR,
	SETTING_SHOWN(0, NULL, "look for what keeps the service from its work"),
	.reads_all = true},
    {"assess", SETTING_ACTION, SETTING_OPTION, .action = CONF_ASSESS,
	SETTING_SHOWN(0, "[FILE|DEVICE]", "judge a sample of a source"),
	MEMBER(assess.object), .reads_all = true},
    {"bytes", SETTING_LONG, SETTING_OPTION, NULL, 1, 1000000000,
	.belongs_to = "--assess",
	SETTING_SHOWN(0, "N", "with --assess: the sample's size"),
	MEMBER(assess.bytes)},
    {"dump", SETTING_WORD, SETTING_OPTION, .belongs_to = "--assess",
	SETTING_SHOWN(0, "FILE", "with --assess: a new file for the sample"),
	MEMBER(assess.dump)},
    {"restarts", SETTING_WORD, SETTING_OPTION, .belongs_to = "--assess",
	SETTING_SHOWN(0, "FILE",
	    "with --assess: a new file for 1,000 restarts of 1,000 bytes"),
	MEMBER(assess.restarts)},
    {"json", SETTING_FLAG, SETTING_OPTION,
	.belongs_to = "--status, --doctor or --assess",
	SETTING_SHOWN(0, NULL, "with --status, --doctor or --assess: as JSON"),
	MEMBER(json)},
    {"setup", SETTING_ACTION, SETTING_OPTION, .action = CONF_SETUP,
	SETTING_SHOWN(
	    0, "[QUEUE]", "make of this machine a producer that works"),
	MEMBER(setup_queue)},
    {"yes", SETTING_FLAG, SETTING_OPTION, .belongs_to = "--setup",
	SETTING_SHOWN('y', NULL, "with --setup: confirm what it asks"),
	MEMBER(yes)},
    {"status", SETTING_ACTION, SETTING_OPTION, .action = CONF_STATUS,
	SETTING_SHOWN(0, NULL, "say what the service does")},
    PROGRAM_STATUS_ROWS,
    PROGRAM_PLACE_ROWS(0),
    {"signing-key", SETTING_STRING, SETTING_FILE | SETTING_CREDENTIAL,
	MEMBER(signing_key)},
    {"seal-to", SETTING_STRING, SETTING_FILE, MEMBER(seal_to)},
    {"depth", SETTING_LONG, SETTING_FILE, "1000", 1, 100000,
	MEMBER(refill.depth)},
    {"producers", SETTING_LONG, SETTING_FILE, "2", 1, 1000, .with = "depth",
	MEMBER(refill.producers)},
    {"low-watermark", SETTING_LONG, SETTING_FILE, "10", 1, 100000,
	.unless = "depth", MEMBER(refill.low_watermark)},
    {"burst", SETTING_LONG, SETTING_FILE, "10", 1, 10000, .unless = "depth",
	MEMBER(refill.burst)},
    {"interval", SETTING_LONG, SETTING_FILE, "60", 1, 86400,
	MEMBER(refill.interval)},
    {"message-bytes", SETTING_LONG, SETTING_FILE, "512", MESSAGE_PAYLOAD_MIN,
	MESSAGE_PAYLOAD_MAX, MEMBER(message_bytes)},
    {"bits-per-byte", SETTING_DOUBLE, SETTING_FILE, "1.0", 0.1, 8,
	MEMBER(bits_per_byte)},
    PROGRAM_CHECK_ROWS(CONF_FILE),
    PROGRAM_ABOUT_ROWS,
};

_Static_assert(sizeof rows / sizeof rows[0] <= SETTINGS_MAX, "room for rows");

/* The service gets CONF_UNIT_KEY as a credential, which stands before the file.
 * --check and --doctor are run without one, and have to judge the key that the
 * service would get. */
static void find_unit_key(struct conf *conf)
{
	struct program_conf *common = &conf->common;

	if ((common->action != PROGRAM_CHECK &&
		common->action != CONF_DOCTOR) ||
	    common->file != conf_program.file ||
	    access(CONF_UNIT_KEY, R_OK) != 0)
		return;
	(void)snprintf(
	    conf->signing_key, sizeof conf->signing_key, "%s", CONF_UNIT_KEY);
	common->origin[settings_find(&conf_program.settings, "signing-key") -
		       rows] = PROGRAM_BY_SERVICE;
}

static bool is_set(const struct conf *conf, const char *name)
{
	return conf->common.origin[settings_find(&conf_program.settings, name) -
				   rows] != PROGRAM_BY_DEFAULT;
}

bool conf_sets_device(const struct conf *conf)
{
	return is_set(conf, "device");
}

/* Each queue is topped up by itself, so one in two spellings would get too
 * much. */
static int refuse_spellings(const struct program_conf *c, struct err *err)
{
	const size_t n = arn_count_queues(c->queues);
	struct arn one, other;

	for (size_t i = 1; i < n; i++)
		for (size_t k = 0; k < i; k++)
			if (arn_read(c->queues[i], &one) == 0 &&
			    arn_read(c->queues[k], &other) == 0 &&
			    arn_is_same(&one, &other))
				return err_set(err, ERR_CONFIG,
				    "queue: \"%.200s\" and \"%.200s\" are "
				    "one queue; remove one",
				    c->queues[k], c->queues[i]);
	return 0;
}

static int complete_producer(struct conf *conf, struct err *err)
{
	const char *file = conf->common.file;

	find_unit_key(conf);
	if (conf->seal_to[0] != '\0' && conf->signing_key[0] == '\0')
		return err_set(err, ERR_CONFIG,
		    "%s: seal-to needs a signing-key: make one with --genkey",
		    file);
	if (is_set(conf, "producers") && conf->refill.producers > 1 &&
	    conf->refill.depth == 0)
		return err_set(err, ERR_CONFIG,
		    "%s: producers is how many share what is missing at depth, "
		    "not at low-watermark and burst: remove either",
		    file);
	if (conf->common.queues[0][0] == '\0' &&
	    conf->common.action != CONF_ASSESS)
		return err_set(err, ERR_CONFIG,
		    "no queue: set queue in %s or give --queue URL|ARN|NAME",
		    file);
	return refuse_spellings(&conf->common, err);
}

const struct program conf_program = {
    .name = "sqs-entropy-producer",
    .file = CONF_FILE,
    .does = "Keep an Amazon SQS queue topped up with hardware random bytes, "
	    "until told to\nstop.\n",
    .exits = "Exit: 0 done, 64 usage, 65 a source failed its tests, 69 "
	     "unavailable,\n70 internal, 75 no status, 77 not permitted, 78 "
	     "configuration.\n",
    .settings = {rows, sizeof rows / sizeof rows[0], sizeof(struct conf)},
    .complete = complete_producer,
};
