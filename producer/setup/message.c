/* SPDX-License-Identifier: Apache-2.0 */
/* A step of --setup: one message, by the halves as they run. */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/text.h"
#include "confine/confine.h"
#include "crypto/digest.h"
#include "producer/halves.h"
#include "producer/setup/setup.h"
#include "producer/setup/unit.h"
#include "producer/setup/write.h"

#define FILE_MAX  65536      /* bytes of a file that counts */
#define FAR_BELOW 1000000000 /* a low watermark that no queue reaches */
#define STAMP_LEN TEXT_HEX_LEN(DIGEST_SHA256_LEN)

/* ---- what was confirmed */

/* The file in which the digest of what was confirmed is kept, so that another
 * --setup sends no other message; where it lies tells the offline half's user
 * nothing that it does not know. */
static void name_stamp(char path[static PATH_MAX])
{
	(void)snprintf(path, PATH_MAX, "%s/confirmed",
	    file_directory("STATE_DIRECTORY", CONF_STATE_DIRECTORY));
}

/* What lies in a directory of another user is read with no more rights than
 * that user has, who could have made a link of it to whatever root can open. */
static int read_as(
    const char *user, const char *path, void *data, size_t max, size_t *len)
{
	struct err err = {0};
	int rc = user != NULL ? confine_as(user, &err) : 0;

	if (rc != 0)
		return rc;
	rc = file_read(path, data, max, len);
	if (user != NULL && confine_as_root(&err) != 0)
		return ERR_INTERNAL;
	return rc;
}

static int add_whole_file(struct buf *to, const char *path, const char *user)
{
	uint8_t *space;
	struct buf *text = buf_new_zero(FILE_MAX, &space);
	size_t len;
	int rc = text == NULL ? ERR_NOMEM : 0;

	if (rc == 0)
		rc = buf_addstr(to, path);
	if (rc == 0 && read_as(user, path, space, FILE_MAX, &len) == 0)
		rc = buf_add(to, space, len);
	buf_free(text);
	return rc;
}

/* All that decides whether a message arrives, as far as it is on this machine.
 */
static int make_stamp(const struct setup *s, char hex[static STAMP_LEN])
{
	const struct {
		const char *path, *user;
	} files[] = {{s->conf.common.file, NULL}, {unit_files[0], NULL},
	    {unit_files[1], NULL},
	    {UNIT_AWS "/credentials", PRODUCER_ONLINE_USER},
	    {UNIT_AWS "/config", PRODUCER_ONLINE_USER}, {s->line, NULL}};
	const size_t n = sizeof files / sizeof files[0];
	struct buf *all = buf_new(n * (FILE_MAX + PATH_MAX));
	uint8_t digest[DIGEST_SHA256_LEN];
	struct digest_part part;
	int rc = all == NULL ? ERR_NOMEM : 0;

	for (size_t i = 0; rc == 0 && i < n; i++)
		rc = add_whole_file(all, files[i].path, files[i].user);
	if (rc == 0) {
		part = (struct digest_part){buf_data(all), buf_len(all)};
		rc = digest_sha256(digest, &part, 1);
	}
	if (rc == 0)
		text_hex(hex, digest, sizeof digest);
	buf_free(all);
	return rc;
}

static bool is_confirmed(const char stamp[static STAMP_LEN])
{
	char path[PATH_MAX], had[STAMP_LEN] = "";
	size_t len;

	name_stamp(path);
	return read_as(PRODUCER_OFFLINE_USER, path, had, STAMP_LEN - 1, &len) ==
		   0 &&
	       len == STAMP_LEN - 1 && memcmp(had, stamp, len) == 0;
}

/* Without it the next --setup sends another message, and nothing else. */
static void keep_stamp(const char stamp[static STAMP_LEN])
{
	struct buf *text = buf_new(STAMP_LEN);
	char path[PATH_MAX];
	struct err err = {0};
	bool changed;

	name_stamp(path);
	if (text != NULL && buf_addstr(text, stamp) == 0 &&
	    confine_as(PRODUCER_OFFLINE_USER, &err) == 0)
		(void)!write_whole(path, text, 0600, false, &changed, &err);
	(void)!confine_as_root(&err);
	buf_free(text);
}

/* ---- the message */

/* In a process of its own, which becomes the offline half. */
static int send_one(struct setup *s)
{
	struct err err = {0};
	int rc = unit_take_environment(&err);

	s->conf.common.action = PROGRAM_RUN;
	s->conf.once = true;
	s->conf.trial = true;
	s->conf.refill.depth = 0;
	s->conf.refill.low_watermark = FAR_BELOW;
	s->conf.refill.burst = 1;
	if (rc == 0)
		rc = s->run(&s->conf, &err);
	if (err.code != 0 && !err.told)
		log_error("%s", err.text);
	return -rc;
}

static int wait_for_end(pid_t pid, int *code)
{
	int status = 0;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return ERR_IO;
	*code = WIFEXITED(status) ? -WEXITSTATUS(status) : ERR_INTERNAL;
	return 0;
}

/* Of those that end a program at a terminal. */
static void heed_signals(void (*how)(int))
{
	static const int signals[] = {SIGHUP, SIGINT, SIGTERM};

	for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++)
		(void)signal(signals[i], how);
}

static int run_apart(struct setup *s, struct err *err)
{
	int code = 0;
	pid_t pid;

	(void)fflush(NULL);
	pid = fork();
	if (pid == 0) {
		heed_signals(SIG_DFL);
		_exit(send_one(s));
	}
	if (pid < 0 || wait_for_end(pid, &code) != 0)
		return err_errno(err, ERR_IO, "cannot run the two halves");
	if (code == 0)
		return 0;
	if (code == ERR_DENIED || code == ERR_NOCRED)
		return err_set(err, code,
		    "no message was sent (%s): do what the lines above say, "
		    "then start --setup again; it asks for other credentials "
		    "once there is no " UNIT_AWS "/credentials or config",
		    err_text(code));
	return err_set(err, code,
	    "no message was sent (%s): do what the lines above say, then start "
	    "--setup again",
	    err_text(code));
}

/* A service that runs, or is about to, holds the sequence of numbers; one that
 * ran before runs after it.  So a signal ends the process apart, and
 * this one when the service is back. */
static int run_in_place(struct setup *s, struct err *err)
{
	const bool systemd = unit_has_systemd();
	const bool runs =
	    systemd && unit_systemctl("is-active", UNIT_NAME, true) == 0;
	int rc;

	heed_signals(SIG_IGN);
	if (systemd)
		(void)unit_systemctl("stop", UNIT_NAME, true);
	rc = run_apart(s, err);
	if (runs)
		(void)unit_systemctl("start", UNIT_NAME, true);
	heed_signals(SIG_DFL);
	return rc;
}

int setup_message(struct setup *s, struct err *err)
{
	char stamp[STAMP_LEN];
	int rc = make_stamp(s, stamp);

	if (rc != 0)
		return err_set(err, rc, "message: %s", err_text(rc));
	if (is_confirmed(stamp)) {
		findings_ok(&s->all, "message",
		    "none is sent: nothing has changed since SQS confirmed one");
		return 0;
	}
	s->changed = true;
	rc = run_in_place(s, err);
	if (rc != 0)
		return rc;
	keep_stamp(stamp);
	findings_ok(&s->all, "message",
	    "signed, verified as an agent does, sent, and confirmed by SQS "
	    "with its id and MD5");
	return 0;
}
