/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFLINE_BENCH_H
#define OFFLINE_BENCH_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/offline/offline.h"
#include "agent/record.h"
#include "aid/keys.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/record.h"
#include "crypto/digest.h"
#include "message/claim.h"
#include "message/sign.h"

#define REGION    "eu-west-1"
#define ACCOUNT   "123456789012"
#define QUEUE_ARN "arn:aws:sqs:" REGION ":" ACCOUNT ":queue"
#define QUEUE_URL "https://sqs." REGION ".amazonaws.com/" ACCOUNT "/queue"

/*
 * The real offline half, fed with records as a compromised online half might
 * send them; what it delivers goes to a file.
 */
struct bench {
	int pair[2]; /* [0]: ours, the online end */
	char path[160];
	struct keys *keys; /* state, status, trusted producers */
	struct agent_offline offline;
	struct conf conf;
};

static const uint8_t secret[KEYS_LEN] = {1};

static inline int64_t in_ms(int64_t ms)
{
	return clock_read(CLOCK_MONOTONIC) + ms;
}

static inline void trust_as(struct keys *k, const char *name, const uint8_t *of)
{
	uint8_t public_key[KEYS_LEN];
	struct err err;

	assert_int_equal(keys_ed25519_public(public_key, of), 0);
	assert_int_equal(keyfile_create(KEYFILE_SIGN_PUBLIC, keys_path(k, name),
			     public_key, &err),
	    0);
}

static inline void open_offline(struct bench *b)
{
	struct err err = {0};

	assert_int_equal(
	    agent_offline_open(&b->offline, &b->conf, in_ms(60000), &err), 0);
	agent_offline_recall(&b->offline);
}

static inline int setup(void **state)
{
	struct bench *b = calloc(1, sizeof *b);
	void *keys;

	assert_non_null(b);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, b->pair), 0);
	assert_int_equal(keys_setup(&keys), 0);
	b->keys = keys;
	(void)snprintf(
	    b->path, sizeof b->path, "%s", keys_path(b->keys, "output"));
	trust_as(b->keys, "pi.pub", secret);
	assert_int_equal(setenv("STATE_DIRECTORY", b->keys->dir, 1), 0);
	assert_int_equal(setenv("RUNTIME_DIRECTORY", b->keys->dir, 1), 0);
	b->conf.timeout = 1;
	b->conf.messages = 10;
	b->conf.policy.unsigned_messages = CREDIT_MIX;
	strcpy(b->conf.common.queues[0], QUEUE_URL);
	(void)snprintf(b->conf.output, sizeof b->conf.output, "%s", b->path);
	(void)snprintf(b->conf.trusted_producers,
	    sizeof b->conf.trusted_producers, "%s", b->keys->dir);
	open_offline(b);
	*state = b;
	return 0;
}

static inline int teardown(void **state)
{
	struct bench *b = *state;
	void *keys = b->keys;

	(void)close(b->pair[0]);
	(void)close(b->pair[1]);
	agent_offline_close(&b->offline);
	(void)keys_teardown(&keys);
	free(b);
	return 0;
}

static inline void send_raw(
    const struct bench *b, uint32_t type, const void *data, size_t len)
{
	assert_int_equal(record_send(b->pair[0], type, data, len, -1, 1), 0);
}

static inline void send_message(const struct bench *b, uint8_t fill, size_t len)
{
	static struct message m;

	memset(&m, 0, sizeof m);
	m.receive_count = 1;
	m.payload_len = (uint32_t)len;
	memset(m.payload, fill, len);
	send_raw(b, RECORD_MESSAGE, &m, message_record_len(&m));
}

static inline void send_end(const struct bench *b, int code, uint32_t received)
{
	const struct record_end end = {code, received, received};

	send_raw(b, RECORD_END, &end, sizeof end);
}

/* What the online half has sent, and then ms of silence unless it has sent an
 * end. */
static inline int run_for(struct bench *b, int64_t ms)
{
	struct err err = {0};

	return agent_offline_run(&b->offline, b->pair[1], in_ms(ms), &err);
}

static inline int run(struct bench *b)
{
	return run_for(b, 60000);
}

/* What was delivered: its length, or -1 unless all bytes are fill. */
static inline int delivered(const struct bench *b, uint8_t fill)
{
	static uint8_t data[1 << 18];
	size_t len;

	assert_int_equal(file_read(b->path, data, sizeof data, &len), 0);
	for (size_t i = 0; i < len; i++)
		if (data[i] != fill)
			return -1;
	return (int)len;
}

#endif
