/* SPDX-License-Identifier: Apache-2.0 */
#include "base/trouble.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* FNV-1a. */
#define HASH_START UINT64_C(0xcbf29ce484222325)
#define HASH_PRIME UINT64_C(0x100000001b3)

#define SECOND     INT64_C(1000)
#define MINUTE     (60 * SECOND)
#define HOUR       (60 * MINUTE)
#define DAY        (24 * HOUR)

static bool has_digit(const char *word, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (word[i] >= '0' && word[i] <= '9')
			return true;
	return false;
}

/* Of the words without a digit. */
static uint64_t hash_reason(const char *text)
{
	uint64_t hash = HASH_START;

	while (*text != '\0') {
		const size_t len = strcspn(text, " ");

		for (size_t i = 0; i < len && !has_digit(text, len); i++)
			hash = (hash ^ (uint8_t)text[i]) * HASH_PRIME;
		hash = (hash ^ ' ') * HASH_PRIME;
		text += len + (text[len] == ' ');
	}
	return hash;
}

bool trouble_is_new(struct trouble *t, const char *reason, int64_t now)
{
	const uint64_t hash = hash_reason(reason);

	if (!t->on)
		*t = (struct trouble){.on = true, .since = now};
	for (size_t i = 0; i < t->n; i++)
		if (t->told[i] == hash)
			return false;
	if (t->n == TROUBLE_REASONS)
		return false;
	t->told[t->n++] = hash;
	return true;
}

bool trouble_is_over(struct trouble *t, int64_t now, int64_t *lasted)
{
	if (!t->on)
		return false;
	*lasted = now - t->since;
	*t = (struct trouble){.on = false};
	return true;
}

void trouble_say_time(char out[static TROUBLE_TIME_MAX], int64_t ms)
{
	const int64_t days = ms / DAY, hours = ms / HOUR, minutes = ms / MINUTE;

	if (days > 0)
		(void)snprintf(out, TROUBLE_TIME_MAX,
		    "%" PRId64 " day%s %" PRId64 " h", days,
		    days > 1 ? "s" : "", hours % 24);
	else if (hours > 0)
		(void)snprintf(out, TROUBLE_TIME_MAX,
		    "%" PRId64 " h %" PRId64 " min", hours, minutes % 60);
	else if (minutes > 0)
		(void)snprintf(
		    out, TROUBLE_TIME_MAX, "%" PRId64 " min", minutes);
	else
		(void)snprintf(out, TROUBLE_TIME_MAX, "%" PRId64 " s",
		    ms > 0 ? ms / SECOND : 0);
}
