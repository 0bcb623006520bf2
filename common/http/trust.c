/* SPDX-License-Identifier: Apache-2.0 */
#include "http/internal.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
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
static int read_open_bundle(
    const struct http *h, int fd, off_t size, struct buf **out, struct err *err)
{
	const size_t room = size < BUNDLE_LEAST ? BUNDLE_LEAST
			    : size < BUNDLE_MAX ? (size_t)size
						: BUNDLE_MAX;
	uint8_t *space;
	size_t len;
	int rc = ERR_NOMEM;

	*out = buf_new(room);
	if (*out != NULL)
		rc = buf_extend(*out, room, &space);
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
	buf_truncate(*out, len);
	return 0;
}

/* A bundle that cannot be read leaves the one before in force, and so does an
 * empty one, which somebody is about to write. */
static int read_bundle(struct http *h, struct err *err)
{
	const int fd = open(h->ca_bundle, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct buf *pem = NULL;
	struct stat st;
	int rc = 0;

	if (fd < 0)
		return err_errno(err, ERR_CONFIG,
		    "cannot read the CA bundle %s", h->ca_bundle);
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		rc = err_set(err, ERR_CONFIG,
		    "the CA bundle %s is not a file: name a PEM file",
		    h->ca_bundle);
	if (rc == 0)
		rc = read_open_bundle(h, fd, st.st_size, &pem, err);
	if (rc == 0 && (h->ca_pem == NULL || buf_len(pem) > 0)) {
		buf_free(h->ca_pem);
		h->ca_pem = pem;
		h->ca_file = st;
		pem = NULL;
	}
	buf_free(pem);
	(void)close(fd);
	return rc;
}

static int use_bundle(
    struct http *h, const char *path, bool may_come, struct err *err)
{
	if (strlen(path) >= sizeof h->ca_bundle)
		return err_set(
		    err, ERR_CONFIG, "the CA bundle's path is too long");
	memcpy(h->ca_bundle, path, strlen(path) + 1);
	if (may_come && access(path, F_OK) != 0)
		return 0;
	return read_bundle(h, err);
}

/* Whether somebody wrote the bundle, or put another file in its place.  One
 * that is not there, or cannot be looked at, has not come yet. */
static bool has_moved(const struct http *h)
{
	struct stat st;

	return stat(h->ca_bundle, &st) == 0 &&
	       (st.st_dev != h->ca_file.st_dev ||
		   st.st_ino != h->ca_file.st_ino ||
		   st.st_size != h->ca_file.st_size ||
		   st.st_ctim.tv_sec != h->ca_file.st_ctim.tv_sec ||
		   st.st_ctim.tv_nsec != h->ca_file.st_ctim.tv_nsec);
}

/* "5ed36f99.0", as openssl-rehash(1) names its links. */
static bool is_hashed(const char *name)
{
	return strspn(name, "0123456789abcdef") == 8 && name[8] == '.' &&
	       name[9] >= '0' && name[9] <= '9';
}

/* readdir(3) would fetch 32 KiB of names, which nobody needs. */
static bool has_hashed(const char *folder)
{
	_Alignas(struct dirent64) char space[4096];
	const int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ssize_t len = 1;
	int n = 0;

	while (fd >= 0 && len > 0 && n < HASHED_MIN) {
		const struct dirent64 *entry;

		len = getdents64(fd, space, sizeof space);
		for (ssize_t at = 0; at < len; at += entry->d_reclen) {
			entry = (const void *)(space + at);
			n += is_hashed(entry->d_name) ? 1 : 0;
		}
	}
	if (fd >= 0)
		(void)close(fd);
	return n >= HASHED_MIN;
}

/*
 * Debian's libcurl trusts a bundle and a folder with the same certificates.
 * Reading the bundle takes far longer than the rest of a request, and again
 * for each connection; from the folder OpenSSL reads the one file it needs.
 */
static bool folder_will_do(const curl_version_info_data *curl)
{
	return curl->age >= CURLVERSION_SEVENTH && curl->capath != NULL &&
	       has_hashed(curl->capath);
}

/*
 * Fedora's libcurl, and RHEL's, knows a bundle alone.  update-ca-trust(8) puts
 * the same certificates into a folder beside it, with names as OpenSSL wants
 * them, since 2024.  Of the name that libcurl has only the end of its links
 * counts: somebody may have put another bundle there.
 */
static char *find_folder_beside(const curl_version_info_data *curl)
{
	char *folder = NULL, *bundle, *name;

	if (curl->age < CURLVERSION_SEVENTH || curl->capath != NULL ||
	    curl->cainfo == NULL || curl->ssl_version == NULL ||
	    strncmp(curl->ssl_version, "OpenSSL/", 8) != 0)
		return NULL;
	bundle = realpath(curl->cainfo, NULL);
	name = bundle != NULL ? strrchr(bundle, '/') : NULL;
	if (name != NULL && strcmp(name, "/tls-ca-bundle.pem") == 0 &&
	    asprintf(&folder, "%.*s/directory-hash", (int)(name - bundle),
		bundle) < 0)
		folder = NULL;
	free(bundle);
	if (folder == NULL || has_hashed(folder))
		return folder;
	free(folder);
	return NULL;
}

static void find_folder(struct http *h)
{
	const curl_version_info_data *curl = curl_version_info(CURLVERSION_NOW);

	free(h->ca_hashed);
	/* Somebody may have added a certificate to the bundle by hand. */
	h->ca_hashed = h->distrusts ? NULL : find_folder_beside(curl);
	h->ca_folder = h->ca_hashed != NULL || folder_will_do(curl);
}

int http_trust(struct http *h, const struct http_config *cfg, struct err *err)
{
	if (cfg->ca_bundle != NULL && cfg->ca_bundle[0] != '\0')
		return use_bundle(h, cfg->ca_bundle, cfg->bundle_may_come, err);
	find_folder(h);
	return 0;
}

/* A file that was written twice within one tick of its time stamps looks as
 * before, so after a failure it is read whatever it looks like. */
int http_trust_again(struct http *h, struct err *err)
{
	struct err why = {0};
	int rc = 0;

	h->trust_moved = h->trust_moved || h->distrusts;
	if (h->ca_bundle[0] == '\0') {
		if (h->distrusts)
			find_folder(h);
		return 0;
	}
	if (h->ca_pem == NULL || h->distrusts || has_moved(h))
		rc = read_bundle(h, &why);
	/* The old one stays in force. */
	if (h->ca_pem != NULL)
		return 0;
	h->distrusts = true;
	return rc == 0 ? 0 : err_set(err, rc, "%s", why.text);
}
