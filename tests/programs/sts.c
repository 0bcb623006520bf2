/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Assume a role by the keys of the environment:
 *
 *	sts ENDPOINT REGION ROLE SESSION EXTERNAL-ID DURATION MILLISECONDS
 *
 * "ACCESS-KEY EXPIRES" on standard output, the time in epoch milliseconds; or
 * the error on standard error and its exit code.  An empty word or 0 is not
 * given.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "aws/cred.h"
#include "aws/cred_env.h"
#include "aws/sts.h"
#include "http/client.h"

static int assume(char *argv[], struct http *http, struct sigv4 *sigv4,
    struct cred *by, struct cred *out, struct err *err)
{
	const struct clock clock = clock_system(NULL);
	const struct cred_source environment = cred_env();
	const int64_t deadline = clock_mono(&clock) + atoi(argv[7]);
	const struct sts_role role = {.arn = argv[3],
	    .session_name = argv[4],
	    .external_id = argv[5],
	    .duration = atoi(argv[6])};
	struct sts sts = {.http = http,
	    .clock = &clock,
	    .sigv4 = sigv4,
	    .endpoint = argv[1],
	    .region = argv[2]};
	int rc = environment.load(environment.ctx, by, deadline, err);

	by->source = environment.name;
	return rc != 0 ? rc
		       : sts_assume_role(&sts, by, &role, deadline, out, err);
}

int main(int argc, char *argv[])
{
	const struct http_config cfg = {.cancel_fd = -1};
	struct sigv4 *sigv4 = sigv4_new();
	struct cred *by = cred_new(), *out = cred_new();
	struct http *http = NULL;
	struct err err = {0};
	int rc;

	if (argc != 8 || sigv4 == NULL || by == NULL || out == NULL)
		return 64;
	(void)signal(SIGPIPE, SIG_IGN);
	rc = http_new(&cfg, &http, &err);
	if (rc == 0)
		rc = assume(argv, http, sigv4, by, out, &err);
	if (rc == 0)
		(void)printf("%s %lld\n", buf_str(out->access_key),
		    (long long)out->expires);
	else
		(void)fprintf(stderr, "%s\n", err.text);
	http_free(http);
	cred_free(by);
	cred_free(out);
	sigv4_free(sigv4);
	return rc == 0 ? 0 : err_exit(rc);
}
