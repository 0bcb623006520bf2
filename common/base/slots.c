/* SPDX-License-Identifier: Apache-2.0 */
#include "base/slots.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"

#define SLOTS     2
#define POLL_NS   10000000 /* between two tries to get a lock */
#define TRIES     100 /* to open a file that others make at the same time */

#define FNV_PRIME UINT64_C(0x100000001b3)
#define ZEROS     64 /* bytes */
#define FNV_PRIME_ZEROS                                                        \
	UINT64_C(0xe9be24f4c2cc101) /* FNV_PRIME to that power */

struct head {
	char magic[SLOTS_MAGIC_LEN];
	uint64_t generation;
	uint64_t sum;
};

/* Where the file lies. */
struct place {
	int directory;
	const char *name;
};

static off_t find_slot(const struct slots *s, unsigned k)
{
	const size_t len = sizeof(struct head) + s->kind->len;

	return (off_t)k * (off_t)((len + SLOTS_BLOCK - 1) / SLOTS_BLOCK) *
	       SLOTS_BLOCK;
}

/* FNV-1a, 64 bits, of a few bytes. */
static uint64_t add_bytes(uint64_t sum, const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		sum = (sum ^ p[i]) * FNV_PRIME;
	return sum;
}

/* The same of any number.  A zero only multiplies, and most of a state that is
 * young is zeros. */
static uint64_t add_to_sum(uint64_t sum, const void *data, size_t len)
{
	static const uint8_t zeros[ZEROS];
	const uint8_t *p = data;

	for (; len >= ZEROS; p += ZEROS, len -= ZEROS)
		sum = memcmp(p, zeros, ZEROS) == 0 ? sum * FNV_PRIME_ZEROS
						   : add_bytes(sum, p, ZEROS);
	return add_bytes(sum, p, len);
}

static struct head make_head(
    const struct slots *s, uint64_t generation, const void *state)
{
	struct head head = {
	    .generation = generation, .sum = UINT64_C(0xcbf29ce484222325)};

	memcpy(head.magic, s->kind->magic, sizeof head.magic);
	head.sum = add_to_sum(head.sum, head.magic, sizeof head.magic);
	head.sum =
	    add_to_sum(head.sum, &head.generation, sizeof head.generation);
	head.sum = add_to_sum(head.sum, state, s->kind->len);
	return head;
}

static bool read_at(int fd, void *data, size_t len, off_t at)
{
	return pread(fd, data, len, at) == (ssize_t)len;
}

/* True if slot k is whole, and its state is in *state. */
static bool read_whole_slot(struct slots *s, unsigned k, void *state)
{
	const off_t at = find_slot(s, k);
	struct head head, right;

	if (!read_at(s->fd, &head, sizeof head, at) ||
	    !read_at(s->fd, state, s->kind->len, at + (off_t)sizeof head))
		return false;
	right = make_head(s, head.generation, state);
	if (memcmp(&head, &right, sizeof head) != 0)
		return false;
	s->generation = head.generation;
	s->next = (k + 1) % SLOTS;
	return true;
}

/* The slot that claims to be the newer one. */
static unsigned guess_newer(const struct slots *s)
{
	struct head heads[SLOTS] = {{.generation = 0}};

	for (unsigned k = 0; k < SLOTS; k++)
		if (!read_at(
			s->fd, &heads[k], sizeof heads[k], find_slot(s, k)))
			heads[k].generation = 0;
	return heads[1].generation > heads[0].generation;
}

static bool holds_zeros(const struct slots *s)
{
	static const uint8_t zeros[SLOTS_BLOCK];
	uint8_t block[SLOTS_BLOCK];
	ssize_t n = sizeof block;

	for (off_t at = 0; n > 0 && at < find_slot(s, SLOTS);
	     at += (off_t)sizeof block) {
		n = pread(s->fd, block, sizeof block, at);
		if (n < 0 || memcmp(block, zeros, (size_t)n) != 0)
			return false;
	}
	return true;
}

static int read_state(struct slots *s, void *state)
{
	const unsigned newer = guess_newer(s);

	if (read_whole_slot(s, newer, state) ||
	    read_whole_slot(s, (newer + 1) % SLOTS, state))
		return 0;
	return holds_zeros(s) ? ERR_EMPTY : ERR_FORMAT;
}

