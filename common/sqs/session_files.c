/* SPDX-License-Identifier: Apache-2.0 */
/* Part of session: which files it reads, and which of them it cannot. */
#include "sqs/session.h"

const char *const *session_readable(struct session *s)
{
	const char *const *tokens;
	struct reach *r = &s->reach;

	reach_free(r);
	reach_add_system(r);
	reach_add_file(r, REACH_NAMES, "/etc/resolv.conf");
	reach_add_file(r, REACH_TRUST, http_ca_bundle(s->http));
	for (tokens = chain_token_files(s->chain); *tokens != NULL; tokens++)
		reach_add_file(r, REACH_KEYS, *tokens);
	if (s->iot != NULL) {
		reach_add_file(r, REACH_KEYS, s->cfg->iot.certificate);
		reach_add_file(r, REACH_KEYS, s->cfg->iot.private_key);
	}
	for (enum shared_file k = SHARED_CREDENTIALS; k <= SHARED_CONFIG; k++)
		reach_add_file(r, REACH_KEYS, shared_files_path(s->file, k));
	return r->paths;
}

/* A name server that was told elsewhere, a profile that names another endpoint
 * or queue.  Such failures have many other causes, so that a file which was
 * never to be read counts only where the endpoint is from there. */
static const char *find_moved(
    const struct session *s, const struct session_queue *q)
{
	const char *path = reach_find_shut(&s->reach, REACH_NAMES, REACH_MOVED);

	return path != NULL ? path
			    : reach_find_shut(&s->reach, REACH_KEYS,
				  q->stored ? REACH_EVER : REACH_MOVED);
}

/* Where nobody has keys they may come to a file; else a file is renewed. */
static const char *find_shut_keys(const struct session *s, int rc)
{
	if (!cred_chain_uses_files(chain_credentials(s->chain)))
		return NULL;
	return reach_find_shut(
	    &s->reach, REACH_KEYS, rc == ERR_NOCRED ? REACH_EVER : REACH_THERE);
}

const char *session_shut_out(
    const struct session *s, const struct session_queue *q, int rc)
{
	const bool distrusts = http_distrusts(s->http);

	switch (rc) {
	case ERR_CONFIG:
	case ERR_CONNECT:
		if (distrusts)
			return reach_find_shut(
			    &s->reach, REACH_TRUST, REACH_EVER);
		return rc == ERR_CONFIG ? find_shut_keys(s, rc)
					: find_moved(s, q);
	case ERR_DENIED:
	case ERR_NOCRED:
		return find_shut_keys(s, rc);
	case ERR_UNREACHABLE:
	case ERR_TIMEOUT:
	case ERR_NET:
	case ERR_NOQUEUE:
	case ERR_SERVICE:
		return find_moved(s, q);
	default:
		return NULL;
	}
}
