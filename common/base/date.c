/* SPDX-License-Identifier: Apache-2.0 */
#include "base/date.h"

#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>

#include "base/text.h"

static bool is_in_calendar(const struct tm *tm)
{
	return tm->tm_year >= 70 && tm->tm_year < 8100 && tm->tm_mon >= 0 &&
	       tm->tm_mon < 12 && tm->tm_mday >= 1 && tm->tm_mday <= 31 &&
	       tm->tm_hour < 24 && tm->tm_min < 60 && tm->tm_sec <= 60;
}

/* timegm() carries 30 February over into March, and a leap second into the next
 * minute, which may be another day's. */
static int convert_calendar(const struct tm *given, int64_t *wall)
{
	const int leap = given->tm_sec == 60 ? 1 : 0;
	struct tm tm = *given;
	time_t t;

	if (!is_in_calendar(given))
		return ERR_FORMAT;
	tm.tm_sec -= leap;
	t = timegm(&tm);
	if (tm.tm_mday != given->tm_mday)
		return ERR_FORMAT;
	*wall = ((int64_t)t + leap) * 1000;
	return 0;
}

/* sscanf() would take signs and white space. */
static int read_digits(const char *s, size_t n, int *out)
{
	uint64_t value;

	if (!text_read_number(s, n, INT_MAX, &value))
		return ERR_FORMAT;
	*out = (int)value;
	return 0;
}

static int read_time_of_day(const char *s, struct tm *tm)
{
	if (s[2] != ':' || s[5] != ':' ||
	    read_digits(s, 2, &tm->tm_hour) != 0 ||
	    read_digits(s + 3, 2, &tm->tm_min) != 0 ||
	    read_digits(s + 6, 2, &tm->tm_sec) != 0)
		return ERR_FORMAT;
	return 0;
}

/* What a time in the zone is ahead of UTC, in ms. */
static int read_zone(const char *s, int64_t *ahead)
{
	int hours, minutes;

	*ahead = 0;
	if (strcmp(s, "Z") == 0)
		return 0;
	if (strlen(s) != 6 || (s[0] != '+' && s[0] != '-') || s[3] != ':' ||
	    read_digits(s + 1, 2, &hours) != 0 ||
	    read_digits(s + 4, 2, &minutes) != 0 || hours > 23 || minutes > 59)
		return ERR_FORMAT;
	*ahead = (hours * 60 + minutes) * INT64_C(60000);
	if (s[0] == '-')
		*ahead = -*ahead;
	return 0;
}

int date_parse_rfc3339(const char *s, int64_t *wall)
{
	struct tm tm = {0};
	const char *end;
	int64_t ahead;
	int rc;

	if (strlen(s) < 20 || s[4] != '-' || s[7] != '-' || s[10] != 'T')
		return ERR_FORMAT;
	if (read_digits(s, 4, &tm.tm_year) != 0 ||
	    read_digits(s + 5, 2, &tm.tm_mon) != 0 ||
	    read_digits(s + 8, 2, &tm.tm_mday) != 0 ||
	    read_time_of_day(s + 11, &tm) != 0)
		return ERR_FORMAT;
	end = s + 19;
	if (*end == '.') {
		size_t n = strspn(end + 1, "0123456789");

		if (n == 0)
			return ERR_FORMAT;
		end += 1 + n;
	}
	if (read_zone(end, &ahead) != 0)
		return ERR_FORMAT;
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	rc = convert_calendar(&tm, wall);
	if (rc == 0)
		*wall -= ahead;
	return rc;
}

int date_parse_http(const char *s, int64_t *wall)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	struct tm tm = {0};
	char name[4] = {0};
	const char *found;

	if (strlen(s) != 29 || memcmp(s + 3, ", ", 2) != 0 || s[7] != ' ' ||
	    s[11] != ' ' || s[16] != ' ' || strcmp(s + 25, " GMT") != 0)
		return ERR_FORMAT;
	memcpy(name, s + 8, 3);
	found = strstr(months, name);
	if (found == NULL || (found - months) % 3 != 0)
		return ERR_FORMAT;
	if (read_digits(s + 5, 2, &tm.tm_mday) != 0 ||
	    read_digits(s + 12, 4, &tm.tm_year) != 0 ||
	    read_time_of_day(s + 17, &tm) != 0)
		return ERR_FORMAT;
	tm.tm_mon = (int)((found - months) / 3);
	tm.tm_year -= 1900;
	return convert_calendar(&tm, wall);
}

void date_format_amz(int64_t wall, char out[static DATE_AMZ_MAX])
{
	time_t t = (time_t)(wall / 1000);
	struct tm tm = {0};

	if (gmtime_r(&t, &tm) == NULL ||
	    strftime(out, DATE_AMZ_MAX, "%Y%m%dT%H%M%SZ", &tm) == 0)
		memcpy(out, "19700101T000000Z", DATE_AMZ_MAX);
}

void date_format_rfc3339(int64_t wall, char out[static DATE_TEXT_MAX])
{
	time_t t = (time_t)(wall / 1000);
	struct tm tm = {0};

	if (gmtime_r(&t, &tm) == NULL ||
	    strftime(out, DATE_TEXT_MAX, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		memcpy(out, "1970-01-01T00:00:00Z", DATE_TEXT_MAX);
}
