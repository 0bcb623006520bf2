/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The credentials of a container's host, by the environment:
 *
 *	container url		the URL that would be asked
 *	container load		the access key
 *
 * An error goes to standard error, with its exit code; 1: nothing is set.
 */
#include <stdio.h>
#include <string.h>

#include "aws/cred_container.h"

static int load(struct err *err)
{
	const struct http_config cfg = {.cancel_fd = -1};
	const struct clock clock = clock_system(NULL);
	struct cred_container container = {.clock = &clock};
	const struct cred_source source = cred_container(&container);
	struct cred *out = cred_new();
	int rc = out != NULL ? http_new(&cfg, &container.http, err) : ERR_NOMEM;

	if (rc == 0)
		rc = source.load(
		    source.ctx, out, clock_mono(&clock) + 60000, err);
	if (rc == 0)
		(void)puts(buf_str(out->access_key));
	cred_free(out);
	http_free(container.http);
	return rc;
}

int main(int argc, char *argv[])
{
	char url[CONTAINER_URL_MAX];
	struct err err = {0};
	int rc = argc == 2 ? 0 : ERR_USAGE;

	if (rc == 0 && strcmp(argv[1], "load") == 0) {
		rc = load(&err);
	} else if (rc == 0) {
		rc = cred_container_url(url, &err);
		if (rc == 0)
			(void)puts(url);
	}
	if (rc != 0)
		(void)fprintf(stderr, "%s\n", err.text);
	return rc == ERR_ABSENT ? 1 : rc == 0 ? 0 : err_exit(rc);
}
