/* SPDX-License-Identifier: Apache-2.0 */
#include "http/internal.h"

#include <errno.h>
#include <string.h>

bool http_sending(const struct http_transfer *t)
{
	long bytes = 0, proxy = 0;

	/* What has a body is signed with the body's digest, so nobody can act
	 * on its head alone.  curl asks for the body when the connection
	 * stands, TLS and all; the bytes that it counts may be those of
	 * CONNECT, to a proxy. */
	if (t->body_len > 0)
		return t->body_read > 0;
	(void)curl_easy_getinfo(t->easy, CURLINFO_REQUEST_SIZE, &bytes);
	(void)curl_easy_getinfo(t->easy, CURLINFO_HTTP_CONNECTCODE, &proxy);
	return bytes > 0 && (proxy == 0 || proxy / 100 == 2);
}

#define TOO_LARGE ((CURLcode)100) /* has a name from 8.6 on */

static const struct outcome {
	CURLcode code;
	int rc;
	const char *text;
} outcomes[] = {
    {CURLE_COULDNT_RESOLVE_HOST, ERR_UNREACHABLE,
	"no address found for this name: check the name, DNS and the network"},
    {CURLE_COULDNT_RESOLVE_PROXY, ERR_UNREACHABLE,
	"no address found for the proxy: check HTTPS_PROXY"},
    {CURLE_COULDNT_CONNECT, ERR_CONNECT,
	"cannot connect: check host, port, firewall rules and HTTPS_PROXY"},
    {CURLE_OPERATION_TIMEDOUT, ERR_TIMEOUT, "no answer in time"},
    {CURLE_PEER_FAILED_VERIFICATION, ERR_CONNECT,
	"cannot verify its certificate: check the ca-bundle setting and the "
	"clock"},
    {CURLE_SSL_CACERT_BADFILE, ERR_CONFIG,
	"no usable CA certificates: check the ca-bundle setting or "
	"AWS_CA_BUNDLE"},
    {CURLE_SSL_CERTPROBLEM, ERR_CONFIG,
	"the client's certificate or private key cannot be used: they are PEM, "
	"belong together, and have no pass phrase"},
    {CURLE_SSL_CONNECT_ERROR, ERR_CONNECT,
	"TLS failed: check that the port speaks TLS 1.2 or later"},
    {CURLE_FILESIZE_EXCEEDED, ERR_LIMIT, "the answer is too large"},
    {TOO_LARGE, ERR_LIMIT, "the answer's headers are too large"},
    {CURLE_OUT_OF_MEMORY, ERR_NOMEM, "out of memory"},
    {CURLE_SEND_FAIL_REWIND, ERR_CONNECT, "closed the connection unanswered"},
    {CURLE_ABORTED_BY_CALLBACK, ERR_CONNECT,
	"closed the connection unanswered"},
    {CURLE_GOT_NOTHING, ERR_CONNECT, "closed the connection unanswered"},
    {CURLE_PARTIAL_FILE, ERR_CONNECT, "closed the connection in the answer"},
};

static bool has_no_route(const struct http_transfer *t)
{
	long no = 0;

	(void)curl_easy_getinfo(t->easy, CURLINFO_OS_ERRNO, &no);
	return no == ENETUNREACH || no == EHOSTUNREACH || no == ENETDOWN ||
	       no == EHOSTDOWN || no == EADDRNOTAVAIL;
}

/* Whether the server has ended TLS because of our certificate.  Only OpenSSL's
 * text tells: with TLS 1.3 its alert comes behind the handshake.  Two alerts
 * are about something else. */
static bool was_refused_by_certificate(const struct http_transfer *t)
{
	return t->identified && strstr(t->detail, " alert ") != NULL &&
	       strstr(t->detail, "alert protocol version") == NULL &&
	       strstr(t->detail, "alert internal error") == NULL;
}

static bool was_refused_by_proxy(const struct http_transfer *t)
{
	long proxy = 0;

	(void)curl_easy_getinfo(t->easy, CURLINFO_HTTP_CONNECTCODE, &proxy);
	return proxy != 0 && proxy / 100 != 2;
}

/* What this transfer knows about its failure, else what curl's code says. */
static struct outcome find_outcome(const struct http_transfer *t, CURLcode code)
{
	/* Before 8.6 this is also an endless header line. */
	if (code == CURLE_OUT_OF_MEMORY && http_sending(t))
		return (struct outcome){code, ERR_LIMIT,
		    "the answer's headers are too large, or memory is short"};
	if (t->stopped)
		return (struct outcome){
		    code, t->rc, "the answer is not what was asked for"};
	if (t->rc == ERR_LIMIT)
		return (struct outcome){
		    code, ERR_LIMIT, "the answer is too large"};
	if (t->rc != 0)
		return (struct outcome){code,
		    t->rc == ERR_FORMAT ? ERR_NET : t->rc,
		    "the answer is not proper HTTP"};
	if (t->refused)
		return (struct outcome){code, ERR_CONFIG,
		    "plain http leads to an address outside this machine: "
		    "use https"};
	if (was_refused_by_proxy(t))
		return (struct outcome){code, ERR_CONNECT,
		    "the proxy refused: check HTTPS_PROXY and NO_PROXY"};
	if (code == CURLE_COULDNT_CONNECT && has_no_route(t))
		return (struct outcome){code, ERR_UNREACHABLE,
		    "no route: check the network and the security group"};
	if (was_refused_by_certificate(t))
		return (struct outcome){
		    code, ERR_DENIED, "refuses the client's certificate"};
	for (size_t i = 0; i < sizeof outcomes / sizeof outcomes[0]; i++)
		if (outcomes[i].code == code)
			return outcomes[i];
	return (struct outcome){code, ERR_CONNECT, "the connection broke"};
}

int http_failure(struct http_transfer *t, CURLcode code)
{
	struct outcome o = find_outcome(t, code);

	if (code == CURLE_PEER_FAILED_VERIFICATION ||
	    code == CURLE_SSL_CACERT_BADFILE)
		t->http->distrusts = true;
	http_trace_failure(t, code);
	/* The failure may be that of curl's second attempt, after a first one
	 * that was sent. */
	if ((o.rc == ERR_CONNECT || o.rc == ERR_UNREACHABLE) && http_sending(t))
		o.rc = ERR_NET;
	if (t->detail[0] == '\0')
		return err_set(&t->err, o.rc, "%s: %s", t->host, o.text);
	return err_set(
	    &t->err, o.rc, "%s: %s (%s)", t->host, o.text, t->detail);
}
