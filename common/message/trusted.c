/* SPDX-License-Identifier: Apache-2.0 */
#include "message/keyfile.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "message/keyfile_internal.h"

#define SUFFIX       ".pub"
#define SUFFIX_LEN   (sizeof SUFFIX - 1)
#define NAME_MAX_LEN (sizeof(((struct keyfile_trusted *)NULL)->at[0].name) - 1)

/* As a shell's *.pub. */
static bool is_key_file(const char *file)
{
	const size_t len = strlen(file);

	return file[0] != '.' && len > SUFFIX_LEN &&
	       strcmp(file + len - SUFFIX_LEN, SUFFIX) == 0;
}

static int take_name(const char *file, const char *directory,
    struct keyfile_trusted *out, struct err *err)
{
	const size_t len = strlen(file) - SUFFIX_LEN;

	if (len > NAME_MAX_LEN)
		return err_set(err, ERR_CONFIG,
		    "%s/%s: its name is too long: leave it at most %zu "
		    "characters before \"" SUFFIX "\"",
		    directory, file, NAME_MAX_LEN);
	if (out->n == KEYFILE_TRUSTED_MAX)
		return err_set(err, ERR_CONFIG,
		    "%s holds over %d trusted keys: remove some", directory,
		    KEYFILE_TRUSTED_MAX);
	memcpy(out->at[out->n].name, file, len);
	out->at[out->n].name[len] = '\0';
	out->n++;
	return 0;
}

static int compare_names(const void *a, const void *b)
{
	const size_t at = offsetof(struct keyfile_trusted, at[0].name) -
			  offsetof(struct keyfile_trusted, at[0]);

	return strcmp((const char *)a + at, (const char *)b + at);
}

static int take_names(DIR *dir, const char *directory,
    struct keyfile_trusted *out, struct err *err)
{
	const struct dirent *entry;
	int rc = 0;

	for (;;) {
		errno = 0;
		entry = readdir(dir);
		if (entry == NULL)
			break;
		if (is_key_file(entry->d_name))
			rc = take_name(entry->d_name, directory, out, err);
		if (rc != 0)
			return rc;
	}
	if (errno != 0)
		return err_errno(err, ERR_CONFIG, "cannot list %s", directory);
	qsort(out->at, out->n, sizeof out->at[0], compare_names);
	return 0;
}

static int read_keys(int dir_fd, const char *directory,
    struct keyfile_trusted *out, struct err *err)
{
	char file[NAME_MAX_LEN + SUFFIX_LEN + 1];
	char origin[PATH_MAX + sizeof file];
	size_t i;
	int rc = 0;

	for (i = 0; i < out->n && rc == 0; i++) {
		(void)snprintf(file, sizeof file, "%s" SUFFIX, out->at[i].name);
		(void)snprintf(origin, sizeof origin, "%s/%s", directory, file);
		rc = keyfile_read_at(dir_fd, file, KEYFILE_SIGN_PUBLIC,
		    KEYFILE_OTHERS_READ, origin, out->at[i].key, err);
		if (rc == 0 && keyfile_id(out->at[i].key, out->at[i].id) != 0)
			rc = err_set(err, ERR_INTERNAL,
			    "OpenSSL refused to hash %s", origin);
	}
	return rc;
}

/* Whoever may add a file may add a key to trust. */
static int check_directory(int fd, const char *directory, struct err *err)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return err_errno(
		    err, ERR_CONFIG, "cannot look at %s", directory);
	return keyfile_check_access(&st, KEYFILE_OTHERS_READ, directory, err);
}

int keyfile_read_trusted(
    const char *directory, struct keyfile_trusted *out, struct err *err)
{
	int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = NULL;
	int rc = 0;

	memset(out, 0, sizeof *out);
	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd >= 0)
		dir = fdopendir(fd);
	if (dir == NULL) {
		rc = err_errno(err, ERR_CONFIG,
		    "cannot open %s, the directory of the trusted keys",
		    directory);
		goto out;
	}
	rc = check_directory(fd, directory, err);
	if (rc == 0)
		rc = take_names(dir, directory, out, err);
	if (rc == 0)
		rc = read_keys(fd, directory, out, err);
out:
	if (rc != 0)
		memset(out, 0, sizeof *out);
	if (dir != NULL)
		(void)closedir(dir);
	else if (fd >= 0)
		(void)close(fd);
	return rc;
}
