/* SPDX-License-Identifier: Apache-2.0 */
#include "base/url.h"

#include <string.h>
#include <strings.h>

#include "base/text.h"

#define DIGITS "0123456789"
#define NAME_CHARS                                                             \
	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ" DIGITS ".-_"
#define ADDRESS_CHARS "abcdefABCDEF" DIGITS ":."
#define SEGMENT_CHARS NAME_CHARS "~%"
#define PATH_CHARS    "/" SEGMENT_CHARS
#define PORT_LEN      5

/* Characters of a host and a port, if there is one (RFC 3986, 3.2.2 and 3.2.3);
 * 0 when there are none, or what is there is neither. */
static size_t host_len(const char *s)
{
	const bool address = *s == '[';
	size_t n = strspn(s + address, address ? ADDRESS_CHARS : NAME_CHARS);
	size_t port;

	if (n == 0 || (address && s[n + 1] != ']'))
		return 0;
	n += address ? 2 : 0;
	if (s[n] != ':')
		return n;
	port = strspn(s + n + 1, DIGITS);
	return port > 0 && port <= PORT_LEN ? n + 1 + port : 0;
}

/* curl leaves the scheme's own port out of Host, which is signed. */
static void drop_default_port(char *origin, const char *host)
{
	const char *port = strncmp(origin, "https:", 6) == 0 ? ":443" : ":80";
	const size_t n = strlen(port), len = strlen(host);

	if (len > n && strcmp(host + len - n, port) == 0)
		origin[strlen(origin) - n] = '\0';
}

size_t url_scheme_len(const char *text)
{
	if (strncasecmp(text, "https://", 8) == 0)
		return 8;
	return strncasecmp(text, "http://", 7) == 0 ? 7 : 0;
}

bool url_is_meant(const char *text)
{
	return strpbrk(text, "/:") != NULL;
}

int url_split(const char *text, struct url *out)
{
	const size_t scheme = url_scheme_len(text);
	size_t host;

	if (scheme == 0)
		return ERR_FORMAT;
	if (strlen(text) >= sizeof out->origin)
		return ERR_LIMIT;
	host = host_len(text + scheme);
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

/* Segments "." and ".." would be resolved by some clients and not by others. */
bool url_has_queue(const struct url *url)
{
	const char *at = url->path;
	size_t n, segment;

	for (n = 0; *at == '/'; n++) {
		segment = strspn(++at, SEGMENT_CHARS);
		if (segment == 0 ||
		    (segment <= 2 && strspn(at, ".") == segment))
			return false;
		at += segment;
	}
	return *at == '\0' && n >= 2;
}
