/* SPDX-License-Identifier: Apache-2.0 */
#include "confine.h"

#include <sys/prctl.h>
#include <sys/resource.h>

#include "err.h"

int confine_no_core(void)
{
	const struct rlimit none = {0, 0};

	if (setrlimit(RLIMIT_CORE, &none) != 0 ||
	    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
		return ERR_IO;
	return 0;
}
