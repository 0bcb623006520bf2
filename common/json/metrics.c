/* SPDX-License-Identifier: Apache-2.0 */
#include "json/metrics.h"

#include <inttypes.h>
#include <string.h>

#include "base/text.h"

#define LABEL_MAX 512 /* bytes of a value, with the NUL */

void metrics_begin(FILE *to, const char *name, const char *help)
{
	(void)fprintf(to, "# HELP %s %s\n# TYPE %s gauge\n", name, help, name);
}

static void put_label(FILE *to, const char *label, const char *value)
{
	char text[LABEL_MAX];

	if (label == NULL)
		return;
	text_shorten(text, sizeof text, value, strlen(value));
	text_make_printable(text, strlen(text));
	(void)fprintf(to, "{%s=\"", label);
	for (const char *at = text; *at != '\0'; at++) {
		if (*at == '"' || *at == '\\')
			(void)fputc('\\', to);
		(void)fputc(*at, to);
	}
	(void)fprintf(to, "\"}");
}

void metrics_put(
    FILE *to, const char *name, const char *label, const char *value, int64_t n)
{
	(void)fprintf(to, "%s", name);
	put_label(to, label, value);
	(void)fprintf(to, " %" PRId64 "\n", n);
}

void metrics_put_ms(FILE *to, const char *name, const char *label,
    const char *value, int64_t ms)
{
	const uint64_t size = ms < 0 ? -(uint64_t)ms : (uint64_t)ms;

	(void)fprintf(to, "%s", name);
	put_label(to, label, value);
	(void)fprintf(to, " %s%" PRIu64 ".%03u\n", ms < 0 ? "-" : "",
	    size / 1000, (unsigned)(size % 1000));
}

void metrics_one(FILE *to, const char *name, const char *help, int64_t n)
{
	metrics_begin(to, name, help);
	metrics_put(to, name, NULL, NULL, n);
}

void metrics_one_ms(FILE *to, const char *name, const char *help, int64_t ms)
{
	metrics_begin(to, name, help);
	metrics_put_ms(to, name, NULL, NULL, ms);
}

void metrics_end(FILE *to)
{
	(void)fputs("# EOF\n", to);
}
