/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_CONFIG_ENVIRONMENT_H
#define SQS_ENTROPY_CONFIG_ENVIRONMENT_H

#include <stdio.h>

/* The first of these variables, a NULL-terminated list, that is set to more
 * than ""; NULL for none. */
const char *environment_first(const char *const *names);

/*
 * For --check: write a comment line for each variable that is set and that the
 * programs read, as the manual pages list them; then one for each of AWS's that
 * is set and that they do not know, so that a misspelt one is found.  A secret,
 * and a URL that may hold a password, is only said to be set.
 */
void environment_show(FILE *to);

#endif
