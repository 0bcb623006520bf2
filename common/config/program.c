/* SPDX-License-Identifier: Apache-2.0 */
#include "config/program.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/descriptors.h"
#include "base/sanitized.h"
#include "base/text.h"
#include "config/conffile.h"
#include "config/environment.h"
#include "config/options.h"
#include "config/service_credential.h"

static struct program_conf *common_of(struct conf *conf)
{
	return (struct program_conf *)conf;
}

/* The default file may be absent, a file that --config names may not. */
static int read_conf_file(const struct program *program, struct conf *conf,
    int lines[], struct err *err)
{
	const char *path = common_of(conf)->file;
	int rc = conffile_read(path, &program->settings, conf, lines, err);

	if (rc != ERR_ABSENT)
		return rc;
	if (path != program->file)
		return err_set(err, ERR_CONFIG, "%s: no such file", path);
	err->code = 0;
	return 0;
}

/* A service's credential comes before all other layers. */
static void take_service_credentials(
    const struct program *program, struct conf *conf)
{
	const struct setting *row = program->settings.rows;

	for (size_t i = 0; i < program->settings.n; i++, row++)
		if ((row->layers & SETTING_CREDENTIAL) != 0 &&
		    service_credential_find(
			row->name, settings_at(row, conf), row->size))
			common_of(conf)->origin[i] = PROGRAM_BY_SERVICE;
}

/* Of two settings, one of which says what the other one does, the file may have
 * one, and what is set comes before a default. */
static int choose_of_pairs(
    const struct settings *settings, struct conf *conf, struct err *err)
{
	const struct program_conf *common = common_of(conf);
	const struct setting *row = settings->rows;

	for (size_t i = 0; i < settings->n; i++, row++) {
		const struct setting *other;
		int line;

		if (row->unless == NULL ||
		    common->origin[i] == PROGRAM_BY_DEFAULT)
			continue;
		other = settings_find(settings, row->unless);
		line = common->origin[other - settings->rows];
		if (line != PROGRAM_BY_DEFAULT)
			return err_set(err, ERR_CONFIG,
			    "%s:%d: %s cannot be set beside %s, which line %d "
			    "sets: remove one of them",
			    common->file, common->origin[i], row->name,
			    other->name, line);
		*(long *)settings_at(other, conf) = 0;
	}
	return 0;
}

/* Options are set before the file is read, too, so that the output is known
 * even when the file is malformed. */
static int take_layers(const struct program *program, struct conf *conf,
    const struct options *options, struct err *err)
{
	const struct settings *settings = &program->settings;
	int lines[SETTINGS_MAX] = {0};
	int rc = options_set_given(options, settings, conf, err);

	if (rc == 0)
		rc = read_conf_file(program, conf, lines, err);
	if (rc == 0)
		rc = options_set_given(options, settings, conf, err);
	for (size_t i = 0; i < settings->n; i++)
		common_of(conf)->origin[i] =
		    options->given[i][0] != NULL ? PROGRAM_BY_OPTION : lines[i];
	take_service_credentials(program, conf);
	if (rc == 0)
		rc = choose_of_pairs(settings, conf, err);
	if (rc == 0 && program->complete != NULL)
		rc = program->complete(conf, err);
	return rc;
}

int program_load(const struct program *program, struct conf *conf, int argc,
    char *const argv[], struct err *err)
{
	const struct settings *settings = &program->settings;
	struct program_conf *common = common_of(conf);
	struct options options;
	int rc = settings_set_defaults(settings, conf, err);

	common->file = program->file;
	if (rc == 0)
		rc = options_read(&options, settings, conf, argc, argv, err);
	common->log_level = LOG_LEVEL_NOTICE;
	if (common->verbose > 0)
		common->log_level =
		    common->verbose > 1 ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO;
	if (rc == 0 && options.action != NULL)
		common->action = options.action->action;
	if (rc != 0 || (options.action != NULL && options.action->tells_only))
		return rc;
	if (options.action != NULL && !options.action->reads_all)
		return options_set_given(&options, settings, conf, err);
	return take_layers(program, conf, &options, err);
}

