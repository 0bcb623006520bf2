/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KEYS_AID_H
#define KEYS_AID_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* A directory of its own for each test of key files. */
struct keys {
	char dir[48];
	char path[128]; /* what keys_path() made last */
};

/* cmocka's set-up and tear-down: *state is a struct keys. */
int keys_setup(void **state);
int keys_teardown(void **state);

/* "DIR/NAME", which the next call overwrites. */
const char *keys_path(struct keys *k, const char *name);

/* A file of that mode whatever the umask is, over an older one. */
const char *keys_put(
    struct keys *k, const char *name, const char *text, mode_t mode);

/* "TEXT" is in the file and its mode is that. */
void keys_assert_file(const char *path, const char *text, mode_t mode);

/* Become a user without privileges, if root, and what was before again. */
void keys_drop(bool drop);

#endif
