/* SPDX-License-Identifier: Apache-2.0 */
#include "producer/offline/sequence.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"

#define SLOTS    2
#define SLOT_LEN 512 /* a sector: a torn write spoils one slot alone */
#define MAGIC    "SQSESEQ1"
#define FIRST    1
#define HIGHEST  (UINT64_MAX - SEQUENCE_BLOCK)

struct slot {
	char magic[8];
	uint64_t reserved;
	uint64_t inverted; /* ~reserved, or the slot is void */
};

static bool read_slot(int fd, unsigned k, uint64_t *reserved)
{
	struct slot slot;

	if (pread(fd, &slot, sizeof slot, (off_t)k * SLOT_LEN) !=
		(ssize_t)sizeof slot ||
	    memcmp(slot.magic, MAGIC, sizeof slot.magic) != 0 ||
	    slot.reserved != ~slot.inverted)
		return false;
	*reserved = slot.reserved;
	return true;
}

static int write_slot(const struct sequence *s, uint64_t reserved)
{
	const struct slot slot = {
	    .magic = MAGIC, .reserved = reserved, .inverted = ~reserved};

	if (pwrite(s->fd, &slot, sizeof slot, (off_t)s->slot * SLOT_LEN) !=
	    (ssize_t)sizeof slot)
		return ERR_IO;
	return fdatasync(s->fd) == 0 ? 0 : ERR_IO;
}

/* The higher of the slots that are whole. */
static bool read_slots(struct sequence *s)
{
	bool found = false;
	uint64_t value;

	for (unsigned k = 0; k < SLOTS; k++) {
		if (!read_slot(s->fd, k, &value))
			continue;
		if (!found || value > s->reserved) {
			s->reserved = value;
			s->slot = (k + 1) % SLOTS;
		}
		found = true;
	}
	return found;
}

/* Root gives away only a file that is new and has no other name. */
static void give_to_owner(int fd, int directory, const char *path)
{
	struct stat its, st;

	if (geteuid() != 0 || fstat(directory, &its) != 0 ||
	    fstat(fd, &st) != 0 || st.st_uid == its.st_uid || st.st_size != 0 ||
	    st.st_nlink != 1 || !S_ISREG(st.st_mode))
		return;
	if (fchown(fd, its.st_uid, its.st_gid) != 0)
		log_warning("%s stays root's: the owner of its directory "
			    "cannot go on with it",
		    path);
}

static int load_slots(struct sequence *s, const char *path, struct err *err)
{
	struct stat st;

	if (flock(s->fd, LOCK_EX | LOCK_NB) != 0) {
		if (errno != EWOULDBLOCK)
			return err_errno(err, ERR_IO, "cannot lock %s", path);
		return err_set(err, ERR_ABSENT,
		    "another producer uses %s: stop it, or give this one "
		    "another state directory (STATE_DIRECTORY)",
		    path);
	}
	if (fstat(s->fd, &st) != 0 || !S_ISREG(st.st_mode))
		return err_set(err, ERR_IO, "%s is not a file", path);
	s->reserved = FIRST;
	if (st.st_size > 0 && !read_slots(s))
		return err_set(err, ERR_CONFIG,
		    "%s is damaged: remove it and make a new key "
		    "(--genkey), so that no number comes twice",
		    path);
	s->next = s->reserved;
	return 0;
}

int sequence_open(struct sequence *s, const char *path, struct err *err)
{
	const char *name;
	const int directory = file_open_parent(path, &name);
	int rc;

	*s = (struct sequence){.fd = -1};
	if (directory >= 0)
		s->fd = openat(directory, name,
		    O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK,
		    0600);
	if (s->fd < 0)
		rc = err_errno(err,
		    errno == EACCES || errno == EPERM ? ERR_PERM : ERR_IO,
		    "cannot open %s", path);
	else
		rc = load_slots(s, path, err);
	if (rc == 0)
		give_to_owner(s->fd, directory, path);
	if (directory >= 0)
		(void)close(directory);
	if (rc != 0)
		sequence_close(s);
	return rc;
}

int sequence_next(struct sequence *s, uint64_t *out, struct err *err)
{
	if (s->next >= HIGHEST)
		return err_set(err, ERR_LIMIT,
		    "no sequence number is left: make a new key");
	if (s->next == s->reserved) {
		if (write_slot(s, s->reserved + SEQUENCE_BLOCK) != 0)
			return err_errno(
			    err, ERR_IO, "cannot reserve sequence numbers");
		s->reserved += SEQUENCE_BLOCK;
		s->slot = (s->slot + 1) % SLOTS;
	}
	*out = s->next++;
	return 0;
}

void sequence_close(struct sequence *s)
{
	if (s->fd >= 0)
		(void)close(s->fd);
	s->fd = -1;
}
