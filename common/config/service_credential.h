/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_CONFIG_SERVICE_CREDENTIAL_H
#define SQS_ENTROPY_CONFIG_SERVICE_CREDENTIAL_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Files that a service manager hands to a service (LoadCredential= and its
 * kin, systemd.exec(5), "Credentials"), in the directory that
 * CREDENTIALS_DIRECTORY names.
 */

/* The path of the credential of that name; false, and path left as it is, when
 * there is none, or an empty one (an empty line counts), which is how a unit
 * says that it may be absent. */
bool service_credential_find(const char *name, char *path, size_t size);

/* Whether path is a file directly in that directory, which the manager keeps
 * from all other users, whatever the mode of the file says. */
bool service_credential_is(const char *path);

#endif
