/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/offline/replay.h"

#include <stdlib.h>
#include <string.h>

struct replay_memory {
	uint32_t next; /* to be overwritten */
	uint32_t zero;
	uint8_t digests[REPLAY_MAX][REPLAY_KEPT_LEN];
};

/* What is damaged has held something, which could then be credited twice. */
static int begin_memory(void *state, int why, const struct stat *old)
{
	(void)old;
	memset(state, 0, sizeof(struct replay_memory));
	return why == ERR_FORMAT ? ERR_FORMAT : 0;
}

static const struct slots_kind kind = {.magic = "SQSESEEN",
    .len = sizeof(struct replay_memory),
    .begin = begin_memory};

int replay_open(
    struct replay *s, const char *path, int64_t until, struct err *err)
{
	int rc = ERR_NOMEM;

	*s = (struct replay){
	    .file = {.fd = -1}, .memory = malloc(sizeof *s->memory)};
	if (s->memory != NULL)
		rc = slots_open(&s->file, path, &kind, s->memory, until, err);
	else
		(void)err_set(err, rc, "out of memory");
	if (rc == ERR_FORMAT)
		(void)err_set(err, rc,
		    "%s is damaged: remove it (messages used before could then "
		    "be credited once more)",
		    path);
	if (rc != 0)
		replay_close(s);
	return rc;
}

void replay_close(struct replay *s)
{
	slots_close(&s->file);
	free(s->memory);
	s->memory = NULL;
}

bool replay_has(
    const struct replay *s, const uint8_t digest[static REPLAY_DIGEST_LEN])
{
	for (size_t i = 0; i < REPLAY_MAX; i++)
		if (memcmp(s->memory->digests[i], digest, REPLAY_KEPT_LEN) == 0)
			return true;
	return false;
}

int replay_add(struct replay *s, uint8_t digests[][REPLAY_DIGEST_LEN], size_t n)
{
	struct replay_memory *m = s->memory;

	for (size_t k = 0; k < n; k++) {
		m->next %= REPLAY_MAX;
		memcpy(m->digests[m->next++], digests[k], REPLAY_KEPT_LEN);
	}
	s->added = slots_write_one(&s->file, m) == 0;
	return s->added ? 0 : ERR_IO;
}

void replay_settle(struct replay *s)
{
	if (s->added && slots_write_other(&s->file, s->memory) == 0)
		s->added = false;
}
