/* SPDX-License-Identifier: Apache-2.0 */
/*
 * speed
 *	How fast base64 goes, on payloads of 512 and of 16,384 bytes: for each
 *	"BYTES encode E decode D", in GB of payload in a second of CPU time, the
 *	best of some rounds.  Figures to look at: no test judges them.
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/base64.h"
#include "message/message.h"

#define ROUNDS 5
#define BYTES  50000000 /* a round */

static double read_seconds(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static uint8_t payload[MESSAGE_PAYLOAD_MAX], back[MESSAGE_PAYLOAD_MAX];
static char body[MESSAGE_BODY_MAX + 1];

static int encode(size_t len)
{
	base64_encode(body, payload, len);
	return 0;
}

static int decode(size_t len)
{
	size_t got;

	return base64_decode(back, sizeof back, &got, body, BASE64_LEN(len));
}

/* GB in a second; 0: it failed. */
static double measure(int (*step)(size_t), size_t len)
{
	const size_t steps = BYTES / len;
	double best = 0;

	for (int round = 0; round < ROUNDS; round++) {
		const double began = read_seconds();
		double speed;

		for (size_t i = 0; i < steps; i++) {
			if (step(len) != 0)
				return 0;
			/* What is the same each time is done each time. */
			__asm__ volatile("" : : : "memory");
		}
		speed = (double)(steps * len) / 1e9 / (read_seconds() - began);
		best = speed > best ? speed : best;
	}
	return best;
}

int main(void)
{
	static const size_t lengths[] = {512, MESSAGE_PAYLOAD_MAX};

	for (size_t i = 0; i < sizeof payload; i++)
		payload[i] = (uint8_t)(i * 167 + i / 256);
	for (size_t i = 0; i < 2; i++) {
		const double out = measure(encode, lengths[i]);
		const double in = measure(decode, lengths[i]);

		if (in <= 0 || memcmp(back, payload, lengths[i]) != 0)
			return 1;
		printf("%zu encode %.2f decode %.2f\n", lengths[i], out, in);
	}
	return 0;
}
