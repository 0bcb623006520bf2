/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/years/told.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "tests/years/sim.h"

#define LINES 32 /* of a trouble */
#define LINE  512

/* begin: what a line of it has; the last two have all that remains. */
enum { STUCK, SLOW, HEALTH, MADE, REFUSED, QUEUE, TROUBLES };
static const struct {
	const char *begin, *end;
} all[TROUBLES] = {
    [STUCK] = {"somebody receives and does not delete",
	"fewer messages are in flight after"},
    [SLOW] = {"waited too long for a slow source",
	"the source is fast enough again"},
    [HEALTH] = {"the block is discarded", "passes its tests again"},
    [MADE] = {"device", "messages can be made again after"},
    [REFUSED] = {"", "takes all messages again after"},
    [QUEUE] = {"", "back again after"},
};

struct told told;
/* Without words that hold a digit.  n is 0: there is no trouble. */
static struct {
	size_t n;
	char lines[LINES][LINE];
} troubles[TROUBLES];

void told_start(void)
{
	for (size_t i = 0; i < TROUBLES; i++)
		troubles[i].n = 0;
}

static void begin_trouble(int i, const char *text)
{
	char *line = troubles[i].lines[troubles[i].n];
	size_t len = 0, word;

	told.begun += troubles[i].n == 0 ? 1 : 0;
	for (const char *at = text; *at != '\0'; at += word) {
		word = strcspn(at, " ") + (strchr(at, ' ') != NULL ? 1 : 0);
		if (strcspn(at, "0123456789") >= word && len + word < LINE) {
			memcpy(line + len, at, word);
			len += word;
		}
	}
	line[len] = '\0';
	for (size_t k = 0; k < troubles[i].n; k++)
		if (strcmp(troubles[i].lines[k], line) == 0)
			sim_fail("told again: %s", text);
	if (++troubles[i].n == LINES)
		sim_fail("told in too many words: %s", text);
}

static bool ends_trouble(const char *text)
{
	for (size_t i = 0; i < TROUBLES; i++) {
		if (strstr(text, all[i].end) == NULL)
			continue;
		if (troubles[i].n == 0)
			sim_fail("told without a trouble: %s", text);
		troubles[i].n = 0;
		return true;
	}
	return false;
}

/* What is said when a message cannot be made. */
static bool is_of_making(const char *text)
{
	return strstr(text, sim_path("device")) != NULL ||
	       strstr(text, "cannot reserve sequence numbers") != NULL;
}

void told_line(const char *line)
{
	const int level = line[1] - '0';
	const char *text = line + 3;
	int which = level == LOG_LEVEL_ERROR ? QUEUE : REFUSED;

	told.lines++;
	told.bytes += strlen(text) + 1;
	if (getenv("YEARS_SAY") != NULL)
		printf("%lld.%03lld %s\n", (long long)(sim.now / 1000),
		    (long long)(sim.now % 1000), line);
	/* Of a start. */
	if (strstr(text, "sequence numbers go on from") != NULL)
		return;
	if (level > LOG_LEVEL_WARNING) {
		(void)ends_trouble(text);
		return;
	}
	for (int i = STUCK; i <= HEALTH; i++)
		if (strstr(text, all[i].begin) != NULL)
			which = i;
	if (which == QUEUE && is_of_making(text))
		which = MADE;
	begin_trouble(which, text);
}

const char *told_trouble(void)
{
	for (size_t i = 0; i < TROUBLES; i++)
		if (i != HEALTH && troubles[i].n > 0)
			return all[i].end;
	return NULL;
}
