/* SPDX-License-Identifier: Apache-2.0 */
/* For --check: what key files are, and which files of a directory are none. */
#include "message/keyfile.h"

#include <dirent.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>

#include "base/text.h"

static void show_owner(const char *path, FILE *to)
{
	const struct passwd *entry;
	struct stat st;

	if (stat(path, &st) != 0)
		return;
	entry = getpwuid(st.st_uid);
	(void)fputs(", owner ", to);
	if (entry != NULL)
		text_print(to, entry->pw_name);
	else
		(void)fprintf(to, "%ju", (uintmax_t)st.st_uid);
	(void)fprintf(to, ", mode %04o", (unsigned)st.st_mode & 07777u);
}

void keyfile_show(const char *what, const char *name,
    const uint8_t id[static KEYFILE_ID_LEN], const char *path, FILE *to)
{
	char hex[TEXT_HEX_LEN(KEYFILE_ID_LEN)];

	text_hex(hex, id, KEYFILE_ID_LEN);
	(void)fprintf(to, "# %s", what);
	if (name[0] != '\0') {
		(void)fputc(' ', to);
		text_print(to, name);
	}
	(void)fprintf(to, ": key %s  # ", hex);
	text_print(to, path);
	show_owner(path, to);
	(void)fputc('\n', to);
}

static bool is_no_key_file(const struct dirent *entry)
{
	return strcmp(entry->d_name, ".") != 0 &&
	       strcmp(entry->d_name, "..") != 0 &&
	       !keyfile_is_trusted(entry->d_name);
}

static void show_ignored(const char *directory, const char *file, FILE *to)
{
	(void)fputs("# ignored ", to);
	text_print(to, directory);
	(void)fputc('/', to);
	text_print(to, file);
	(void)fputs(file[0] == '.'
			? ": its name begins with a dot\n"
			: ": its name does not end in " KEYFILE_SUFFIX "\n",
	    to);
}

void keyfile_show_ignored(const char *directory, FILE *to)
{
	DIR *dir = opendir(directory);
	const struct dirent *entry;
	size_t more = 0, n = 0;

	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		if (!is_no_key_file(entry))
			continue;
		if (n++ < KEYFILE_TRUSTED_MAX)
			show_ignored(directory, entry->d_name, to);
		else
			more++;
	}
	if (more > 0)
		(void)fprintf(to, "# ignored %zu more files there\n", more);
	if (dir != NULL)
		(void)closedir(dir);
}
