/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a service is asked, for test_vectors_endpoint.py: endpoint SERVICE
 * [OPTION [REGION]].  Variables and shared files are those of the environment;
 * without REGION the profile's counts.  Prints the URL, or to stderr what is
 * wrong.
 */
#include <stdio.h>
#include <stdlib.h>

#include "aws/endpoint.h"

static int find_endpoint(const struct endpoint_config *cfg, const char *region,
    const struct shared *shared, struct endpoint *e, struct err *err)
{
	int rc = endpoint_find(cfg, shared, e, err);

	if (region == NULL)
		region = shared_get(shared, shared_profile(shared), "region");
	if (rc == 0 && region == NULL)
		return err_set(err, ERR_CONFIG, "no region");
	if (rc == 0)
		endpoint_make(cfg->service, region, e);
	return rc;
}

int main(int argc, char *argv[])
{
	const struct endpoint_config cfg = {.service = argc > 1 ? argv[1] : "",
	    .option = argc > 2 ? argv[2] : NULL};
	struct shared_files *files = shared_files_new(NULL);
	struct shared *shared = NULL;
	struct endpoint e;
	struct err err = {0};
	int rc = files != NULL ? shared_read(files, &shared, &err) : ERR_NOMEM;

	if (rc == 0)
		rc = find_endpoint(
		    &cfg, argc > 3 ? argv[3] : NULL, shared, &e, &err);
	if (rc == 0)
		(void)printf("%s\n", e.url);
	else
		(void)fprintf(stderr, "%s\n", err.text);
	shared_free(shared);
	shared_files_free(files);
	return rc == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
