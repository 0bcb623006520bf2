/* SPDX-License-Identifier: Apache-2.0 */
/* A run of the offline half where memory, OpenSSL or a file fails for once: an
 * error, or the message is signed and sealed as it should be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "aid/failing.h"
#include "aid/keys.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/record.h"
#include "confine/confine.h"
#include "message/keyfile.h"
#include "message/seal.h"
#include "message/sign.h"
#include "producer/offline/offline.h"
#include "producer/record.h"

#define ACCOUNT   "123456789012"
#define QUEUE_ARN "arn:aws:sqs:eu-west-1:" ACCOUNT ":q"

static const uint8_t secret[KEYS_LEN] = {1};
static uint8_t signer[KEYS_LEN];
static struct conf conf;

static void put_key(
    struct keys *k, enum keyfile_kind kind, const uint8_t *key, char *path)
{
	struct err err;

	(void)snprintf(path, PATH_MAX, "%s",
	    keys_path(k, kind == KEYFILE_SIGN_SECRET ? "sign" : "seal"));
	assert_int_equal(keyfile_create(kind, path, key, &err), 0);
}

static int setup(void **state)
{
	static uint8_t bytes[65536];
	uint8_t seal_to[KEYS_LEN];
	struct keys *k;

	if (keys_setup(state) != 0)
		return -1;
	k = *state;
	(void)unsetenv("NOTIFY_SOCKET");
	assert_int_equal(setenv("STATE_DIRECTORY", k->dir, 1), 0);
	/* No status: its hundreds of small steps are those of any JSON. */
	assert_int_equal(setenv("RUNTIME_DIRECTORY", "/proc/none", 1), 0);
	assert_int_equal(keys_ed25519_public(signer, secret), 0);
	assert_int_equal(keys_x25519_public(seal_to, secret), 0);
	put_key(k, KEYFILE_SIGN_SECRET, secret, conf.signing_key);
	put_key(k, KEYFILE_SEAL_PUBLIC, seal_to, conf.seal_to);
	strcpy(conf.common.queues[0], "q");
	conf.message_bytes = 512;
	conf.bits_per_byte = 1;
	conf.trial = true;
	assert_int_equal(keys_random(bytes, sizeof bytes), 0);
	(void)snprintf(
	    conf.device, sizeof conf.device, "%s", keys_path(k, "source"));
	FILE *f = fopen(conf.device, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, sizeof bytes, f), sizeof bytes);
	return fclose(f);
}

/* The online half, which wants one message. */
struct online {
	int fd;
	int rc; /* of waiting for the answer */
	size_t len;
	struct {
		struct record_answer answer;
		struct message m;
	} got;
};

static void *ask_once(void *ctx)
{
	const struct record_heartbeat heartbeat = {.queues = 1, .visible = {1}};
	const struct record_ask ask = {
	    .most = 1, .found = {"eu-west-1", ACCOUNT, "q"}};
	struct online *o = ctx;
	uint32_t type;

	o->rc = record_send(
	    o->fd, RECORD_HEARTBEAT, &heartbeat, sizeof heartbeat, -1, 1);
	if (o->rc == 0)
		o->rc = record_send(o->fd, RECORD_ASK, &ask, sizeof ask, -1, 1);
	if (o->rc == 0)
		o->rc = record_receive(o->fd, &type, &o->got, sizeof o->got,
		    &o->len, -1, clock_read(CLOCK_MONOTONIC) + 60000);
	(void)shutdown(o->fd, SHUT_WR);
	return NULL;
}

/* 0: there is a message, and it is what it has to be. */
static int judge_answer(struct online *o)
{
	struct message *m = &o->got.m;

	if (o->rc != 0)
		return o->rc;
	if (o->len == sizeof o->got.answer) {
		assert_int_not_equal(o->got.answer.code, 0);
		return o->got.answer.code;
	}
	assert_int_equal(
	    message_take_record(m, o->len - sizeof o->got.answer), 0);
	assert_int_equal(message_verify(m, QUEUE_ARN, signer), 0);
	assert_int_equal(message_open(m, HPKE_X25519, secret), 0);
	assert_int_equal(m->payload_len, 512);
	return 0;
}

static int make_one(void *state)
{
	static struct online online;
	struct producer_offline o;
	struct err err = {0};
	int pair[2], stop[2], rc;
	pthread_t thread;

	failing_hold(true);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	assert_int_equal(pipe(stop), 0);
	(void)unlink(keys_path(state, "sequence"));
	online.fd = pair[0];
	assert_int_equal(pthread_create(&thread, NULL, ask_once, &online), 0);
	failing_hold(false);
	rc = producer_offline_open(&o, &conf, &err);
	if (rc == 0) {
		rc = producer_offline_run(&o, pair[1], stop[0], &err);
		producer_offline_end(&o, rc, &err);
		producer_offline_close(&o);
	}
	failing_hold(true);
	/* Where that failed, the process is no longer root. */
	if (getuid() == 0)
		assert_int_equal(confine_as_root(NULL), 0);
	assert_int_equal(err.code, rc);
	(void)close(pair[1]);
	assert_int_equal(pthread_join(thread, NULL), 0);
	if (rc == 0)
		rc = judge_answer(&online);
	(void)close(pair[0]);
	(void)close(stop[0]);
	(void)close(stop[1]);
	failing_hold(false);
	return rc;
}

static void each_call_of_a_run_may_fail(void **state)
{
	print_message(
	    "%u calls failed\n", failing_each(make_one, *state, true));
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(
	    each_call_of_a_run_may_fail, setup, keys_teardown)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
