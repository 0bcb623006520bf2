/* SPDX-License-Identifier: Apache-2.0 */
#include "producer/assess/report.h"

#include <inttypes.h>
#include <math.h>

#define LINES  16
#define VALUES (256 / LINES)
#define BAR    40

/* With how many standard deviations a line differs from what random bytes give:
 * the bars of a good source all look alike. */
static double find_deviation(uint64_t count, uint64_t total)
{
	const double share = 1.0 / LINES, n = (double)total;

	return ((double)count - n * share) / sqrt(n * share * (1 - share));
}

void report_print_histogram(const struct statistics *s, FILE *to)
{
	static const char bar[] = "########################################";
	uint64_t counts[LINES] = {0}, most = 1;

	for (unsigned i = 0; i < LINES * VALUES; i++)
		counts[i / VALUES] += statistics_count(s, (uint8_t)i);
	for (unsigned i = 0; i < LINES; i++)
		most = counts[i] > most ? counts[i] : most;
	(void)fprintf(to, "\nBytes by value, and how far from random in "
			  "standard deviations\n");
	for (unsigned i = 0; i < LINES; i++)
		(void)fprintf(to, "  %02x-%02x %-*.*s %10" PRIu64 " %+.1f\n",
		    i * VALUES, i * VALUES + VALUES - 1, BAR,
		    (int)((double)counts[i] / (double)most * BAR + 0.5), bar,
		    counts[i], find_deviation(counts[i], s->total));
}
