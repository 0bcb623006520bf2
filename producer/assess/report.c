/* SPDX-License-Identifier: Apache-2.0 */
#include "producer/assess/report.h"

#include <math.h>

#include "base/text.h"
#include "producer/assess/progress.h"

#define BITS 8

void report_judge(struct report *r)
{
	double least;

	statistics_judge(&r->statistics, &r->result);
	estimates_make(&r->statistics, &r->estimates);
	least = r->estimates.least;
	if (r->nist.known)
		least = fmin(least, r->nist.least);
	r->recommended = 0;
	if (r->statistics.total >= ESTIMATES_SAMPLES && !report_has_failed(r))
		r->recommended = estimates_recommend(least, r->nist.known);
}

bool report_has_failed(const struct report *r)
{
	enum margin_test first;

	return margins_fail(&r->margins, &first);
}

void report_notes(
    const struct report *r, const char *notes[static REPORT_NOTES + 1])
{
	size_t n = 0;

	if (r->sample.end != SAMPLE_WHOLE)
		notes[n++] = "the sample is shorter than was asked for";
	if (r->statistics.total < ESTIMATES_SAMPLES)
		notes[n++] = "fewer than 1,000,000 bytes are too few to claim "
			     "anything by (SP 800-90B, section 3.1.1)";
	if (report_has_failed(r))
		notes[n++] = "a source that fails a health test must not be "
			     "used";
	else if (r->statistics.total >= ESTIMATES_SAMPLES &&
		 r->recommended == 0)
		notes[n++] = "below 0.1 bits per byte nothing can be claimed";
	if (r->recommended > 0 && !r->nist.known)
		notes[n++] = "without NIST's tool two of ten estimates are "
			     "known: no more than 1.0 is recommended";
	if (r->recommended > 0)
		notes[n++] = "no test tells a generator from a good imitation: "
			     "these are upper limits";
	notes[n] = NULL;
}

static void print_source(const struct report *r, FILE *to)
{
	char bytes[PROGRESS_NUMBER_MAX], rate[PROGRESS_NUMBER_MAX];
	const double seconds = (double)r->sample.ms / 1000;

	text_print(to, r->path);
	(void)fprintf(to, "%s%s\n", r->what[0] != '\0' ? ": " : "", r->what);
	progress_number(bytes, r->statistics.total);
	(void)fprintf(to, "%s bytes in %.1f s", bytes, seconds);
	if (r->sample.ms > 0) {
		progress_rate(rate, (double)r->sample.bytes / seconds);
		(void)fprintf(to, ", %s", rate);
	}
	if (r->sample.end != SAMPLE_WHOLE)
		(void)fprintf(to, "; then %s", sample_explain(r->sample.end));
	if (r->dump != NULL) {
		(void)fprintf(to, "\nwritten to ");
		text_print(to, r->dump);
	}
	if (r->restarts != NULL) {
		(void)fprintf(
		    to, "\n1,000 restarts of 1,000 bytes written to ");
		text_print(to, r->restarts);
	}
	(void)fprintf(to, "\n");
}

static void print_chance(double percent, FILE *to)
{
	if (percent < 0.01)
		(void)fprintf(to, "less than 0.01");
	else if (percent > 99.99)
		(void)fprintf(to, "more than 99.99");
	else
		(void)fprintf(to, "%.2f", percent);
}

static void print_statistics(const struct statistics_result *s, FILE *to)
{
	(void)fprintf(to,
	    "\nAs ent(1) has it\n"
	    "  entropy                   %f bits per byte\n"
	    "  optimum compression       %d percent\n"
	    "  chi-square                %.2f, which ",
	    s->entropy, s->compression, s->chi_square);
	print_chance(s->exceeded, to);
	(void)fprintf(to,
	    " percent of random samples exceed\n"
	    "  arithmetic mean           %.4f (random: 127.5)\n",
	    s->mean);
	if (isnan(s->pi))
		(void)fprintf(to,
		    "  Monte Carlo Pi            undefined (fewer than 6 "
		    "bytes)\n");
	else
		(void)fprintf(to,
		    "  Monte Carlo Pi            %.9f (error %.2f percent)\n",
		    s->pi, s->error);
	if (isnan(s->correlation))
		(void)fprintf(to,
		    "  serial correlation        undefined (all values "
		    "equal)\n");
	else
		(void)fprintf(to,
		    "  serial correlation        %f (random: 0.0)\n",
		    s->correlation);
}

static void print_margins(const struct report *r, FILE *to)
{
	(void)fprintf(to,
	    "\nHealth tests, with bits-per-byte = %.10g and message-bytes = "
	    "%ld\n",
	    r->bits_per_byte, r->block);
	for (unsigned i = 0; i < MARGIN_TESTS; i++) {
		const struct margin *m = &r->margins.margin[i];

		(void)fprintf(to, "  %-25s %u, cutoff %u",
		    margins_name((enum margin_test)i), m->most, m->cutoff);
		if (m->width > 1)
			(void)fprintf(to, " (words of %u bytes)", m->width);
		(void)fprintf(
		    to, "%s\n", m->most >= m->cutoff ? ": FAILS" : "");
	}
}

static void print_nist(const struct nist *nist, FILE *to)
{
	(void)fprintf(to, "\nAll ten by NIST's %s", NIST_TOOL);
	if (!nist->known) {
		(void)fprintf(to, ": %s\n", nist->why);
		return;
	}
	(void)fprintf(to, "\n");
	for (size_t i = 0; i < nist->n; i++)
		(void)fprintf(to, "  %f per %-4s  %s\n", nist->lines[i].value,
		    nist->lines[i].bits == 1 ? "bit" : "byte",
		    nist->lines[i].name);
	(void)fprintf(to,
	    "  %f per byte  the least of those of bytes\n"
	    "  %f per bit   the least of those of bits\n"
	    "  %f per byte  the least of all\n",
	    nist->original, nist->bitstring, nist->least);
}

static void print_estimates(const struct estimates *e, FILE *to)
{
	(void)fprintf(to,
	    "\nMin-entropy by SP 800-90B, bits\n"
	    "  %f per byte  most common value\n"
	    "  %f per bit   most common value of the bits\n"
	    "  %f per bit   Markov of the bits\n"
	    "  %f per byte  the least of these\n",
	    e->common, e->common_of_bit, e->markov, e->least);
}

void report_print(const struct report *r, FILE *to)
{
	const char *notes[REPORT_NOTES + 1];

	print_source(r, to);
	print_statistics(&r->result, to);
	print_margins(r, to);
	print_estimates(&r->estimates, to);
	print_nist(&r->nist, to);
	if (r->histogram)
		report_print_histogram(&r->statistics, to);
	if (r->recommended > 0)
		(void)fprintf(to, "\nRecommended: bits-per-byte = %.1f\n",
		    r->recommended);
	else
		(void)fprintf(to, "\nRecommended: nothing\n");
	report_notes(r, notes);
	for (size_t i = 0; notes[i] != NULL; i++)
		(void)fprintf(to, "  %s\n", notes[i]);
}
