/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_AID_LOGGED_H
#define SQS_ENTROPY_AID_LOGGED_H

#include <stddef.h>

#include "base/log.h"

/* From logged_begin() to logged_end() what is logged up to that level goes to
 * a file of this test. */
void logged_begin(enum log_level level);
void logged_end(void);

/* Take the lines that were logged since the last call, without the name before
 * each; text is NUL-terminated and cut to size. */
void logged_take(char *text, size_t size);

#endif
