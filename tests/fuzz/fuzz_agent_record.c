/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The agent's offline half against any records: 16-bit length (little-endian)
 * and the datagram, repeated.
 */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/offline/offline.h"
#include "agent/record.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/record.h"
#include "fuzz.h"

enum { USED, CREDITED, SERVICE_FAILED, WAYS };

#define RUN_MS 20000 /* a run that waits takes that long */

/* In place of log.c's: a fuzzer's terminal is no place for their text. */
#define QUIET(name)                                                            \
	void name(const char *fmt, ...)                                        \
	{                                                                      \
		(void)fmt;                                                     \
	}
QUIET(log_error)
QUIET(log_warning)
QUIET(log_notice)
QUIET(log_info)
QUIET(log_debug)

void log_open(const char *name, enum log_level threshold)
{
	(void)name;
	(void)threshold;
}

static struct conf conf = {
    .common.queues = {"https://sqs.eu-west-1.amazonaws.com/123456789012/q"},
    .seal_key = "ssm:x", /* RECORD_SEAL_KEYS is taken, and one is there */
    .output = "/dev/null",
    .messages = 10,
    .timeout = 1};

/* The keys are those of the corpus: secret bytes all 1, and all 2. */
static void start(struct agent_offline *o)
{
	char seen[] = "/tmp/fuzz_agent_record.XXXXXX";
	uint8_t secret[KEYS_LEN];
	struct err err;
	int fd = mkstemp(seen);

	*o = (struct agent_offline){
	    .conf = &conf, .status_fd = -1, .last_seed_fd = -1};
	o->identity = buf_new(OFFLINE_IDENTITY_MAX);
	o->verify.seal_keys = buf_new(2 * sizeof(struct seal_keys));
	o->verify.trusted.n = 1;
	FUZZ_CHECK(fd >= 0 && o->identity != NULL);
	memset(secret, 1, sizeof secret);
	FUZZ_CHECK(
	    keys_ed25519_public(o->verify.trusted.at[0].key, secret) == 0);
	FUZZ_CHECK(keyfile_id(o->verify.trusted.at[0].key,
		       o->verify.trusted.at[0].id) == 0);
	o->remembers = replay_open(&o->replay, seen, RUN_MS, &err) == 0;
	FUZZ_CHECK(o->remembers);
	FUZZ_CHECK(
	    sink_open(&o->sink, conf.output, 1, INT64_MAX / 2, &err) == 0);
	(void)unlink(seen);
	(void)close(fd);
}

/* The last run may have been handed others. */
static void put_keys(const struct agent_offline *o)
{
	struct seal_keys keys = {.has = {[HPKE_X25519] = 1}};

	memset(keys.key[HPKE_X25519], 2, KEYS_LEN);
	FUZZ_CHECK(verify_take_keys(&o->verify, &keys, 1) == 0);
}

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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const struct clock clock = clock_system(NULL);
	const int64_t deadline = clock_mono(&clock) + RUN_MS;
	static struct agent_offline o;
	struct err err = {0};
	int pair[2], rc;

	fuzz_expect_ways(WAYS);
	if (o.conf == NULL)
		start(&o);
	FUZZ_CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) == 0);
	buf_reset(o.identity);
	put_keys(&o);
	put_all(pair[0], data, len);
	(void)shutdown(pair[0], SHUT_WR);
	rc = agent_offline_run(&o, pair[1], deadline, &err);
	FUZZ_CHECK(clock_mono(&clock) < deadline);
	FUZZ_CHECK(o.used <= LIMIT_BATCH && (rc == 0) == (o.used > 0));
	FUZZ_CHECK(o.credit == 0 || o.credit == CREDIT_BITS);
	FUZZ_CHECK((rc == 0) == (err.code == 0));
	if (rc == 0)
		fuzz_went(o.credit > 0 ? CREDITED : USED);
	else if (err.told && rc != ERR_UNUSABLE)
		fuzz_went(SERVICE_FAILED);
	(void)close(pair[0]);
	(void)close(pair[1]);
	return 0;
}
