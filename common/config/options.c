/* SPDX-License-Identifier: Apache-2.0 */
#include "config/options.h"

#include <getopt.h>
#include <stdio.h>

int options_bad(int c, char *const argv[], struct err *err)
{
	const char *what = argv[optind - 1];

	if (c == ':')
		return err_set(err, ERR_USAGE,
		    "option %s needs a value (see --help)", what);
	/* Of a bundle of short options optopt is the one; a long option that
	 * is unknown leaves 0, one with a value too many its own number. */
	if (optopt > 0 && optopt < 256 && what[1] != '-')
		return err_set(err, ERR_USAGE,
		    "there is no option -%c (see --help)", optopt);
	return err_set(err, ERR_USAGE,
	    "option %s is unknown, ambiguous or "
	    "takes no value (see --help)",
	    what);
}

enum log_level options_more_verbose(enum log_level level)
{
	return level == LOG_LEVEL_NOTICE ? LOG_LEVEL_INFO : LOG_LEVEL_DEBUG;
}

int options_read_file(const char *path, bool named,
    const struct settings *settings, void *conf, struct err *err)
{
	int lines[SETTINGS_MAX];
	int rc = conffile_read(path, settings, conf, lines, err);

	if (rc != ERR_ABSENT)
		return rc;
	if (!named) {
		err->code = 0;
		return 0;
	}
	return err_set(err, ERR_CONFIG, "%s: no such file", path);
}

int options_set(
    const struct setting *row, void *conf, const char *text, struct err *err)
{
	char origin[64];

	if (text == NULL)
		return 0;
	(void)snprintf(origin, sizeof origin, "--%s", row->name);
	if (settings_set(row, conf, origin, text, err) == 0)
		return 0;
	err->code = ERR_USAGE;
	return ERR_USAGE;
}
