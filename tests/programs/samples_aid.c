/* SPDX-License-Identifier: Apache-2.0 */
#include "samples_aid.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "producer/offline/step.h"

static uint64_t rotate(uint64_t x, int by)
{
	return x << by | x >> (64 - by);
}

/* xoshiro256++ of Blackman and Vigna. */
static uint64_t draw(struct samples *g)
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
void samples_seed(struct samples *g, uint64_t x)
{
	for (int i = 0; i < 4; i++) {
		uint64_t z = x += 0x9e3779b97f4a7c15;

		z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
		z = (z ^ z >> 27) * 0x94d049bb133111eb;
		g->state[i] = z ^ z >> 31;
	}
}

static void fill_uniform(struct samples *g, uint8_t *data)
{
	for (size_t i = 0; i < SAMPLES_CHUNK; i += sizeof(uint64_t)) {
		const uint64_t x = draw(g);

		memcpy(data + i, &x, sizeof x);
	}
}

static void fill_flat(struct samples *g, uint8_t *data)
{
	for (size_t i = 0; i < SAMPLES_CHUNK; i++)
		data[i] = (uint8_t)((draw(g) >> 32) * g->size >> 32);
}

static void fill_biased(struct samples *g, uint8_t *data)
{
	for (size_t i = 0; i < SAMPLES_CHUNK; i++) {
		const uint64_t x = draw(g);
		const uint64_t other = 1 + ((x & UINT32_MAX) * 255 >> 32);

		data[i] = x >> 32 < g->threshold ? 0 : (uint8_t)other;
	}
}

/* A number of `bytes` bytes that is not 0. */
static uint64_t draw_other(struct samples *g, unsigned bytes)
{
	const uint64_t most = UINT64_MAX >> (64 - 8 * bytes);

	return 1 + draw(g) % most;
}

static void write_lag(struct samples *g, uint8_t *at)
{
	const uint8_t other = (uint8_t)draw_other(g, 1);

	*at = *(at - g->size);
	if (draw(g) >> 32 >= g->threshold)
		*at = (uint8_t)(*at + other);
}

static uint64_t read_word(const uint8_t *at, unsigned w)
{
	uint64_t word = 0;

	while (w-- > 0)
		word = word << 8 | at[w];
	return word;
}

static void write_step(struct samples *g, uint8_t *at)
{
	const unsigned w = g->size;
	uint64_t word = 2 * read_word(at - w, w) - read_word(at - 2 * w, w);

	if (draw(g) >> 32 >= g->threshold)
		word += draw_other(g, w);
	for (unsigned i = 0; i < w; i++)
		at[i] = (uint8_t)(word >> 8 * i);
}

static void write_copy(struct samples *g, uint8_t *at)
{
	memcpy(at, at - g->size, g->size);
	if (draw(g) >> 32 < g->threshold)
		return;
	/* Not quite all others alike: the first byte always differs. */
	at[0] = (uint8_t)(at[0] + draw_other(g, 1));
	for (unsigned i = 1; i < g->size; i++)
		at[i] = (uint8_t)draw(g);
}

/* Each after those before it, which the last ones of the chunk before are. */
static void fill_foretold(struct samples *g, uint8_t *data, size_t each,
    void (*write)(struct samples *g, uint8_t *at))
{
	memcpy(g->latest, g->latest + SAMPLES_CHUNK, LAG_MAX);
	for (size_t i = 0; i < SAMPLES_CHUNK; i += each)
		write(g, g->latest + LAG_MAX + i);
	memcpy(data, g->latest + LAG_MAX, SAMPLES_CHUNK);
}

static void fill_stuck(struct samples *g, uint8_t *data)
{
	fill_uniform(g, data);
	for (size_t i = 0; i < SAMPLES_CHUNK; i++)
		data[i] &= g->mask;
}

size_t samples_fill(struct samples *g, uint8_t *data)
{
	switch (g->kind) {
	case INPUT:
		return fread(data, 1, SAMPLES_CHUNK, stdin);
	case FLAT:
		fill_flat(g, data);
		break;
	case BIASED:
		fill_biased(g, data);
		break;
	case STUCK:
		fill_stuck(g, data);
		break;
	case LAG:
		fill_foretold(g, data, 1, write_lag);
		break;
	case STEP:
		fill_foretold(g, data, g->size, write_step);
		break;
	case COPY:
		fill_foretold(g, data, g->size, write_copy);
		break;
	case GOOD:
	default:
		fill_uniform(g, data);
	}
	return SAMPLES_CHUNK;
}

static int parse_foretold(struct samples *g, const char *text)
{
	unsigned most = LAG_MAX, foretold = 1;
	double bits;

	if (sscanf(text, "lag:%lf:%u", &bits, &g->size) == 2) {
		g->kind = LAG;
	} else if (sscanf(text, "step:%lf:%u", &bits, &g->size) == 2) {
		g->kind = STEP;
		most = STEP_WIDTH_MAX;
		foretold = g->size;
	} else if (sscanf(text, "copy:%lf:%u", &bits, &g->size) == 2) {
		g->kind = COPY;
		foretold = g->size;
	} else {
		return -1;
	}
	g->threshold = (uint64_t)llround(exp2(32 - bits * foretold));
	/* Words and blocks must fill a chunk. */
	return g->size >= 1 && g->size <= most && SAMPLES_CHUNK % foretold == 0
		   ? 0
		   : -1;
}

int samples_parse(struct samples *g, const char *text)
{
	double bits;
	unsigned mask;

	if (strcmp(text, "good") == 0) {
		g->kind = GOOD;
	} else if (strcmp(text, "-") == 0) {
		g->kind = INPUT;
	} else if (sscanf(text, "flat:%u", &g->size) == 1 && g->size <= 256) {
		g->kind = FLAT;
	} else if (sscanf(text, "biased:%lf", &bits) == 1) {
		g->kind = BIASED;
		g->threshold = (uint64_t)llround(exp2(32 - bits));
	} else if (sscanf(text, "stuck:%x", &mask) == 1 && mask <= 0xff) {
		g->kind = STUCK;
		g->mask = (uint8_t)~mask;
	} else {
		return parse_foretold(g, text);
	}
	return 0;
}
