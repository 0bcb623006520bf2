/* SPDX-License-Identifier: Apache-2.0 */
#include "confine/half.h"

#include <stddef.h>

int confine_half(struct confine_half *half, struct err *err)
{
	int rc = 0;

	half->nobody = false;
	half->seccomp = true;
	if (half->user != NULL)
		rc = confine_become(half->user, &half->nobody, err);
	/* A change of user makes a process dumpable again. */
	if (rc == 0 && confine_no_core() != 0)
		rc = err_errno(err, ERR_IO, "cannot turn core dumps off");
	if (rc == 0)
		rc = confine_capabilities(half->cap, err);
	if (rc == 0)
		rc = confine_limits(&half->limits, err);
	if (rc == 0)
		rc = confine_files(half->readable, &half->landlock, err);
	if (rc == 0)
		rc = confine_calls(half->role, err);
	/* As with Landlock: a kernel without it is no reason to have none of
	 * the rest. */
	if (rc == ERR_UNSUPPORTED) {
		half->seccomp = false;
		err->code = 0;
		rc = 0;
	}
	return rc;
}