const char *program_endpoint(const struct program *program,
    const struct program_conf *common, bool by_option)
{
	const struct setting *row =
	    settings_find(&program->settings, "endpoint-url");
	const bool option =
	    row != NULL &&
	    common->origin[row - program->settings.rows] == PROGRAM_BY_OPTION;

	return option == by_option ? common->endpoint_url : "";
}

static void print_usage(const struct program *program)
{
	(void)printf(
	    "Usage: %s [OPTION]...\n%s\n", program->name, program->does);
	options_print_help(&program->settings, stdout);
	(void)printf("\n%sSee %s(8) and %s.conf(5).\n", program->exits,
	    program->name, program->name);
}

/* Where the file or a default has it. */
static void print_origin(int origin, const char *file)
{
	static const char *const names[] = {[PROGRAM_BY_DEFAULT] = "default",
	    [-PROGRAM_BY_OPTION] = "option",
	    [-PROGRAM_BY_SERVICE] = "credential of the service"};

	if (origin > 0) {
		text_print(stdout, file);
		(void)printf(":%d\n", origin);
	} else {
		(void)printf("%s\n", names[-origin]);
	}
}

/* A variable stands before the file, and no setting that has one has an option
 * as well. */
static void print_setting(
    const struct setting *row, struct conf *conf, int origin, const char *file)
{
	const char *variable = environment_first(row->variables);

	if (variable == NULL) {
		settings_print(row, conf, stdout);
		(void)printf("  # ");
		print_origin(origin, file);
		return;
	}
	settings_print_text(row, getenv(variable), stdout);
	(void)printf("  # %s", variable);
	if (origin > 0)
		(void)printf(", before ");
	if (origin > 0)
		print_origin(origin, file);
	else
		(void)putchar('\n');
}

/* The units read them, and a call by hand does not. */
static void print_unit_files(const struct program *program)
{
	static const char *const directories[] = {
	    "/etc/default", "/etc/sysconfig"};
	char path[128];

	for (size_t i = 0; i < 2; i++) {
		(void)snprintf(
		    path, sizeof path, "%s/%s", directories[i], program->name);
		if (access(path, F_OK) == 0)
			(void)printf("# ignored %s: its variables are the "
				     "service's alone\n",
			    path);
	}
}

/* --check: print the settings that hold as a file that would give them. */
static void print_settings(const struct program *program, struct conf *conf)
{
	const struct program_conf *common = common_of(conf);
	const struct setting *row = program->settings.rows;

	environment_show(stdout);
	print_unit_files(program);
	for (size_t i = 0; i < program->settings.n; i++, row++) {
		if ((row->layers & SETTING_FILE) == 0 ||
		    !settings_holds(&program->settings, row, conf))
			continue;
		print_setting(row, conf, common->origin[i], common->file);
	}
	text_print(stdout, common->file);
	(void)printf(": %s\n", access(common->file, F_OK) == 0
				   ? "valid"
				   : "not there, the defaults apply");
}

static int do_action(const struct program *program,
    const struct program_work *work, struct conf *conf, struct err *err)
{
	int rc;

	switch (common_of(conf)->action) {
	case PROGRAM_HELP:
		print_usage(program);
		return 0;
	case PROGRAM_VERSION:
		(void)printf("%s " SQS_ENTROPY_VERSION "\n", program->name);
		return 0;
	case PROGRAM_CHECK:
		rc = work->act(conf, err);
		if (rc == 0)
			print_settings(program, conf);
		return rc;
	default:
		return work->act(conf, err);
	}
}

int program_main(const struct program *program, const struct program_work *work,
    struct conf *conf, int argc, char *const argv[])
{
	struct err err = {0};
	int rc;

	descriptors_init();
	log_open(program->name, LOG_LEVEL_NOTICE);
	rc = program_load(program, conf, argc, argv, &err);
	log_open(program->name, common_of(conf)->log_level);
	if (rc == 0)
		rc = do_action(program, work, conf, &err);
	else if (work->refused != NULL)
		work->refused(conf, rc);
	if (err.code != 0 && !err.told)
		log_error("%s", err.text);
	return err_exit(rc);
}

void program_end(int code)
{
	if (SANITIZED)
		exit(code);
	(void)fflush(NULL);
	_exit(code);
}
