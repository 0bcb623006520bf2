/* SPDX-License-Identifier: Apache-2.0 */
#include "producer/offline/health.h"

#include <stdio.h>

/* No sample before this one is known any more, so that the second failure need
 * not see what the first one saw. */
static void begin_tests(struct health *h)
{
	frequency_reset(&h->frequency);
	h->startup = HEALTH_STARTUP;
}

void health_init(struct health *h, double bits_per_byte)
{
	*h = (struct health){.verdict = HEALTH_GOOD};
	frequency_init(&h->frequency, bits_per_byte, HEALTH_ALPHA_LOG2);
	begin_tests(h);
}

static enum health_verdict test_samples(
    struct health *h, const uint8_t *data, size_t len)
{
	switch (frequency_feed(&h->frequency, data, len)) {
	case PREDICTOR_RUN:
		return HEALTH_REPETITION;
	case PREDICTOR_HITS:
		return HEALTH_PROPORTION;
	case PREDICTOR_GOOD:
	default:
		return HEALTH_GOOD;
	}
}

enum health_verdict health_feed(
    struct health *h, const uint8_t *data, size_t len)
{
	enum health_verdict verdict;

	if (health_is_dead(h))
		return h->verdict;
	verdict = test_samples(h, data, len);
	if (verdict == HEALTH_GOOD) {
		h->startup -= len < h->startup ? (unsigned)len : h->startup;
	} else {
		h->verdict = verdict;
		h->value = h->frequency.last;
		h->failures++;
		begin_tests(h);
	}
	return verdict;
}

void health_passed(struct health *h)
{
	if (!health_is_dead(h))
		h->failures = 0;
}

bool health_is_dead(const struct health *h)
{
	return h->failures >= HEALTH_FAILURES;
}

void health_explain(const struct health *h, char *text, size_t size)
{
	switch (h->verdict) {
	case HEALTH_REPETITION:
		(void)snprintf(text, size,
		    "repetition count test: byte 0x%02x came %u times in a row "
		    "(cutoff %u)",
		    h->value, h->frequency.rct_cutoff, h->frequency.rct_cutoff);
		break;
	case HEALTH_PROPORTION:
		(void)snprintf(text, size,
		    "adaptive proportion test: byte 0x%02x came %u times in %u "
		    "(cutoff %u)",
		    h->value, h->frequency.apt_cutoff,
		    (unsigned)PREDICTOR_WINDOW, h->frequency.apt_cutoff);
		break;
	case HEALTH_GOOD:
	default:
		(void)snprintf(text, size, "no test has failed");
		break;
	}
}
