/* SPDX-License-Identifier: Apache-2.0 */
/* What the patches of libConfuse are for; see rpm_fixes. */
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <confuse.h>

#define DEEP 200000

static int refused(const char *why)
{
	(void)fprintf(stderr, "%s\n", why);
	return 1;
}

/* NULL: it stays what it is. */
static int expands(const char *path, const char *expected)
{
	char *expanded = cfg_tilde_expand(path);
	const int differs =
	    expanded == NULL ||
	    strcmp(expanded, expected != NULL ? expected : path) != 0;

	free(expanded);
	return differs ? refused(path) : 0;
}

static int try_tilde(void)
{
	char name[4096];
	int rc = expands("/etc/passwd", "/etc/passwd") |
		 expands("~root", getpwnam("root")->pw_dir) |
		 expands("~root/", "/root/") |
		 expands("~root/.config", "/root/.config") |
		 expands("~nobody-has-this-name/x", NULL);

	for (size_t len = 1; len < sizeof name - 2; len += 7) {
		memset(name, 'q', sizeof name);
		name[0] = '~';
		name[len + 1] = '\0';
		rc |= expands(name, NULL);
		name[len] = '/';
		rc |= expands(name, len == 1 ? getenv("HOME_OF_USER") : NULL);
	}
	return rc;
}

static void say_nothing(cfg_t *cfg, const char *format, va_list values)
{
	(void)cfg;
	(void)format;
	(void)values;
}

static int parses(const char *text, cfg_flag_t flags)
{
	cfg_opt_t options[] = {CFG_STR("queue", "", CFGF_NONE), CFG_END()};
	cfg_t *cfg = cfg_init(options, flags);
	int rc;

	(void)cfg_set_error_function(cfg, say_nothing);
	rc = cfg_parse_buf(cfg, text);
	(void)cfg_free(cfg);
	return rc;
}

static int try_nesting(void)
{
	static char text[4 * DEEP + 1];

	for (size_t i = 0; i < DEEP; i++)
		memcpy(text + 4 * i, "u { ", 4);
	if (parses(text, CFGF_IGNORE_UNKNOWN) != CFG_PARSE_ERROR)
		return refused("sections without an end were taken");
	return parses("queue = q\n", CFGF_IGNORE_UNKNOWN);
}

static int try_comment(void)
{
	return parses("#\nqueue = q\n", CFGF_COMMENTS) |
	       parses("#", CFGF_COMMENTS) | parses("/**/", CFGF_COMMENTS) |
	       parses("# text\n//\n", CFGF_COMMENTS);
}

int main(int argc, char **argv)
{
	const char *name = argc == 2 ? argv[1] : "";

	if (strcmp(name, "tilde") == 0)
		return try_tilde();
	if (strcmp(name, "nesting") == 0)
		return try_nesting();
	return strcmp(name, "comment") == 0 ? try_comment()
					    : refused("no such case");
}
