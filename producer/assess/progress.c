/* SPDX-License-Identifier: Apache-2.0 */
#include "producer/assess/progress.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#define EVERY_MS  200
#define BAR       24
#define TAKE_AWAY "\r\033[K"

struct progress progress_on(FILE *to)
{
	return (struct progress){.to = isatty(fileno(to)) == 1 ? to : NULL};
}

void progress_number(char out[static PROGRESS_NUMBER_MAX], uint64_t n)
{
	char digits[PROGRESS_NUMBER_MAX];
	const int len = snprintf(digits, sizeof digits, "%" PRIu64, n);

	for (int i = 0; i < len; i++) {
		*out++ = digits[i];
		if (i + 1 < len && (len - i - 1) % 3 == 0)
			*out++ = ',';
	}
	*out = '\0';
}

void progress_rate(char out[static PROGRESS_NUMBER_MAX], double per_second)
{
	static const char *const units[] = {"B/s", "kB/s", "MB/s", "GB/s"};
	unsigned i = 0;

	while (per_second >= 1000 && i + 1 < sizeof units / sizeof units[0]) {
		per_second /= 1000;
		i++;
	}
	(void)snprintf(out, PROGRESS_NUMBER_MAX, "%.*f %s",
	    i > 0 || per_second < 10 ? 1 : 0, per_second, units[i]);
}

/* "3 min 20 s left", from the rate so far; "" where nothing came yet. */
static void say_left(char *out, size_t size, const struct sample *s)
{
	const double left = (double)(s->wanted - s->bytes) / (double)s->bytes *
			    (double)s->ms / 1000;
	const long seconds = left < 86400 ? (long)left + 1 : 86400;

	if (s->bytes == 0)
		(void)snprintf(out, size, "waiting for the first byte");
	else if (seconds >= 60)
		(void)snprintf(out, size, "%ld min %ld s left", seconds / 60,
		    seconds % 60);
	else
		(void)snprintf(out, size, "%ld s left", seconds);
}

static void show_line(const struct progress *p, const struct sample *s)
{
	static const char full[] = "########################";
	const unsigned done = (unsigned)(s->bytes * BAR / s->wanted);
	char bytes[PROGRESS_NUMBER_MAX], left[64];

	progress_number(bytes, s->bytes);
	say_left(left, sizeof left, s);
	(void)fprintf(p->to,
	    TAKE_AWAY "[%-*.*s] %3u %%  %s bytes, %s (Ctrl-C: that is enough)",
	    BAR, (int)done, full, (unsigned)(s->bytes * 100 / s->wanted), bytes,
	    left);
	(void)fflush(p->to);
}

void progress_show(struct progress *p, const struct sample *s)
{
	const int64_t now = clock_mono(s->clock);

	if (p->to == NULL || s->wanted == 0 ||
	    (p->any && now - p->shown < EVERY_MS))
		return;
	p->any = true;
	p->shown = now;
	show_line(p, s);
}

void progress_say(struct progress *p, const char *text)
{
	if (p->to == NULL)
		return;
	p->any = true;
	(void)fprintf(p->to, TAKE_AWAY "%s", text);
	(void)fflush(p->to);
}

void progress_end(struct progress *p)
{
	if (p->to == NULL || !p->any)
		return;
	p->any = false;
	(void)fputs(TAKE_AWAY, p->to);
	(void)fflush(p->to);
}
