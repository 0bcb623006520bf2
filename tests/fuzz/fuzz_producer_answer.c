/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The producer's online half against any answers: 16-bit length (little-endian)
 * and the datagram, repeated.
 */
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "fuzz.h"
#include "producer/online/batch.h"

enum { SIGNED, UNSIGNED, FAILED, SOME_FAILED, WAYS };

static void put_all(int fd, const uint8_t *data, size_t len)
{
	while (len >= 2) {
		size_t n = (size_t)(data[0] | data[1] << 8);

		data += 2;
		len -= 2;
		if (n > len)
			n = len;
		if (send(fd, data, n, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
			return;
		data += n;
		len -= n;
	}
}

/* What SQS would get. */
static void check_batch(const struct batch *b)
{
	for (size_t k = 0; k < b->n; k++) {
		const struct message *m = &b->at[k];

		FUZZ_CHECK(m->payload_len >= MESSAGE_PAYLOAD_MIN);
		FUZZ_CHECK(m->payload_len <= MESSAGE_PAYLOAD_MAX);
		FUZZ_CHECK(m->entropy_len <= MESSAGE_ENTROPY_MAX);
		FUZZ_CHECK(m->entropy[m->entropy_len] == '\0');
		FUZZ_CHECK((m->entropy_len > 0) == (m->signature_len > 0));
		fuzz_went(m->signature_len > 0 ? SIGNED : UNSIGNED);
	}
	if (b->failed != 0)
		fuzz_went(b->n > 0 ? SOME_FAILED : FAILED);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const struct message none[LIMIT_BATCH];
	const struct clock clock = clock_system(NULL);
	const struct record_ask ask = {.entry = 0};
	struct heartbeat heartbeat;
	struct batch batch;
	struct err err = {0};
	int pair[2], rc;

	fuzz_expect_ways(WAYS);
	log_open("fuzz", LOG_LEVEL_ERROR);
	FUZZ_CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) == 0);
	FUZZ_CHECK(batch_init(&batch, &err) == 0);
	put_all(pair[0], data, len);
	(void)shutdown(pair[0], SHUT_WR);
	heartbeat_init(&heartbeat, pair[1], -1, &clock, 0);
	rc = batch_fill(&batch, &heartbeat, &ask, LIMIT_BATCH, &err);
	FUZZ_CHECK(batch.n <= LIMIT_BATCH && batch.failed <= 0);
	FUZZ_CHECK((rc == 0) == (err.code == 0));
	if (rc == 0) {
		FUZZ_CHECK(batch.n == LIMIT_BATCH || batch.failed != 0);
		check_batch(&batch);
	}
	batch_wipe(&batch);
	FUZZ_CHECK(memcmp(batch.at, none, sizeof none) == 0);
	batch_free(&batch);
	(void)close(pair[0]);
	(void)close(pair[1]);
	return 0;
}
