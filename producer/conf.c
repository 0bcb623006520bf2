/* SPDX-License-Identifier: Apache-2.0 */
#include "producer/conf.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "config/conffile.h"
#include "config/options.h"
#include "config/service_credential.h"
#include "crypto/hpke.h"
#include "message/message.h"

/* Rows of the table that options name too. */
enum row { ROW_QUEUE, ROW_DEVICE, ROW_OTHERS };

enum { OPTION_CHECK = 256, OPTION_ONCE, OPTION_GENKEY, OPTION_SEAL };

static const struct option long_options[] = {
    {"queue", required_argument, NULL, 'q'},
    {"device", required_argument, NULL, 'd'},
    {"once", no_argument, NULL, OPTION_ONCE},
    {"genkey", required_argument, NULL, OPTION_GENKEY},
    {"seal", no_argument, NULL, OPTION_SEAL},
    {"config", required_argument, NULL, 'c'},
    {"check", no_argument, NULL, OPTION_CHECK},
    {"verbose", no_argument, NULL, 'v'},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'V'},
    {NULL, 0, NULL, 0},
};
#define SHORT_OPTIONS ":q:d:c:vhV"

void conf_print_help(void)
{
	(void)fputs(
	    "Usage: sqs-entropy-producer [OPTION]...\n"
	    "Keep an Amazon SQS queue topped up with hardware random bytes, "
	    "until told to\nstop.\n\n"
	    "  -q, --queue URL|NAME    the queue (default: from the "
	    "configuration)\n"
	    "  -d, --device FILE[,...] the hardware generators (/dev/hwrng)\n"
	    "      --once              one look, one top-up, then exit\n"
	    "      --genkey FILE       make a signing key, print its public key\n"
	    "      --seal              with --genkey: a key pair for sealing\n"
	    "  -c, --config FILE       instead of " CONF_FILE "\n"
	    "      --check             validate the configuration and exit\n"
	    "  -v, --verbose           say more (twice: debug)\n"
	    "  -h, --help              show this and exit\n"
	    "  -V, --version           show the version and exit\n\n"
	    "Exit: 0 done, 64 usage, 65 a source failed its tests, 69 "
	    "unavailable,\n70 internal, 77 not permitted, 78 configuration.\n"
	    "See sqs-entropy-producer(8) and sqs-entropy-producer.conf(5).\n",
	    stdout);
}

#define MEMBER(name) SETTING_MEMBER(struct conf, name)

static const struct setting rows[] = {
    [ROW_QUEUE] = {"queue", SETTING_STRING, SETTING_FILE, MEMBER(queue)},
    [ROW_DEVICE] = {"device", SETTING_STRING, SETTING_FILE, "/dev/hwrng",
	MEMBER(device)},
    [ROW_OTHERS] = {"region", SETTING_STRING, SETTING_FILE, MEMBER(region)},
    {"endpoint-url", SETTING_STRING, SETTING_FILE, MEMBER(endpoint_url)},
    {"profile", SETTING_STRING, SETTING_FILE, MEMBER(profile)},
    {"ca-bundle", SETTING_STRING, SETTING_FILE, MEMBER(ca_bundle)},
    {"signing-key", SETTING_STRING, SETTING_FILE, MEMBER(signing_key)},
    {"seal-to", SETTING_STRING, SETTING_FILE, MEMBER(seal_to)},
    {"low-watermark", SETTING_LONG, SETTING_FILE, "10", 1, 100000,
	MEMBER(refill.low_watermark)},
    {"burst", SETTING_LONG, SETTING_FILE, "10", 1, 10000, MEMBER(refill.burst)},
    {"interval", SETTING_LONG, SETTING_FILE, "60", 1, 86400,
	MEMBER(refill.interval)},
    {"message-bytes", SETTING_LONG, SETTING_FILE, "512", MESSAGE_PAYLOAD_MIN,
	MESSAGE_PAYLOAD_MAX, MEMBER(message_bytes)},
    {"bits-per-byte", SETTING_DOUBLE, SETTING_FILE, "1.0", 0.1, 8,
	MEMBER(bits_per_byte)},
};

static const struct settings settings = {
    rows, sizeof rows / sizeof rows[0], sizeof(struct conf)};

