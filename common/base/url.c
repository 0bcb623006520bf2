/* SPDX-License-Identifier: Apache-2.0 */
#include "base/url.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "base/err.h"
#include "base/text.h"

#define HOST_CHARS                                                             \
	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"       \
	".-_:[]"
#define SEGMENT_CHARS                                                          \
	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"       \
	".-_~%"
#define PATH_CHARS "/" SEGMENT_CHARS

static bool ends_with(const char *s, const char *end)
{
	size_t len = strlen(s), n = strlen(end);

	return len >= n && strcmp(s + len - n, end) == 0;
}

/* curl leaves the scheme's own port out of Host, which is signed. */
static void drop_default_port(char *origin, const char *host)
{
	const char *port = strncmp(origin, "https:", 6) == 0 ? ":443" : ":80";

	if (ends_with(host, port) && strlen(host) > strlen(port))
		origin[strlen(origin) - strlen(port)] = '\0';
}

int sqs_url_split(const char *text, struct sqs_url *out)
{
	size_t scheme, host;

	if (strncasecmp(text, "https://", 8) == 0)
		scheme = 8;
	else if (strncasecmp(text, "http://", 7) == 0)
		scheme = 7;
	else
		return ERR_FORMAT;
	if (strlen(text) >= sizeof out->origin)
		return ERR_LIMIT;
	host = strspn(text + scheme, HOST_CHARS);
	out->path = text + scheme + host;
	if (host == 0 || (*out->path != '\0' && *out->path != '/') ||
	    out->path[strspn(out->path, PATH_CHARS)] != '\0')
		return ERR_FORMAT;
	memcpy(out->origin, text, scheme + host);
	out->origin[scheme + host] = '\0';
	for (size_t i = 0; i < scheme + host; i++)
		out->origin[i] = text_lower(out->origin[i]);
	out->host = out->origin + scheme;
	drop_default_port(out->origin, out->host);
	return 0;
}

/* "." and ".." would be resolved by some clients and not by others. */
static bool good_segment(const char *s, size_t len)
{
	return len > 0 && !(len == 1 && s[0] == '.') &&
	       !(len == 2 && s[0] == '.' && s[1] == '.');
}

static int check_path(const char *path, size_t len)
{
	size_t i = 0, segment;

	if (len == 0)
		return ERR_FORMAT;
	while (i < len) {
		if (path[i++] != '/')
			return ERR_FORMAT;
		segment = strspn(path + i, SEGMENT_CHARS);
		if (!good_segment(path + i, segment))
			return ERR_FORMAT;
		i += segment;
	}
	return 0;
}

int url_queue_path(const char *url, char path[static LIMIT_PATH + 1])
{
	size_t host, len;
	int rc;

	if (strncasecmp(url, "https://", 8) == 0)
		url += 8;
	else if (strncasecmp(url, "http://", 7) == 0)
		url += 7;
	else
		return ERR_FORMAT;
	host = strspn(url, HOST_CHARS);
	if (host == 0)
		return ERR_FORMAT;
	url += host;
	len = strcspn(url, "?#");
	if (len > 1 && url[len - 1] == '/')
		len--;
	rc = check_path(url, len);
	if (rc != 0)
		return rc;
	if (len > LIMIT_PATH)
		return ERR_LIMIT;
	memcpy(path, url, len);
	path[len] = '\0';
	return 0;
}
