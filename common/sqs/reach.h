/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_SQS_REACH_H
#define SQS_ENTROPY_SQS_REACH_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Part of session: the paths that an online half has to be able to read while
 * it runs, for Landlock.  Its rules hold for the files that stand at the paths
 * when the rules are made.  A file that is renewed becomes another one (written
 * beside the old one and renamed over it), and a link is turned to another
 * file; so what is given is the folder, of the file and of each link on the way
 * to it.  The root and the user's home would give too much: of these only the
 * file itself is given.  A folder that is not there is not given either.  A
 * file that nevertheless comes to stand where no rule reaches is "shut": only a
 * process that starts anew can read it.
 */
#define REACH_PATHS_MAX 64
#define REACH_FILES_MAX 16
#define REACH_OWN_MAX   (REACH_PATHS_MAX + REACH_FILES_MAX)

/* What a file is for, and with it which failures it may explain. */
enum reach_kind { REACH_NAMES, REACH_KEYS, REACH_TRUST };

struct reach {
	const char *paths[REACH_PATHS_MAX + 1]; /* NULL-terminated */
	char *own[REACH_OWN_MAX];               /* to be freed */
	size_t paths_n, own_n, files_n;
	struct {
		enum reach_kind kind;
		const char *path;
		bool there; /* when it was added */
		bool shut;  /* when reach_look() was called */
	} files[REACH_FILES_MAX];
};

/* Add what the system's libraries read: for names, TLS, the C library itself.
 */
void reach_add_system(struct reach *r);

/* Add a file that may move, be missing, or come later; path is copied, NULL and
 * "" are ignored.  What there is no room or no memory for is left out, and so
 * may be shut later. */
void reach_add_file(struct reach *r, enum reach_kind kind, const char *path);

/* Once this process is confined: see which files are shut from the start, as
 * root's are. */
void reach_look(struct reach *r);

/* Which of the files that are shut now. */
enum reach_since {
	REACH_EVER,  /* all of them */
	REACH_THERE, /* those that were there when they were added, or: */
	REACH_MOVED  /* those that were not shut when reach_look() was called */
};

/* The path of the first such file; NULL: there is none. */
const char *reach_find_shut(
    const struct reach *r, enum reach_kind kind, enum reach_since since);

void reach_free(struct reach *r);

#endif
