/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_CONFIG_PROGRAM_ROWS_H
#define SQS_ENTROPY_CONFIG_PROGRAM_ROWS_H

#include "config/program.h"

/*
 * The rows of struct program_conf.  They stand in the table of each program,
 * because --help and errors list settings in its order.  directive is
 * SETTING_DIRECTIVE for the program that cloud-init's directive is about,
 * else 0.
 */
/* clang-format off */
#define PROGRAM_MEMBER(name) SETTING_MEMBER(struct program_conf, name)
#define PROGRAM_VARIABLES(...) \
	.variables = (const char *const[]) { __VA_ARGS__, NULL }
#define PROGRAM_QUEUE_ROW(directive, text) \
	{"queue", SETTING_LIST, SETTING_OPTION | SETTING_FILE | (directive), \
	    .max = LIMIT_QUEUES, SETTING_SHOWN('q', "URL|ARN|NAME", text), \
	    PROGRAM_MEMBER(queues)}
#define PROGRAM_PLACE_ROWS(directive) \
	{"region", SETTING_STRING, SETTING_FILE | (directive), \
	    PROGRAM_MEMBER(region), \
	    PROGRAM_VARIABLES("AWS_REGION", "AWS_DEFAULT_REGION")}, \
	{"endpoint-url", SETTING_STRING, \
	    SETTING_OPTION | SETTING_FILE | (directive), \
	    SETTING_SHOWN(0, "URL", "where SQS is, whatever is set elsewhere"), \
	    PROGRAM_MEMBER(endpoint_url)}, \
	{"use-fips-endpoint", SETTING_SWITCH, SETTING_FILE | (directive), \
	    PROGRAM_MEMBER(use_fips), \
	    PROGRAM_VARIABLES("AWS_USE_FIPS_ENDPOINT")}, \
	{"use-dualstack-endpoint", SETTING_SWITCH, SETTING_FILE | (directive), \
	    PROGRAM_MEMBER(use_dualstack), \
	    PROGRAM_VARIABLES("AWS_USE_DUALSTACK_ENDPOINT")}, \
	{"profile", SETTING_STRING, SETTING_FILE, PROGRAM_MEMBER(profile), \
	    PROGRAM_VARIABLES("AWS_DEFAULT_PROFILE", "AWS_PROFILE")}, \
	{"ca-bundle", SETTING_STRING, SETTING_FILE | (directive), \
	    PROGRAM_MEMBER(ca_bundle), PROGRAM_VARIABLES("AWS_CA_BUNDLE")}, \
	{"iot-endpoint", SETTING_STRING, SETTING_FILE, \
	    PROGRAM_MEMBER(iot_endpoint)}, \
	{"iot-role-alias", SETTING_STRING, SETTING_FILE, \
	    PROGRAM_MEMBER(iot_role_alias)}, \
	{"iot-thing-name", SETTING_STRING, SETTING_FILE, \
	    PROGRAM_MEMBER(iot_thing_name)}, \
	{"iot-certificate", SETTING_STRING, SETTING_FILE, \
	    PROGRAM_MEMBER(iot_certificate)}, \
	{"iot-private-key", SETTING_STRING, SETTING_FILE, \
	    PROGRAM_MEMBER(iot_private_key)}
#define PROGRAM_CHECK_ROWS(path) \
	{"config", SETTING_WORD, SETTING_OPTION, PROGRAM_MEMBER(file), \
	    SETTING_SHOWN('c', "FILE", "instead of " path), \
	    .goes_with_all = true}, \
	{"check", SETTING_ACTION, SETTING_OPTION, .action = PROGRAM_CHECK, \
	    SETTING_SHOWN(0, NULL, "validate the configuration and exit"), \
	    .reads_all = true}
/* Of a struct conf with "bool openmetrics; long max_age;". */
#define PROGRAM_STATUS_ROWS \
	{"openmetrics", SETTING_FLAG, SETTING_OPTION, \
	    .belongs_to = "--status", .excludes = "json", \
	    SETTING_MEMBER(struct conf, openmetrics), \
	    SETTING_SHOWN(0, NULL, "with --status: as metrics")}, \
	{"max-age", SETTING_LONG, SETTING_OPTION, NULL, 1, 31536000, \
	    .belongs_to = "--status", SETTING_MEMBER(struct conf, max_age), \
	    SETTING_SHOWN(0, "SECONDS", \
		"with --status: exit 75 if it was written longer ago")}
#define PROGRAM_ABOUT_ROWS \
	{"verbose", SETTING_COUNT, SETTING_OPTION, PROGRAM_MEMBER(verbose), \
	    SETTING_SHOWN('v', NULL, "say more (twice: debug)"), \
	    .goes_with_all = true}, \
	{"help", SETTING_ACTION, SETTING_OPTION, .action = PROGRAM_HELP, \
	    SETTING_SHOWN('h', NULL, "show this and exit"), \
	    .tells_only = true}, \
	{"version", SETTING_ACTION, SETTING_OPTION, \
	    .action = PROGRAM_VERSION, \
	    SETTING_SHOWN('V', NULL, "show the version and exit"), \
	    .tells_only = true}
/* clang-format on */

#endif
