/* SPDX-License-Identifier: Apache-2.0 */
#include "config/unit_variables.h"

#include <ctype.h>
#include <stdint.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"

/* Quotes around a value go; what systemd does beside that is not needed for
 * keys and URLs. */
static char *trim_value(char *value)
{
	size_t len;

	value += strspn(value, " \t");
	len = strlen(value);
	while (len > 0 && isspace((unsigned char)value[len - 1]))
		value[--len] = '\0';
	if (len >= 2 && (value[0] == '"' || value[0] == '\'') &&
	    value[len - 1] == value[0]) {
		value[len - 1] = '\0';
		value++;
	}
	return value;
}

/* systemd, too, passes over what is no assignment. */
static int take_assignment(char *line, unit_variable *take, void *ctx)
{
	char *value = strchr(line, '=');

	line += strspn(line, " \t");
	if (line[0] == '#' || line[0] == ';' || value == NULL || value <= line)
		return 0;
	*value = '\0';
	line[strcspn(line, " \t")] = '\0';
	return take(ctx, line, trim_value(value + 1));
}

int unit_variables_read(const char *path, unit_variable *take, void *ctx)
{
	uint8_t *space;
	struct buf *text = buf_new_zero(UNIT_VARIABLES_MAX + 1, &space);
	char *rest = (char *)space, *line;
	size_t len;
	int rc = ERR_NOMEM;

	if (text != NULL)
		rc = file_read(path, space, UNIT_VARIABLES_MAX, &len);
	while (rc == 0 && (line = strsep(&rest, "\n")) != NULL)
		rc = take_assignment(line, take, ctx);
	buf_free(text);
	return rc;
}
