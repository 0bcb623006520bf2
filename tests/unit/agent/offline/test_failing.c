/* SPDX-License-Identifier: Apache-2.0 */
/* A run of the offline half where memory, OpenSSL or a file fails for once: an
 * error, or the message is delivered as it is. */
#include "aid/failing.h"
#include "aid/offline_bench.h"
#include "crypto/hpke.h"
#include "message/seal.h"

static struct message sealed;

static void make_sealed(void)
{
	struct claim claim = {
	    .seq = 1, .time = 1, .bits = 8, .seal = CLAIM_SEAL_X25519};
	struct keys_signer *signer = keys_signer_new(secret);
	uint8_t public_key[KEYS_LEN];

	assert_non_null(signer);
	assert_int_equal(keys_ed25519_public(public_key, secret), 0);
	assert_int_equal(keyfile_id(public_key, claim.key), 0);
	memset(&sealed, 0, sizeof sealed);
	claim_format(&claim, sealed.entropy);
	sealed.entropy_len = (uint32_t)strlen(sealed.entropy);
	sealed.payload_len = MESSAGE_PAYLOAD_MIN;
	sealed.receive_count = 1;
	assert_int_equal(keys_x25519_public(public_key, secret), 0);
	assert_int_equal(message_seal(&sealed, HPKE_X25519, public_key), 0);
	assert_int_equal(message_sign(&sealed, QUEUE_ARN, signer), 0);
	keys_signer_free(signer);
}

/* The records of a run with one message that is used. */
static int take_message(void *state)
{
	struct bench *b = state;
	const struct record_identity identity = {1, "i"};
	struct err why = {0};
	int rc;

	failing_hold(true);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, b->pair), 0);
	(void)unlink(b->path);
	(void)unlink(keys_path(b->keys, "seen"));
	send_raw(b, RECORD_MESSAGE, &sealed, message_record_len(&sealed));
	send_raw(b, RECORD_IDENTITY, &identity, sizeof identity);
	send_end(b, 0, 1);
	failing_hold(false);
	rc = agent_offline_open(&b->offline, &b->conf, in_ms(60000), &why);
	if (rc == 0) {
		agent_offline_recall(&b->offline);
		rc = agent_offline_run(
		    &b->offline, b->pair[1], in_ms(60000), &why);
	}
	agent_offline_close(&b->offline);
	failing_hold(true);
	(void)close(b->pair[0]);
	(void)close(b->pair[1]);
	if (rc == 0)
		assert_int_equal(delivered(b, 0), MESSAGE_PAYLOAD_MIN);
	failing_hold(false);
	return rc;
}

static void each_call_of_a_run_may_fail(void **state)
{
	struct bench *b = *state;
	struct err err;

	agent_offline_close(&b->offline);
	(void)close(b->pair[0]);
	(void)close(b->pair[1]);
	make_sealed();
	(void)snprintf(b->conf.seal_key, sizeof b->conf.seal_key, "%s",
	    keys_path(b->keys, "seal.key"));
	assert_int_equal(
	    keyfile_create(KEYFILE_SEAL_SECRET, b->conf.seal_key, secret, &err),
	    0);
	print_message("%u calls failed\n", failing_each(take_message, b, true));
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, b->pair), 0);
	open_offline(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(
	    each_call_of_a_run_may_fail, setup, teardown)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