static bool write_at(int fd, const void *data, size_t len, off_t at)
{
	return pwrite(fd, data, len, at) == (ssize_t)len;
}

static bool write_slot(const struct slots *s, unsigned k,
    const struct head *head, const void *state)
{
	const off_t at = find_slot(s, k);

	return write_at(s->fd, head, sizeof *head, at) &&
	       write_at(s->fd, state, s->kind->len, at + (off_t)sizeof *head);
}

/* A slot whose sync failed may be damaged, and is the next one to be written
 * again: until then the other one is all there is. */
static int write_next(struct slots *s, uint64_t generation, const void *state)
{
	const struct head head = make_head(s, generation, state);

	if (!write_slot(s, s->next, &head, state) || fdatasync(s->fd) != 0)
		return ERR_IO;
	s->generation = generation;
	s->next = (s->next + 1) % SLOTS;
	return 0;
}

int slots_write_one(struct slots *s, const void *state)
{
	return write_next(s, s->generation + 1, state);
}

int slots_write_other(struct slots *s, const void *state)
{
	return write_next(s, s->generation, state);
}

int slots_write(struct slots *s, const void *state)
{
	const int rc = slots_write_one(s, state);

	return rc != 0 ? rc : slots_write_other(s, state);
}

/* ---- opening and making */

static int lock_file(int fd, int64_t until)
{
	const struct timespec pause = {.tv_nsec = POLL_NS};

	while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return ERR_IO;
		if (clock_read(CLOCK_MONOTONIC) >= until)
			return ERR_TIMEOUT;
		(void)nanosleep(&pause, NULL);
	}
	return 0;
}

/* False if somebody has renamed or removed the file meanwhile. */
static bool has_name(int fd, int directory, const char *name)
{
	struct stat st, its;

	return fstat(fd, &st) == 0 &&
	       fstatat(directory, name, &its, AT_SYMLINK_NOFOLLOW) == 0 &&
	       st.st_dev == its.st_dev && st.st_ino == its.st_ino;
}

/* ERR_ABSENT: there is no such file. */
static int open_locked(
    int *fd, const struct place *at, const char *name, int flags, int64_t until)
{
	for (unsigned i = 0; i < TRIES; i++) {
		int rc, saved;

		*fd = openat(at->directory, name,
		    O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | flags, 0600);
		if (*fd < 0 && errno == ENOENT)
			return ERR_ABSENT;
		if (*fd < 0)
			return errno == EACCES || errno == EPERM ? ERR_PERM
								 : ERR_IO;
		rc = lock_file(*fd, until);
		if (rc == 0 && has_name(*fd, at->directory, name))
			return 0;
		saved = errno;
		(void)close(*fd);
		*fd = -1;
		errno = saved;
		if (rc != 0)
			return rc;
	}
	return ERR_TIMEOUT;
}

/* What was left behind and cannot be opened, by the service's user because it
 * is root's, is in the way. */
static int open_new(
    int *fd, const struct place *at, const char *name, int64_t until)
{
	const int rc = open_locked(fd, at, name, O_CREAT, until);
	const int saved = errno;

	if (rc == 0 || rc == ERR_TIMEOUT)
		return rc;
	if (unlinkat(at->directory, name, 0) != 0) {
		errno = saved;
		return rc;
	}
	return open_locked(fd, at, name, O_CREAT, until);
}

/* Only a file that is new: the owner of the directory may have put another
 * name of one of root's files there.  Where root may not give it away (in some
 * containers) it keeps it. */
static int give_to_owner(int fd, int directory)
{
	struct stat st, its;

	if (fstat(fd, &st) != 0 || fstat(directory, &its) != 0)
		return ERR_IO;
	if (!S_ISREG(st.st_mode) || st.st_nlink != 1) {
		errno = EEXIST;
		return ERR_IO;
	}
	if (geteuid() == 0 && st.st_uid != its.st_uid &&
	    fchown(fd, its.st_uid, its.st_gid) != 0)
		return errno == EINVAL || errno == EPERM ? 0 : ERR_IO;
	return 0;
}

