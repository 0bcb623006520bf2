/* SPDX-License-Identifier: Apache-2.0 */
/* Steps of --setup about what the offline half holds: key and source. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "producer/genkey.h"
#include "producer/offline/blocks.h"
#include "producer/setup/setup.h"

/* A sample: it ends at whichever comes first. */
#define SAMPLE_BLOCKS 128
#define SAMPLE_MS     5000

/* Id, for people. */
static void show_id(const char *line, char hex[static 2 * KEYFILE_ID_LEN + 1])
{
	uint8_t key[KEYS_LEN], id[KEYFILE_ID_LEN];

	hex[0] = '\0';
	if (keyfile_parse(KEYFILE_SIGN_PUBLIC, line, strlen(line), "key", key,
		NULL) == 0 &&
	    keyfile_id(key, id) == 0)
		text_hex(hex, id, sizeof id);
}

int setup_key(struct setup *s, struct err *err)
{
	const char *set = s->conf.signing_key;
	const char *path = set[0] != '\0' ? set : CONF_UNIT_KEY;
	const bool there = access(path, F_OK) == 0;
	char hex[2 * KEYFILE_ID_LEN + 1];
	int rc;

	rc = there ? genkey_line(path, s->line, err)
		   : genkey_make(path, s->line, err);
	if (rc != 0)
		return rc;
	show_id(s->line, hex);
	findings_ok(&s->all, "key", "%s %s, key %s, of root alone", path,
	    there ? "is there" : "is made", hex);
	s->changed = s->changed || !there;
	/* The unit hands this one over. */
	if (set[0] == '\0')
		(void)snprintf(s->conf.signing_key, sizeof s->conf.signing_key,
		    "%s", CONF_UNIT_KEY);
	return 0;
}

static int pause_for_source(void *ctx, int64_t ms)
{
	return clock_sleep(ctx, ms);
}

/* What a run does with the source, for a short time: whatever fails here would
 * fail there. */
static int try_source(
    struct blocks *b, size_t len, size_t *bytes, int64_t *ms, struct err *err)
{
	struct clock clock = clock_system(NULL);
	const struct pace pace = {&clock, pause_for_source, &clock};
	const int64_t begun = clock_mono(&clock);
	uint8_t *space;
	struct buf *block = buf_new_zero(len, &space);
	int rc = 0;

	*bytes = 0;
	*ms = 0;
	if (block == NULL)
		return err_set(err, ERR_NOMEM, "out of memory");
	for (size_t i = 0; rc == 0 && i < SAMPLE_BLOCKS &&
			   (i == 0 || clock_mono(&clock) - begun < SAMPLE_MS);
	     i++) {
		rc = blocks_make(b, &pace, space, len, err);
		*bytes += len;
	}
	*ms = clock_mono(&clock) - begun;
	buf_free(block);
	return rc;
}

static void say_source(struct setup *s, size_t bytes, int64_t ms)
{
	findings_ok(&s->all, "source",
	    "%s passes the health tests for %g bits a byte, %zu bytes in "
	    "%lld.%lld s",
	    s->conf.device, s->conf.bits_per_byte, bytes, (long long)ms / 1000,
	    (long long)ms / 100 % 10);
	if (s->conf.bits_per_byte * (double)s->conf.message_bytes < 256)
		findings_warn(&s->all, "credit",
		    "set message-bytes higher, or bits-per-byte, if the source "
		    "is known to have more",
		    "a message has %g bits, and a run of the agent credits 256 "
		    "or none",
		    s->conf.bits_per_byte * (double)s->conf.message_bytes);
}

int setup_source(struct setup *s, struct err *err)
{
	const size_t len = (size_t)s->conf.message_bytes;
	struct blocks blocks;
	size_t bytes;
	int64_t ms;
	int rc = blocks_open(
	    &blocks, s->conf.device, s->conf.bits_per_byte, len, err);

	if (rc != 0)
		return rc;
	rc = try_source(&blocks, len, &bytes, &ms, err);
	for (size_t i = 0; rc == 0 && i < blocks.n; i++)
		if (blocks.sources[i].regular)
			findings_warn(&s->all, "source",
			    "set device to a hardware generator",
			    "%s is a regular file: good for trials only",
			    blocks.sources[i].path);
	if (rc == 0)
		say_source(s, bytes, ms);
	blocks_close(&blocks);
	return rc;
}
