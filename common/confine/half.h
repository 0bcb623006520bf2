/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_CONFINE_HALF_H
#define SQS_ENTROPY_CONFINE_HALF_H

#include <stdbool.h>

#include "confine/confine.h"

/* All steps of confine.h for one half, in their order. */
struct confine_half {
	enum confine_role role;
	const char *user; /* what root becomes; NULL: root stays root,
			     without its capabilities but cap */
	int cap;          /* CAP_*, -1 for none */
	const char *const *readable; /* beneath these, NULL-terminated */
	struct confine_limits limits;
	/* told back: */
	bool nobody;   /* there is no such user */
	bool landlock; /* this kernel has it */
	bool seccomp;  /* this kernel has filters; all else is done without */
};

/* ERR_PERM, ERR_IO. */
int confine_half(struct confine_half *half, struct err *err)
    __attribute__((warn_unused_result));

#endif
