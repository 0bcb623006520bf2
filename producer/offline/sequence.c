/* SPDX-License-Identifier: Apache-2.0 */
#include "producer/offline/sequence.h"

#include <inttypes.h>
#include <time.h>

#include "base/log.h"

#define FIRST      UINT64_C(1)
#define HIGHEST    (UINT64_MAX - SEQUENCE_BLOCK)
#define LEAST_ANEW (UINT64_C(1) << 50) /* microseconds: in 2005 */

/* A clock later than this, in s, is not believed: numbers fit into 63 bits. */
#define LATEST     ((time_t)1 << 40)

static uint64_t read_us(const struct timespec *t)
{
	if (t->tv_sec < 0)
		return 0;
	return (uint64_t)(t->tv_sec < LATEST ? t->tv_sec : LATEST) * 1000000 +
	       (uint64_t)t->tv_nsec / 1000;
}

uint64_t sequence_anew(
    const struct timespec *now, const struct timespec *written)
{
	uint64_t start = LEAST_ANEW;

	if (start < read_us(now))
		start = read_us(now);
	if (start < read_us(written))
		start = read_us(written);
	return start;
}

static int begin_sequence(void *state, int why, const struct stat *old)
{
	uint64_t *reserved = state;
	struct timespec now = {0};

	(void)clock_gettime(CLOCK_REALTIME, &now);
	*reserved =
	    why == ERR_ABSENT ? FIRST : sequence_anew(&now, &old->st_mtim);
	return 0;
}

static const struct slots_kind kind = {
    .magic = "SQSESEQ2", .len = sizeof(uint64_t), .begin = begin_sequence};

int sequence_open(struct sequence *s, const char *path, struct err *err)
{
	const int rc = slots_open(&s->file, path, &kind, &s->reserved, 0, err);

	s->next = s->reserved;
	if (rc == 0 && s->file.began != 0 && s->file.began != ERR_ABSENT)
		log_warning("%s was %s: sequence numbers go on from %" PRIu64,
		    path, s->file.began == ERR_EMPTY ? "empty" : "damaged",
		    s->next);
	if (rc != ERR_TIMEOUT)
		return rc;
	return err_set(err, ERR_ABSENT,
	    "another producer uses %s: stop it, or give this one "
	    "another state directory (STATE_DIRECTORY)",
	    path);
}

int sequence_next(struct sequence *s, uint64_t *out, struct err *err)
{
	const uint64_t reserved = s->reserved + SEQUENCE_BLOCK;

	if (s->next >= HIGHEST)
		return err_set(err, ERR_LIMIT,
		    "no sequence number is left: make a new key");
	if (s->next == s->reserved) {
		if (slots_write(&s->file, &reserved) != 0)
			return err_errno(
			    err, ERR_IO, "cannot reserve sequence numbers");
		s->reserved = reserved;
	}
	*out = s->next++;
	return 0;
}

void sequence_close(struct sequence *s)
{
	slots_close(&s->file);
}