static int set_defaults(struct conf *conf, struct err *err)
{
	const int rc = settings_set_defaults(&settings, conf, err);

	conf->file = CONF_FILE;
	conf->log_level = LOG_LEVEL_NOTICE;
	return rc;
}

static int take_option(struct conf *conf, const char *given[ROW_OTHERS], int c,
    char *const argv[], struct err *err)
{
	switch (c) {
	case 'q':
		given[ROW_QUEUE] = optarg;
		return 0;
	case 'd':
		given[ROW_DEVICE] = optarg;
		return 0;
	case OPTION_ONCE:
		conf->once = true;
		return 0;
	case OPTION_GENKEY:
		conf->action = CONF_GENKEY;
		conf->key_file = optarg;
		return 0;
	case OPTION_SEAL:
		conf->seal = true;
		return 0;
	case 'c':
		conf->file = optarg;
		conf->file_given = true;
		return 0;
	case OPTION_CHECK:
		conf->action = CONF_CHECK;
		return 0;
	case 'v':
		conf->log_level = options_more_verbose(conf->log_level);
		return 0;
	case 'h':
		conf->action = CONF_HELP;
		return 0;
	case 'V':
		conf->action = CONF_VERSION;
		return 0;
	default:
		return options_bad(c, argv, err);
	}
}

static int take_options(struct conf *conf, const char *given[ROW_OTHERS],
    int argc, char *const argv[], struct err *err)
{
	int c, rc = 0;

	opterr = 0;
	while (rc == 0 && (c = getopt_long(argc, argv, SHORT_OPTIONS,
			       long_options, NULL)) != -1)
		rc = take_option(conf, given, c, argv, err);
	if (rc == 0 && optind < argc)
		rc = err_set(err, ERR_USAGE,
		    "unexpected argument %s (see --help)", argv[optind]);
	return rc;
}

static size_t sent_bytes(const struct conf *conf)
{
	return (size_t)conf->message_bytes +
	       (conf->seal_to[0] != '\0' ? HPKE_OVERHEAD : 0);
}

static int check_whole(const struct conf *conf, struct err *err)
{
	if (conf->seal_to[0] != '\0' && conf->signing_key[0] == '\0')
		return err_set(err, ERR_CONFIG,
		    "%s: seal-to needs a signing-key: make one with --genkey",
		    conf->file);
	if (sent_bytes(conf) > MESSAGE_PAYLOAD_MAX)
		return err_set(err, ERR_CONFIG,
		    "%s: message-bytes: sealing adds %d bytes, and %d are "
		    "allowed in all",
		    conf->file, HPKE_OVERHEAD, MESSAGE_PAYLOAD_MAX);
	if (conf->queue[0] == '\0')
		return err_set(err, ERR_CONFIG,
		    "no queue: set queue in %s or give --queue URL|NAME",
		    conf->file);
	return 0;
}

/* The key of a credential comes first.  The unit hands over CONF_UNIT_KEY as
 * one, and who asks whether the unit's configuration is valid means that. */
static void find_key(struct conf *conf)
{
	if (service_credential_find(
		"signing-key", conf->signing_key, sizeof conf->signing_key) ||
	    conf->action != CONF_CHECK || conf->file_given ||
	    conf->signing_key[0] != '\0' || access(CONF_UNIT_KEY, R_OK) != 0)
		return;
	(void)snprintf(
	    conf->signing_key, sizeof conf->signing_key, "%s", CONF_UNIT_KEY);
}

int conf_load(struct conf *conf, int argc, char *const argv[], struct err *err)
{
	const char *given[ROW_OTHERS] = {NULL};
	int rc;

	rc = set_defaults(conf, err);
	if (rc == 0)
		rc = take_options(conf, given, argc, argv, err);
	if (rc == 0 && conf->seal && conf->action == CONF_RUN)
		rc = err_set(err, ERR_USAGE, "--seal belongs to --genkey FILE");
	if (rc != 0 || conf->action == CONF_HELP ||
	    conf->action == CONF_VERSION || conf->action == CONF_GENKEY)
		return rc;
	rc = options_read_file(
	    conf->file, conf->file_given, &settings, conf, err);
	for (size_t i = 0; rc == 0 && i < ROW_OTHERS; i++)
		rc = options_set(&rows[i], conf, given[i], err);
	find_key(conf);
	if (rc == 0)
		rc = check_whole(conf, err);
	return rc;
}
