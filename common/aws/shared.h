/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_AWS_SHARED_H
#define SQS_ENTROPY_AWS_SHARED_H

#include <stdbool.h>

#include "aws/shared_text.h"
#include "base/err.h"

/*
 * The shared files ~/.aws/credentials and ~/.aws/config, or those that
 * AWS_SHARED_CREDENTIALS_FILE and AWS_CONFIG_FILE name (AWS SDKs and Tools
 * Reference Guide, "Shared config and credentials files").  A '~' in these is
 * a home directory, and variables are expanded.  Each file may have
 * SHARED_FILE_MAX bytes.
 */
#define SHARED_FILE_MAX ((size_t)1048576)

enum shared_file { SHARED_CREDENTIALS, SHARED_CONFIG };

/* ---- where they are, and what was read while it could be */

struct shared_files;

/* profile: the configured one, may be NULL or ""; it is copied.  The home is
 * HOME, else that of the user of this call.  NULL when memory is short. */
struct shared_files *shared_files_new(const char *profile);
void shared_files_free(struct shared_files *f);

/* Read both files now, and keep them for when this process may no longer read
 * them; as root only what root alone can write.  A file that can still be read
 * later is read anew. */
void shared_files_read_ahead(struct shared_files *f);

const char *shared_files_path(struct shared_files *f, enum shared_file which);

/* ---- what they say */

/* Both files as they were when they were read: strings of it live as long as
 * it, keys are told apart without case, and of what stands in both files the
 * credentials file's counts. */
struct shared;

/* Read both files.  One that is missing, or that cannot be read, is empty.
 * ERR_CONFIG: one is too large or malformed (with file and line); ERR_NOMEM.
 * The caller frees *out, which is NULL after a failure. */
int shared_read(struct shared_files *f, struct shared **out, struct err *err)
    MUST_CHECK;
void shared_free(struct shared *s);

/* ERR_CONFIG, with the reason, if a file that is there could not be read.  Who
 * looks for keys has to ask, because they may be in that file; what else there
 * may be in the home of another user is not missed. */
int shared_check_read(const struct shared *s, struct err *err) MUST_CHECK;

/* The profile in force, as botocore chooses it: AWS_DEFAULT_PROFILE,
 * AWS_PROFILE, the configured one, "default". */
const char *shared_profile(const struct shared *s);

/* True if the profile in force was asked for, by whichever of these. */
bool shared_profile_asked(const struct shared *s);

bool shared_has(const struct shared *s, const char *profile);

/* The value of a profile's key; "" if it is set to nothing, NULL if it is not
 * set. */
const char *shared_get(
    const struct shared *s, const char *profile, const char *key);

/* The same of one of the files alone, because a pair of keys is not mixed from
 * both. */
const char *shared_get_from(const struct shared *s, enum shared_file which,
    const char *profile, const char *key);

/* The value of a nested key of the section NAME of that kind ("[services
 * NAME]\n sqs =\n   endpoint_url = ..."), or NULL. */
const char *shared_get_nested(const struct shared *s, enum shared_kind kind,
    const char *name, const char *key, const char *subkey);

/* Whether a profile holds one key of a pair at least, and whether it is a role
 * that other credentials assume. */
bool shared_has_keys(const struct shared *s, const char *profile);
bool shared_has_role(const struct shared *s, const char *profile);

/* The profile in force, or, where it is such a role, the one at the end of its
 * source profiles, whose own credentials sign: one with keys, that is no role,
 * or that names no other.  At most SHARED_DEPTH_MAX are followed. */
#define SHARED_DEPTH_MAX 16
const char *shared_last_profile(const struct shared *s);

/* The path of a file that was read, and whether it was there. */
const char *shared_path(const struct shared *s, enum shared_file which);
bool shared_is_there(const struct shared *s, enum shared_file which);

/* True if the configuration file has [default] behind [profile default]: of
 * these botocore takes the later and other SDKs the one with the word. */
bool shared_is_ambiguous(const struct shared *s);

/* The parsed text of one file, to be gone through. */
const struct shared_text *shared_text_of(
    const struct shared *s, enum shared_file which);

#endif
