/* SPDX-License-Identifier: Apache-2.0 */
#include "producer/assess/sample.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* A device is asked for little, so that a slow one is seen to move. */
#define FILE_PIECE   65536
#define DEVICE_PIECE 512
#define PAUSE_MS     10 /* between two looks at a device without bytes */

/* One read(2).  0 with *got, which may be 0 for "not yet"; ERR_EOF, ERR_IO. */
static int read_piece(
    const struct sample *s, uint8_t *piece, size_t *got, struct err *err)
{
	size_t len = s->source->regular ? FILE_PIECE : DEVICE_PIECE;
	ssize_t n;

	if (s->wanted > 0 && s->wanted - s->bytes < len)
		len = (size_t)(s->wanted - s->bytes);
	n = read(s->source->fd, piece, len);
	*got = n > 0 ? (size_t)n : 0;
	if (n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR)))
		return 0;
	return n == 0 ? ERR_EOF
		      : err_errno(err, ERR_IO, "cannot read %s (unplugged?)",
			    s->source->path);
}

/* True if the sample ends here, and how. */
static bool sample_has_ended(struct sample *s, int64_t now, int rc)
{
	const bool all_of_file = s->wanted == 0 && s->source->regular;

	/* A last piece that could not be taken makes no whole sample. */
	if (rc != 0 && rc != ERR_EOF && rc != ERR_CANCELED)
		s->end = SAMPLE_BROKEN;
	else if (s->wanted > 0 && s->bytes == s->wanted)
		s->end = SAMPLE_WHOLE;
	else if (rc == ERR_EOF)
		s->end = all_of_file ? SAMPLE_WHOLE : SAMPLE_SHORT;
	else if (rc == ERR_CANCELED)
		s->end = SAMPLE_STOPPED;
	else if (now - (s->begun + s->ms) >= SAMPLE_SILENCE_MS)
		s->end = SAMPLE_SILENT;
	else if (now - s->begun >= SAMPLE_TOTAL_MS)
		s->end = SAMPLE_LATE;
	else
		return false;
	return true;
}

int sample_read(struct sample *s, struct err *err)
{
	uint8_t piece[FILE_PIECE];
	int64_t now;
	size_t got;
	int rc;

	s->bytes = 0;
	s->ms = 0;
	s->begun = clock_mono(s->clock);
	do {
		rc = read_piece(s, piece, &got, err);
		now = clock_mono(s->clock);
		if (got > 0) {
			s->bytes += got;
			s->ms = now - s->begun;
			rc = s->take(s->ctx, piece, got, err);
		}
		s->progress(s->ctx, s);
		if (rc == 0)
			rc = clock_sleep(s->clock, got > 0 ? 0 : PAUSE_MS);
	} while (!sample_has_ended(s, now, rc));
	explicit_bzero(piece, sizeof piece);
	return s->end == SAMPLE_BROKEN ? rc : 0;
}

const char *sample_explain(enum sample_end end)
{
	static const char *const texts[] = {
	    [SAMPLE_WHOLE] = "all of it was read",
	    [SAMPLE_SHORT] = "it ended before",
	    [SAMPLE_STOPPED] = "told to stop",
	    [SAMPLE_SILENT] = "it gave no byte for 30 s",
	    [SAMPLE_LATE] = "it was read for an hour",
	    [SAMPLE_BROKEN] = "it could not be read any more"};

	return texts[end];
}
