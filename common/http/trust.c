/* SPDX-License-Identifier: Apache-2.0 */
#include "http/internal.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

#define BUNDLE_MAX   (4 << 20) /* bytes; a system's has 200 KiB */
#define BUNDLE_LEAST 4096      /* room where stat(2) tells no size */

/* A folder with so many hashed names is a whole store; fewer may be the few
 * certificates that somebody added. */
#define HASHED_MIN   32

/* The bundle is read now, because this process may give up the right to read
 * it. */
static int read_bundle(struct http *h, int fd, off_t size, struct err *err)
{
	const size_t room = size < BUNDLE_LEAST ? BUNDLE_LEAST
			    : size < BUNDLE_MAX ? (size_t)size
						: BUNDLE_MAX;
	uint8_t *space;
	size_t len;
	int rc = ERR_NOMEM;

	h->ca_pem = buf_new(room);
	if (h->ca_pem != NULL)
		rc = buf_extend(h->ca_pem, room, &space);
	if (rc != 0)
		return err_set(err, ERR_NOMEM, "out of memory");
	rc = file_read_open(fd, space, room, &len);
	if (rc == ERR_LIMIT)
		return err_set(err, ERR_CONFIG,
		    "the CA bundle %s is over %d bytes: name a PEM file",
		    h->ca_bundle, BUNDLE_MAX);
	if (rc != 0)
		return err_errno(err, ERR_CONFIG,
		    "cannot read the CA bundle %s", h->ca_bundle);
	buf_truncate(h->ca_pem, len);
	return 0;
}

static int use_bundle(struct http *h, const char *path, struct err *err)
{
	struct stat st;
	int fd, rc = 0;

	if (strlen(path) >= sizeof h->ca_bundle)
		return err_set(
		    err, ERR_CONFIG, "the CA bundle's path is too long");
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return err_errno(
		    err, ERR_CONFIG, "cannot read the CA bundle %s", path);
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		rc = err_set(err, ERR_CONFIG,
		    "the CA bundle %s is not a file: name a PEM file", path);
	memcpy(h->ca_bundle, path, strlen(path) + 1);
	if (rc == 0)
		rc = read_bundle(h, fd, st.st_size, err);
	(void)close(fd);
	return rc;
}

/* "5ed36f99.0", as openssl-rehash(1) names its links. */
static bool is_hashed(const char *name)
{
	return strspn(name, "0123456789abcdef") == 8 && name[8] == '.' &&
	       name[9] >= '0' && name[9] <= '9';
}

static bool has_hashed(const char *folder)
{
	DIR *dir = opendir(folder);
	const struct dirent *entry;
	int n = 0;

	if (dir == NULL)
		return false;
	while (n < HASHED_MIN && (entry = readdir(dir)) != NULL)
		n += is_hashed(entry->d_name) ? 1 : 0;
	(void)closedir(dir);
	return n == HASHED_MIN;
}

/*
 * Debian's libcurl trusts a bundle and a folder with the same certificates.
 * Reading the bundle takes far longer than the rest of a request, and again
 * for each connection; from the folder OpenSSL reads the one file it needs.
 */
static bool folder_will_do(void)
{
	const curl_version_info_data *curl = curl_version_info(CURLVERSION_NOW);

	return curl->age >= CURLVERSION_SEVENTH && curl->capath != NULL &&
	       has_hashed(curl->capath);
}

int http_trust(struct http *h, const char *given, struct err *err)
{
	if (given != NULL && given[0] != '\0')
		return use_bundle(h, given, err);
	h->ca_folder = folder_will_do();
	return 0;
}
