/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include <openssl/ssl.h>

#include "http/internal.h"

static CURLcode set_option(CURL *easy, void *ssl, void *arg)
{
	(void)easy;
	(void)arg;
	(void)SSL_CTX_set_options(ssl, SSL_OP_CLEANSE_PLAINTEXT);
	return CURLE_OK;
}

/* A libcurl with another library of TLS, or with another OpenSSL, gives the
 * callback a context that is none of ours.  Of several libraries the one that
 * it uses is named first, and the others are in brackets. */
static bool has_our_openssl(const curl_version_info_data *curl)
{
	char ours[32];
	const int len =
	    snprintf(ours, sizeof ours, "OpenSSL/%d.", OPENSSL_VERSION_MAJOR);

	return curl->ssl_version != NULL &&
	       strncmp(curl->ssl_version, ours, (size_t)len) == 0;
}

CURLcode http_wipe_plaintext(struct http_transfer *t)
{
	return has_our_openssl(curl_version_info(CURLVERSION_NOW))
		   ? curl_easy_setopt(
			 t->easy, CURLOPT_SSL_CTX_FUNCTION, set_option)
		   : CURLE_OK;
}
