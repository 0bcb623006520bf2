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

/* Set path to the credential of that name.  False, and path as it was, when
 * there is none or it is empty (an empty line counts): with an empty default a
 * unit says that the credential may be absent. */
bool service_credential_find(const char *name, char *path, size_t size);

/* True if path is a file directly in that directory, which no other user can
 * enter, whatever the mode of the file says. */
bool service_credential_is(const char *path);

#endif
