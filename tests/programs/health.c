/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the health tests of producer/offline/ say of many samples.
 *
 * health cutoffs
 *	Lines "BITS ALPHA WINDOW" on standard input; for each the cutoffs
 *	"REPETITION PROPORTION RUN HITS" on standard output: those of
 *	frequency.h and, for a predictor with WINDOW trials, of predictor.h.
 * health SOURCE COUNT SEED DETECTOR...
 *	Up to COUNT samples of SOURCE, each given to every DETECTOR; for each
 *	detector a line of its name, the samples, the alarms of runs and of
 *	windows, and the megabytes that it took in a second of CPU time.
 *
 * SOURCE: as samples_aid.h has it.
 *
 * DETECTOR: "TEST:BITS:ALPHA", TEST being rct, apt, both, lag, step, copy (or
 * copyN for blocks of N bytes, instead of 512), ALPHA the negative binary
 * logarithm of its false alarm probability; with ":hits" after it, without the
 * runs of lag, step and copy; or "all:BITS", what the producer does, whose
 * alarms are all counted as runs.
 */
#include <limits.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "producer/offline/health.h"
#include "samples_aid.h"

#define BLOCK         64 /* an alarm discards the rest of one */
#define DETECTORS_MAX 16

enum test { FREQUENCY, LAGS, STEPS, COPIES, EVERYTHING };

struct detector {
	const char *name;
	enum test test;
	double bits;
	unsigned alpha_log2;
	union {
		struct frequency frequency;
		struct lag lag;
		struct step step;
		struct copy copy;
		struct health health;
	} is;
	uint64_t runs, hits;
	double seconds;
};

static int parse_test(struct detector *d, const char *test)
{
	unsigned block = 512;

	if (strcmp(test, "lag") == 0) {
		d->test = LAGS;
		lag_init(&d->is.lag, d->bits, d->alpha_log2);
	} else if (strcmp(test, "step") == 0) {
		d->test = STEPS;
		step_init(&d->is.step, d->bits, d->alpha_log2);
	} else if (strcmp(test, "copy") == 0 ||
		   sscanf(test, "copy%u", &block) == 1) {
		d->test = COPIES;
		copy_init(&d->is.copy, d->bits, d->alpha_log2, block);
	} else {
		d->test = FREQUENCY;
		frequency_init(&d->is.frequency, d->bits, d->alpha_log2);
		/* A test that is not asked for must not disturb the other. */
		if (strcmp(test, "apt") == 0)
			d->is.frequency.rct_cutoff = UINT_MAX;
		else if (strcmp(test, "rct") == 0)
			d->is.frequency.apt_cutoff = UINT_MAX;
		else if (strcmp(test, "both") != 0)
			return -1;
	}
	return 0;
}

static void allow_runs(struct detector *d)
{
	if (d->test == LAGS)
		d->is.lag.cutoffs.run = UINT_MAX;
	else if (d->test == COPIES)
		d->is.copy.cutoffs.run = UINT_MAX;
	for (unsigned w = 1; d->test == STEPS && w <= STEP_WIDTH_MAX; w++)
		d->is.step.cutoffs[w].run = UINT_MAX;
}

static int parse_detector(struct detector *d, const char *text)
{
	char test[9], more[5] = "";
	int n;

	d->name = text;
	if (sscanf(text, "all:%lf", &d->bits) == 1) {
		d->test = EVERYTHING;
		health_init(&d->is.health, d->bits, 512);
		return 0;
	}
	n = sscanf(text, "%8[a-z0-9]:%lf:%u:%4s", test, &d->bits,
	    &d->alpha_log2, more);
	if (n < 3 || parse_test(d, test) != 0)
		return -1;
	if (strcmp(more, "hits") == 0)
		allow_runs(d);
	return n == 3 || strcmp(more, "hits") == 0 ? 0 : -1;
}

