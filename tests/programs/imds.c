/* SPDX-License-Identifier: Apache-2.0 */
/* Where the environment and the shared files say that IMDS is, for
 * test_vectors_imds.py: the URL of its tokens, or the code and the reason. */
#include <stdio.h>
#include <stdlib.h>

#include "aws/imds.h"

int main(void)
{
	const struct clock clock = clock_system(NULL);
	struct imds_config cfg = {.files = shared_files_new(NULL)};
	struct imds *imds = NULL;
	struct err err = {0};
	int rc;

	if (cfg.files == NULL)
		return EXIT_FAILURE;
	rc = imds_new(NULL, &clock, &cfg, &imds, &err);
	if (rc == 0)
		printf("%s/latest/api/token\n", imds_endpoint(imds));
	else
		(void)fprintf(stderr, "%s\n", err.text);
	imds_free(imds);
	shared_files_free(cfg.files);
	return err_exit(rc);
}
