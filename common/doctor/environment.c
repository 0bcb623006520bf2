/* SPDX-License-Identifier: Apache-2.0 */
/* The variables that systemd gives the unit (systemd.exec(5),
 * EnvironmentFile=), so that what is tried is what the unit does. */
#include "doctor/host.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"

#define FILE_BYTES 65536
#define PATH_BYTES 128

static char *skip_blanks(char *s)
{
	return s + strspn(s, " \t\r");
}

/* Cut blanks off the end, and quotes around the whole; what else systemd knows
 * of quoting is in no such file that holds credentials. */
static char *take_variable_value(char *s)
{
	size_t len;

	s = skip_blanks(s);
	len = strlen(s);
	while (len > 0 && isspace((unsigned char)s[len - 1]) != 0)
		s[--len] = '\0';
	if (len >= 2 && (s[0] == '"' || s[0] == '\'') && s[len - 1] == s[0]) {
		s[len - 1] = '\0';
		s++;
	}
	return s;
}

/* "NAME=value"; true if it was one. */
static bool set_from_line(char *line)
{
	char *name = skip_blanks(line);
	char *value = strchr(name, '=');

	if (name[0] == '#' || name[0] == ';' || value == NULL || value == name)
		return false;
	*value++ = '\0';
	name[strcspn(name, " \t")] = '\0';
	return setenv(name, take_variable_value(value), 1) == 0;
}

static int set_from_text(char *text)
{
	int n = 0;

	for (char *line = text, *next; line != NULL; line = next) {
		next = strchr(line, '\n');
		if (next != NULL)
			*next++ = '\0';
		n += set_from_line(line) ? 1 : 0;
	}
	return n;
}

static void take_environment_file(struct findings *all, const char *path)
{
	struct buf *text = buf_new(FILE_BYTES);
	uint8_t *space;
	size_t len = 0;
	int rc = ERR_NOMEM;

	if (text != NULL)
		rc = buf_extend(text, FILE_BYTES, &space);
	if (rc == 0)
		rc = file_read(path, space, FILE_BYTES - 1, &len);
	if (rc == 0) {
		space[len] = '\0';
		findings_ok(all, "environment",
		    "as the unit's, with %d "
		    "variables of %s",
		    set_from_text((char *)space), path);
	} else if (rc != ERR_ABSENT) {
		findings_warn(all, "environment", "run it as root",
		    "%s, which the unit has its variables from, cannot be "
		    "read: %s",
		    path, rc == ERR_IO ? strerror(errno) : err_text(rc));
	}
	buf_free(text);
}

void doctor_environment(struct findings *all, const char *name)
{
	static const char *const folders[] = {"default", "sysconfig"};
	char path[PATH_BYTES];

	for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
		(void)snprintf(
		    path, sizeof path, "/etc/%s/%s", folders[i], name);
		take_environment_file(all, path);
	}
}
