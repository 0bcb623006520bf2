/* SPDX-License-Identifier: Apache-2.0 */
#include "http/internal.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#define CONNECTIONS_MAX 8L /* kept open */

/* CURLMOPT_QUICK_EXIT, which has a name from 8.20 on: from then on a client's
 * end would wait for look-ups. */
#define QUICK_EXIT      ((CURLMoption)(CURLOPTTYPE_LONG + 21))

/* libcurl keeps requests with their tokens and payloads in memory of its own,
 * and frees it as it is. */
static void wipe_free(void *p)
{
	if (p != NULL)
		explicit_bzero(p, malloc_usable_size(p));
	free(p);
}

static void *wipe_realloc(void *p, size_t size)
{
	size_t had = p != NULL ? malloc_usable_size(p) : 0;
	void *moved;

	if (size > 0 && size <= had && size >= had / 2)
		return p;
	moved = malloc(size > 0 ? size : 1);
	if (moved == NULL)
		return NULL;
	if (p != NULL)
		memcpy(moved, p, had < size ? had : size);
	wipe_free(p);
	return moved;
}

/* Whatever flags it gets, libcurl starts TLS here, and it stays started:
 * stopping it would only cost time at exit. */
static CURLcode start_curl(void)
{
	static bool started;
	CURLcode code = CURLE_OK;

	if (!started)
		code = curl_global_init_mem(CURL_GLOBAL_DEFAULT, malloc,
		    wipe_free, wipe_realloc, strdup, calloc);
	started = code == CURLE_OK;
	return code;
}

CURLM *http_new_multi(void)
{
	CURLM *multi = curl_multi_init();

	if (multi == NULL)
		return NULL;
	(void)curl_multi_setopt(
	    multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING);
	(void)curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, CONNECTIONS_MAX);
	(void)curl_multi_setopt(multi, QUICK_EXIT, 1L);
	return multi;
}

int http_new(const struct http_config *cfg, struct http **out, struct err *err)
{
	struct http *h = NULL;
	int rc;

	*out = NULL;
	if (start_curl() != CURLE_OK)
		return err_set(err, ERR_INTERNAL, "libcurl does not start");
	h = calloc(1, sizeof *h);
	if (h == NULL)
		return err_set(err, ERR_NOMEM, "out of memory");
	h->clock = clock_system(NULL);
	h->agent = cfg->agent;
	h->cancel_fd = cfg->cancel_fd;
	rc = http_trust(h, cfg, err);
	if (rc == 0)
		h->multi = http_new_multi();
	if (rc == 0 && h->multi == NULL)
		rc = err_set(err, ERR_NOMEM, "out of memory");
	if (rc != 0) {
		http_free(h);
		return rc;
	}
	*out = h;
	return 0;
}

const char *http_ca_bundle(const struct http *h)
{
	return h->ca_bundle[0] != '\0' ? h->ca_bundle : NULL;
}

bool http_distrusts(const struct http *h)
{
	return h->distrusts;
}

void http_rest(struct http *h)
{
	CURLM *fresh;

	if (h->first != NULL)
		return;
	fresh = http_new_multi();
	if (fresh == NULL)
		return;
	(void)curl_multi_cleanup(h->multi);
	h->multi = fresh;
	(void)curl_multi_cleanup(h->early);
	h->early = NULL;
}

/* Whether curl can drop a transfer that is in a look-up without waiting. */
static bool drops_lookups(void)
{
#if LIBCURL_VERSION_NUM >= 0x075700
	return curl_version_info(CURLVERSION_NOW)->version_num >= 0x075700;
#else
	return false;
#endif
}

void http_free(struct http *h)
{
	if (h == NULL)
		return;
	/* An older libcurl would wait here for look-ups that still run.  They
	 * are left to the end of the process. */
	if (h->first != NULL && !drops_lookups())
		return;
	while (h->first != NULL) {
		struct http_transfer *t = h->first;

		h->first = t->next;
		http_transfer_destroy(t);
	}
	(void)curl_multi_cleanup(h->multi);
	(void)curl_multi_cleanup(h->early);
	buf_free(h->ca_pem);
	free(h->ca_hashed);
	free(h);
}
