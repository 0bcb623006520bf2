/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What producer/offline/health says of many samples.
 *
 * health cutoffs
 *	Lines "BITS ALPHA WINDOW" on standard input; for each the cutoffs
 *	"REPETITION PROPORTION" on standard output.
 * health SOURCE COUNT SEED DETECTOR...
 *	Up to COUNT samples of SOURCE, each given to every DETECTOR; for each
 *	detector a line of its name, both cutoffs, the samples, and the alarms
 *	of the repetition count and of the adaptive proportion test.
 *
 * SOURCE: "good", uniform bytes; "biased:BITS", 0 with probability 2^-BITS and
 * all others alike; "stuck:MASK", uniform but for the bits of MASK, which are
 * 0; "-", standard input.  SEED (decimal) makes the first three repeatable.
 * DETECTOR: "TEST:BITS:ALPHA", TEST being rct, apt or both, ALPHA the negative
 * binary logarithm of the false alarm probability.
 */
#include <limits.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "producer/offline/health.h"

#define CHUNK         65536 /* samples, a multiple of BLOCK */
#define BLOCK         64    /* an alarm discards the rest of one */
#define DETECTORS_MAX 16

enum kind { GOOD, BIASED, STUCK, INPUT };

struct generator {
	enum kind kind;
	uint64_t state[4];
	uint64_t threshold; /* biased: of 2^32 */
	uint8_t mask;       /* stuck: the bits that still work */
};

struct detector {
	const char *name;
	struct health health;
	uint64_t repetitions, proportions;
};

static uint64_t rotate(uint64_t x, int by)
{
	return x << by | x >> (64 - by);
}

/* xoshiro256++ of Blackman and Vigna. */
static uint64_t draw(struct generator *g)
{
	uint64_t *s = g->state;
	const uint64_t result = rotate(s[0] + s[3], 23) + s[0];
	const uint64_t t = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = rotate(s[3], 45);
	return result;
}

/* SplitMix64, as the authors of xoshiro advise. */
static void seed(struct generator *g, uint64_t x)
{
	for (int i = 0; i < 4; i++) {
		uint64_t z = x += 0x9e3779b97f4a7c15;

		z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
		z = (z ^ z >> 27) * 0x94d049bb133111eb;
		g->state[i] = z ^ z >> 31;
	}
}

static void fill_uniform(struct generator *g, uint8_t *data)
{
	for (size_t i = 0; i < CHUNK; i += sizeof(uint64_t)) {
		const uint64_t x = draw(g);

		memcpy(data + i, &x, sizeof x);
	}
}

static void fill_biased(struct generator *g, uint8_t *data)
{
	for (size_t i = 0; i < CHUNK; i++) {
		const uint64_t x = draw(g);
		const uint64_t other = 1 + ((x & UINT32_MAX) * 255 >> 32);

		data[i] = x >> 32 < g->threshold ? 0 : (uint8_t)other;
	}
}

static size_t fill(struct generator *g, uint8_t *data)
{
	switch (g->kind) {
	case INPUT:
		return fread(data, 1, CHUNK, stdin);
	case BIASED:
		fill_biased(g, data);
		return CHUNK;
	case GOOD:
	case STUCK:
	default:
		fill_uniform(g, data);
		for (size_t i = 0; g->mask != 0xff && i < CHUNK; i++)
			data[i] &= g->mask;
		return CHUNK;
	}
}

static int parse_source(struct generator *g, const char *text)
{
	double bits;
	unsigned mask;

	g->mask = 0xff;
	if (strcmp(text, "good") == 0) {
		g->kind = GOOD;
	} else if (strcmp(text, "-") == 0) {
		g->kind = INPUT;
	} else if (sscanf(text, "biased:%lf", &bits) == 1) {
		g->kind = BIASED;
		g->threshold = (uint64_t)llround(exp2(32 - bits));
	} else if (sscanf(text, "stuck:%x", &mask) == 1 && mask <= 0xff) {
		g->kind = STUCK;
		g->mask = (uint8_t)~mask;
	} else {
		return -1;
	}
	return 0;
}

static int parse_detector(struct detector *d, const char *text)
{
	char test[5];
	double bits;
	unsigned alpha;

	if (sscanf(text, "%4[a-z]:%lf:%u", test, &bits, &alpha) != 3)
		return -1;
	d->name = text;
	health_init(&d->health, bits);
	d->health.frequency.rct_cutoff = frequency_rct_cutoff(bits, alpha);
	d->health.frequency.apt_cutoff =
	    frequency_apt_cutoff(bits, alpha, PREDICTOR_WINDOW);
	/* A test that is not asked for must not disturb the other. */
	if (strcmp(test, "apt") == 0)
		d->health.frequency.rct_cutoff = UINT_MAX;
	else if (strcmp(test, "rct") == 0)
		d->health.frequency.apt_cutoff = UINT_MAX;
	else if (strcmp(test, "both") != 0)
		return -1;
	return 0;
}

static void feed(struct detector *d, const uint8_t *data, size_t len)
{
	for (size_t i = 0, n; i < len; i += n) {
		n = len - i < BLOCK ? len - i : BLOCK;
		switch (health_feed(&d->health, data + i, n)) {
		case HEALTH_REPETITION:
			d->repetitions++;
			break;
		case HEALTH_PROPORTION:
			d->proportions++;
			break;
		case HEALTH_GOOD:
		default:
			continue;
		}
		health_passed(&d->health);
	}
}

static uint64_t run(
    struct generator *g, uint64_t count, struct detector *d, size_t n)
{
	static uint8_t data[CHUNK];
	uint64_t done = 0;

	while (done < count) {
		size_t len = fill(g, data);

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
		printf("%u %u\n", frequency_rct_cutoff(bits, alpha),
		    frequency_apt_cutoff(bits, alpha, window));
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
	struct detector d[DETECTORS_MAX] = {0};
	struct generator g = {0};
	const int n = argc - 4;
	uint64_t done;

	if (argc == 2 && strcmp(argv[1], "cutoffs") == 0)
		return cutoffs();
	if (n < 1 || n > DETECTORS_MAX || parse_source(&g, argv[1]) != 0)
		return usage();
	seed(&g, strtoull(argv[3], NULL, 10));
	for (int i = 0; i < n; i++)
		if (parse_detector(&d[i], argv[4 + i]) != 0)
			return usage();
	done = run(&g, strtoull(argv[2], NULL, 10), d, (size_t)n);
	for (int i = 0; i < n; i++)
		printf("%s %u %u %ju %ju %ju\n", d[i].name,
		    d[i].health.frequency.rct_cutoff,
		    d[i].health.frequency.apt_cutoff, (uintmax_t)done,
		    (uintmax_t)d[i].repetitions, (uintmax_t)d[i].proportions);
	return ferror(stdin) ? EXIT_FAILURE : EXIT_SUCCESS;
}
