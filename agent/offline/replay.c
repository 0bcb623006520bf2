/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/offline/replay.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

#define MAGIC   "SQSESEEN" /* the head is one slot long, for alignment */
#define VERSION 1
#define POLL_NS 10000000

struct head {
	char magic[8];
	uint32_t version;
	uint32_t next;
	uint8_t zero[REPLAY_DIGEST_LEN - 16];
};

_Static_assert(sizeof(struct head) == REPLAY_DIGEST_LEN, "one slot");

#define FILE_SIZE (sizeof(struct head) + REPLAY_MAX * REPLAY_DIGEST_LEN)

static int lock_file(
    const struct replay *s, const char *path, int64_t deadline, struct err *err)
{
	const struct timespec pause = {.tv_nsec = POLL_NS};

	while (flock(s->fd, LOCK_EX | LOCK_NB) != 0) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return err_errno(err, ERR_IO, "cannot lock %s", path);
		if (clock_read(CLOCK_MONOTONIC) >= deadline)
			return err_set(
			    err, ERR_TIMEOUT, "another agent holds %s", path);
		(void)nanosleep(&pause, NULL);
	}
	return 0;
}

static int write_at(int fd, const void *data, size_t len, off_t at)
{
	return pwrite(fd, data, len, at) == (ssize_t)len ? 0 : ERR_IO;
}

static int write_head(const struct replay *s)
{
	const struct head head = {
	    .magic = MAGIC, .version = VERSION, .next = s->next};

	return write_at(s->fd, &head, sizeof head, 0);
}

static int make_file(struct replay *s, const char *path, struct err *err)
{
	s->next = 0;
	if (ftruncate(s->fd, (off_t)FILE_SIZE) != 0 || write_head(s) != 0 ||
	    fsync(s->fd) != 0)
		return err_errno(err, ERR_IO, "cannot write %s", path);
	return 0;
}

static int fail_damaged(const char *path, struct err *err)
{
	return err_set(err, ERR_FORMAT,
	    "%s is damaged: remove it (messages used before could then be "
	    "credited once more)",
	    path);
}

static int read_digests(struct replay *s, const char *path, struct err *err)
{
	const size_t len = (size_t)REPLAY_MAX * REPLAY_DIGEST_LEN;
	struct head head;

	if (pread(s->fd, &head, sizeof head, 0) != (ssize_t)sizeof head ||
	    memcmp(head.magic, MAGIC, sizeof head.magic) != 0 ||
	    head.version != VERSION || head.next >= REPLAY_MAX ||
	    pread(s->fd, s->digests, len, sizeof head) != (ssize_t)len)
		return fail_damaged(path, err);
	s->next = head.next;
	return 0;
}

static int load_file(
    struct replay *s, const char *path, int64_t deadline, struct err *err)
{
	struct stat st;
	int rc = lock_file(s, path, deadline, err);

	if (rc != 0)
		return rc;
	if (fstat(s->fd, &st) != 0)
		return err_errno(err, ERR_IO, "cannot examine %s", path);
	if (!S_ISREG(st.st_mode))
		return err_set(err, ERR_IO, "%s is not a file", path);
	if (st.st_size == 0)
		return make_file(s, path, err);
	if (st.st_size != (off_t)FILE_SIZE)
		return fail_damaged(path, err);
	return read_digests(s, path, err);
}

int replay_open(
    struct replay *s, const char *path, int64_t deadline, struct err *err)
{
	int rc;

	s->next = 0;
	s->digests = calloc(REPLAY_MAX, REPLAY_DIGEST_LEN);
	s->fd = open(
	    path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
	if (s->fd < 0)
		rc = err_errno(err,
		    errno == EACCES || errno == EPERM ? ERR_PERM : ERR_IO,
		    "cannot open %s", path);
	else if (s->digests == NULL)
		rc = err_set(err, ERR_NOMEM, "out of memory");
	else
		rc = load_file(s, path, deadline, err);
	if (rc != 0)
		replay_close(s);
	return rc;
}

void replay_close(struct replay *s)
{
	if (s->fd >= 0)
		(void)close(s->fd);
	free(s->digests);
	*s = (struct replay){.fd = -1};
}

bool replay_has(
    const struct replay *s, const uint8_t digest[static REPLAY_DIGEST_LEN])
{
	for (size_t i = 0; i < REPLAY_MAX; i++)
		if (memcmp(s->digests[i], digest, REPLAY_DIGEST_LEN) == 0)
			return true;
	return false;
}

/* The head follows the entries: after a crash in between the slots are
 * written again, and their messages were not used yet. */
int replay_add(struct replay *s, uint8_t digests[][REPLAY_DIGEST_LEN], size_t n)
{
	for (size_t k = 0; k < n; k++) {
		size_t slot = (s->next + k) % REPLAY_MAX;

		memcpy(s->digests[slot], digests[k], REPLAY_DIGEST_LEN);
		if (write_at(s->fd, digests[k], REPLAY_DIGEST_LEN,
			(off_t)((slot + 1) * REPLAY_DIGEST_LEN)) != 0)
			return ERR_IO;
	}
	if (fdatasync(s->fd) != 0)
		return ERR_IO;
	s->next = (uint32_t)((s->next + n) % REPLAY_MAX);
	if (write_head(s) != 0 || fdatasync(s->fd) != 0)
		return ERR_IO;
	return 0;
}
