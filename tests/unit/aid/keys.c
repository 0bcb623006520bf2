/* SPDX-License-Identifier: Apache-2.0 */
#include "aid/keys.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define NOBODY 65534

int keys_setup(void **state)
{
	struct keys *k = calloc(1, sizeof *k);

	*state = k;
	if (k == NULL)
		return -1;
	(void)strcpy(k->dir, "/tmp/sqs-entropy-keys-XXXXXX");
	return mkdtemp(k->dir) != NULL ? 0 : -1;
}

int keys_teardown(void **state)
{
	struct keys *k = *state;
	struct dirent *entry;
	DIR *dir;

	if (k == NULL)
		return 0;
	(void)chmod(k->dir, 0700);
	dir = opendir(k->dir);
	while (dir != NULL && (entry = readdir(dir)) != NULL)
		if (unlinkat(dirfd(dir), entry->d_name, 0) != 0)
			(void)unlinkat(dirfd(dir), entry->d_name, AT_REMOVEDIR);
	if (dir != NULL)
		(void)closedir(dir);
	(void)rmdir(k->dir);
	free(k);
	return 0;
}

const char *keys_path(struct keys *k, const char *name)
{
	int len = snprintf(k->path, sizeof k->path, "%s/%s", k->dir, name);

	assert_in_range(len, 1, sizeof k->path - 1);
	return k->path;
}

const char *keys_put(
    struct keys *k, const char *name, const char *text, mode_t mode)
{
	const char *path = keys_path(k, name);
	FILE *f;

	(void)unlink(path);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, strlen(text), f), strlen(text));
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(path, mode), 0);
	return path;
}

void keys_assert_file(const char *path, const char *text, mode_t mode)
{
	char got[512];
	struct stat st;
	size_t len;
	FILE *f;

	assert_int_equal(lstat(path, &st), 0);
	assert_true(S_ISREG(st.st_mode));
	assert_int_equal(st.st_mode & 07777, mode);
	f = fopen(path, "r");
	assert_non_null(f);
	len = fread(got, 1, sizeof got - 1, f);
	assert_int_equal(fclose(f), 0);
	got[len] = '\0';
	assert_string_equal(got, text);
}

void keys_drop(bool drop)
{
	if (getuid() == 0)
		assert_int_equal(seteuid(drop ? NOBODY : 0), 0);
}
