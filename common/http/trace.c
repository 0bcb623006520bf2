/* SPDX-License-Identifier: Apache-2.0 */
#include "http/internal.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#define EXPIRES "Expire date:"

const struct http_trace *http_trace(const struct http_transfer *t)
{
	return &t->trace;
}

CURLcode http_trace_begin(struct http_transfer *t)
{
	return curl_easy_setopt(t->easy, CURLOPT_CERTINFO, 1L);
}

/* The port of the URL, its scheme's where it has none. */
static unsigned find_port(CURLU *url)
{
	unsigned port = 0;
	char *text = NULL;

	if (curl_url_get(url, CURLUPART_PORT, &text, CURLU_DEFAULT_PORT) ==
	    CURLUE_OK)
		port = (unsigned)strtoul(text, NULL, 10);
	curl_free(text);
	return port;
}

/* A proxy is told by its port, which is hardly ever that of the service; until
 * 8.7 libcurl does not tell it. */
void http_trace_address(struct http_transfer *t, const struct curl_sockaddr *a)
{
	union {
		struct sockaddr any;
		struct sockaddr_in four;
		struct sockaddr_in6 six;
	} at = {.any = {.sa_family = AF_UNSPEC}};
	char text[INET6_ADDRSTRLEN] = "";
	unsigned port = 0;

	memcpy(&at, &a->addr, a->addrlen < sizeof at ? a->addrlen : sizeof at);
	if (at.any.sa_family == AF_INET) {
		(void)inet_ntop(AF_INET, &at.four.sin_addr, text, sizeof text);
		port = ntohs(at.four.sin_port);
	} else if (at.any.sa_family == AF_INET6) {
		(void)inet_ntop(AF_INET6, &at.six.sin6_addr, text, sizeof text);
		port = ntohs(at.six.sin6_port);
	}
	(void)snprintf(t->trace.address, sizeof t->trace.address,
	    strchr(text, ':') != NULL ? "[%s]:%u" : "%s:%u", text, port);
	t->trace.resolved = true;
	t->trace.proxied = port != find_port(t->url);
}

/* As libcurl writes it with OpenSSL, and with its own reader of certificates.
 * curl_getdate(3) will not do: libcurl's time_t may be shorter than ours. */
static int64_t read_expiry(const char *text)
{
	static const char *const formats[] = {
	    "%b %d %H:%M:%S %Y GMT", "%Y-%m-%d %H:%M:%S GMT"};

	for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
		struct tm tm = {0};
		const char *end = strptime(text, formats[i], &tm);

		if (end != NULL && *end == '\0')
			return (int64_t)timegm(&tm) * 1000;
	}
	return 0;
}

/* When the first certificate, which is the server's own, expires. */
static int64_t find_expiry(struct http_transfer *t)
{
	const struct curl_slist *line;
	struct curl_certinfo *all = NULL;
	int64_t expires = 0;

	if (curl_easy_getinfo(t->easy, CURLINFO_CERTINFO, &all) != CURLE_OK ||
	    all == NULL || all->num_of_certs < 1)
		return 0;
	for (line = all->certinfo[0]; line != NULL; line = line->next)
		if (strncasecmp(line->data, EXPIRES, strlen(EXPIRES)) == 0)
			expires = read_expiry(line->data + strlen(EXPIRES));
	return expires > 0 ? expires : 0;
}

/* libcurl tells no time of a connection that TLS did not come to stand on. */
void http_trace_failure(struct http_transfer *t, CURLcode code)
{
	t->trace.proxied =
	    t->trace.proxied || code == CURLE_COULDNT_RESOLVE_PROXY;
	t->trace.connected = code == CURLE_PEER_FAILED_VERIFICATION ||
			     code == CURLE_SSL_CONNECT_ERROR ||
			     code == CURLE_SSL_CERTPROBLEM ||
			     code == CURLE_GOT_NOTHING;
}

void http_trace_end(struct http_transfer *t)
{
	curl_off_t connected = 0, secured = 0;
	long proxy = 0;

	(void)curl_easy_getinfo(t->easy, CURLINFO_CONNECT_TIME_T, &connected);
	(void)curl_easy_getinfo(t->easy, CURLINFO_APPCONNECT_TIME_T, &secured);
	(void)curl_easy_getinfo(t->easy, CURLINFO_HTTP_CONNECTCODE, &proxy);
	t->trace.connected = t->trace.connected || connected > 0;
	t->trace.secured = secured > 0;
	t->trace.proxied = t->trace.proxied || proxy != 0;
	t->trace.expires = find_expiry(t);
}