/* Some file systems know no sync of a directory (EINVAL). */
static int sync_directory(int directory)
{
	return fsync(directory) == 0 || errno == EINVAL ? 0 : ERR_IO;
}

/* One sync is enough for both slots, because the file has no name so far. */
static int fill_new(struct slots *s, const struct place *at, const char *name,
    const void *state)
{
	const struct head head = make_head(s, s->generation + 1, state);
	int rc = give_to_owner(s->fd, at->directory);

	if (rc == 0 && ftruncate(s->fd, 0) != 0)
		rc = ERR_IO;
	for (unsigned k = 0; rc == 0 && k < SLOTS; k++)
		rc = write_slot(s, k, &head, state) ? 0 : ERR_IO;
	if (rc == 0 && fsync(s->fd) != 0)
		rc = ERR_IO;
	s->generation = head.generation;
	if (rc == 0 &&
	    renameat(at->directory, name, at->directory, at->name) != 0)
		rc = ERR_IO;
	return rc == 0 ? sync_directory(at->directory) : rc;
}

/* Put a new file in the place of the one that is open, if any.  ERR_ABSENT:
 * where there was none another process has made one. */
static int make_file(
    struct slots *s, const struct place *at, const void *state, int64_t until)
{
	const bool is_first = s->fd < 0;
	char name[NAME_MAX + 1];
	struct slots new = {.fd = -1, .kind = s->kind, .began = s->began};
	struct stat st;
	int rc, saved;

	(void)snprintf(name, sizeof name, "%s.new", at->name);
	rc = open_new(&new.fd, at, name, until);
	if (rc != 0)
		return rc;
	if (is_first &&
	    fstatat(at->directory, at->name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		rc = ERR_ABSENT;
	if (rc == 0)
		rc = fill_new(&new, at, name, state);
	saved = errno;
	if (rc != 0)
		(void)unlinkat(at->directory, name, 0);
	slots_close(rc == 0 ? s : &new);
	if (rc == 0)
		*s = new;
	errno = saved;
	return rc;
}

static int open_or_make(
    struct slots *s, const struct place *at, void *state, int64_t until)
{
	struct stat old;
	int rc = open_locked(&s->fd, at, at->name, 0, until);

	if (rc == 0 && fstat(s->fd, &old) != 0)
		return ERR_IO;
	if (rc == 0 && !S_ISREG(old.st_mode))
		return ERR_UNSUPPORTED;
	if (rc == 0)
		rc = read_state(s, state);
	s->began = rc;
	if (rc != ERR_ABSENT && rc != ERR_EMPTY && rc != ERR_FORMAT)
		return rc;
	rc = s->kind->begin(state, rc, &old);
	return rc != 0 ? rc : make_file(s, at, state, until);
}

static int explain_failure(int rc, const char *path, struct err *err)
{
	if (rc == ERR_TIMEOUT)
		return err_set(err, rc, "another process has locked %s", path);
	if (rc == ERR_UNSUPPORTED)
		return err_set(err, ERR_IO, "%s is not a file", path);
	if (rc == ERR_PERM || rc == ERR_IO)
		return err_errno(err, rc, "cannot open %s", path);
	return rc;
}

int slots_open(struct slots *s, const char *path, const struct slots_kind *kind,
    void *state, int64_t until, struct err *err)
{
	struct place at;
	int rc = ERR_ABSENT;

	*s = (struct slots){.fd = -1, .kind = kind};
	at.directory = file_open_parent(path, &at.name);
	if (at.directory < 0)
		return explain_failure(
		    errno == EACCES ? ERR_PERM : ERR_IO, path, err);
	for (unsigned i = 0; i < TRIES && rc == ERR_ABSENT; i++)
		rc = open_or_make(s, &at, state, until);
	rc = explain_failure(rc == ERR_ABSENT ? ERR_TIMEOUT : rc, path, err);
	(void)close(at.directory);
	if (rc != 0)
		slots_close(s);
	return rc;
}

void slots_close(struct slots *s)
{
	if (s->fd >= 0)
		(void)close(s->fd);
	s->fd = -1;
}
