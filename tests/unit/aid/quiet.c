/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

/* What the code under test logs is no news where all is well, and looks like a
 * failure.  A test of a line opens the log anew, and captures it. */
__attribute__((constructor)) static void silence_log(void)
{
	log_open("test", LOG_LEVEL_ERROR - 1);
}
