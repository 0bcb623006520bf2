/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_CONFIG_UNIT_VARIABLES_H
#define SQS_ENTROPY_CONFIG_UNIT_VARIABLES_H

#include "base/err.h"

/*
 * The files from which systemd takes the variables of a unit (systemd.exec(5),
 * EnvironmentFile=), as far as they are written in lines NAME=VALUE, with or
 * without quotes around the value; comments begin with # or ;.
 */
#define UNIT_VARIABLES_MAX 65536 /* bytes of a file */

/* 0, or a code that ends the reading. */
typedef int unit_variable(void *ctx, const char *name, const char *value);

/* Call take for each variable of the file.  ERR_ABSENT: there is no such file;
 * ERR_LIMIT, ERR_IO with errno, ERR_NOMEM, what take says.  The text is wiped,
 * because it may have keys. */
int unit_variables_read(const char *path, unit_variable *take, void *ctx)
    MUST_CHECK;

#endif