static enum predictor_alarm feed_health(
    struct health *h, const uint8_t *data, size_t len)
{
	if (health_feed(h, data, len) == HEALTH_GOOD)
		return PREDICTOR_GOOD;
	health_passed(h);
	return PREDICTOR_RUN;
}

static enum predictor_alarm feed_block(
    struct detector *d, const uint8_t *data, size_t len)
{
	switch (d->test) {
	case LAGS:
		return lag_feed(&d->is.lag, data, len);
	case STEPS:
		return step_feed(&d->is.step, data, len);
	case COPIES:
		return copy_feed(&d->is.copy, data, len);
	case EVERYTHING:
		return feed_health(&d->is.health, data, len);
	case FREQUENCY:
	default:
		return frequency_feed(&d->is.frequency, data, len);
	}
}

static void begin_anew(struct detector *d)
{
	switch (d->test) {
	case LAGS:
		lag_reset(&d->is.lag);
		break;
	case STEPS:
		step_reset(&d->is.step);
		break;
	case COPIES:
		copy_reset(&d->is.copy);
		break;
	case FREQUENCY:
		frequency_reset(&d->is.frequency);
		break;
	case EVERYTHING:
	default:
		break;
	}
}

static void feed(struct detector *d, const uint8_t *data, size_t len)
{
	const clock_t start = clock();

	for (size_t i = 0, n; i < len; i += n) {
		enum predictor_alarm alarm;

		n = len - i < BLOCK ? len - i : BLOCK;
		alarm = feed_block(d, data + i, n);
		if (alarm == PREDICTOR_GOOD)
			continue;
		*(alarm == PREDICTOR_RUN ? &d->runs : &d->hits) += 1;
		begin_anew(d);
	}
	d->seconds += (double)(clock() - start) / CLOCKS_PER_SEC;
}

static uint64_t run(
    struct samples *g, uint64_t count, struct detector *d, size_t n)
{
	static uint8_t data[SAMPLES_CHUNK];
	uint64_t done = 0;

	while (done < count) {
		size_t len = samples_fill(g, data);

		if (len == 0)
			break;
		if (len > count - done)
			len = (size_t)(count - done);
		for (size_t i = 0; i < n; i++)
			feed(&d[i], data, len);
		done += len;
	}
	return done;
}

static int cutoffs(void)
{
	double bits;
	unsigned alpha, window;

	while (scanf("%lf %u %u", &bits, &alpha, &window) == 3)
		printf("%u %u %u %u\n", frequency_rct_cutoff(bits, alpha),
		    frequency_apt_cutoff(bits, alpha, window),
		    predictor_run_cutoff(bits, alpha),
		    predictor_hits_cutoff(bits, alpha, window));
	return feof(stdin) ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int usage(void)
{
	fprintf(stderr, "usage: health cutoffs | SOURCE COUNT SEED DETECTOR... "
			"(see tests/programs/health.c)\n");
	return EXIT_FAILURE;
}

int main(int argc, char **argv)
{
	/* Too large for a stack. */
	static struct detector d[DETECTORS_MAX];
	static struct samples g;
	const int n = argc - 4;
	uint64_t done;

	if (argc == 2 && strcmp(argv[1], "cutoffs") == 0)
		return cutoffs();
	if (n < 1 || n > DETECTORS_MAX || samples_parse(&g, argv[1]) != 0)
		return usage();
	samples_seed(&g, strtoull(argv[3], NULL, 10));
	for (int i = 0; i < n; i++)
		if (parse_detector(&d[i], argv[4 + i]) != 0)
			return usage();
	done = run(&g, strtoull(argv[2], NULL, 10), d, (size_t)n);
	for (int i = 0; i < n; i++)
		printf("%s %ju %ju %ju %.1f\n", d[i].name, (uintmax_t)done,
		    (uintmax_t)d[i].runs, (uintmax_t)d[i].hits,
		    (double)done / 1e6 / fmax(d[i].seconds, 1e-9));
	return ferror(stdin) ? EXIT_FAILURE : EXIT_SUCCESS;
}
