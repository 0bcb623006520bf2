/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_BASE_DATE_H
#define SQS_ENTROPY_BASE_DATE_H

#include <stdint.h>

#include "base/err.h"

/* Dates as text, to and from milliseconds since 1970-01-01T00:00:00Z.  Pure;
 * whatever the locale and the time zone are. */

/* "2026-11-22T08:00:00Z" or "2026-11-22T09:00:00+01:00" (RFC 3339, an optional
 * fraction is dropped) to epoch milliseconds.  ERR_FORMAT. */
int date_parse_rfc3339(const char *s, int64_t *wall) MUST_CHECK;

/* "Sun, 22 Nov 2026 08:00:00 GMT" (RFC 9110 IMF-fixdate).  ERR_FORMAT. */
int date_parse_http(const char *s, int64_t *wall) MUST_CHECK;

#define DATE_AMZ_MAX 17 /* "20261122T080000Z" and NUL */

/* The X-Amz-Date form of SigV4 (ISO 8601 basic, UTC).  Years 1970-9999. */
void date_format_amz(int64_t wall, char out[static DATE_AMZ_MAX]);

#define DATE_TEXT_MAX 21 /* "2026-11-22T08:00:00Z" and NUL */

/* The same for people (RFC 3339). */
void date_format_rfc3339(int64_t wall, char out[static DATE_TEXT_MAX]);

#endif
