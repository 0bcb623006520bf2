/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "aid/sign_once.h"
#include "crypto/keys.h"
#include "message/claim.h"
#include "producer/offline/trial.h"

#define ARN  "arn:aws:sqs:eu-west-1:123456789012:entropy"
#define NOW  1700000000000
#define SIZE 64

static const uint8_t secret[KEYS_LEN] = {1, 2, 3}, other[KEYS_LEN] = {4};
static struct signer signer;
static struct message message;
static struct claim claim;

static void sign(const char *arn, const uint8_t *key)
{
	claim_format(&claim, message.entropy);
	message.entropy_len = (uint32_t)strlen(message.entropy);
	assert_int_equal(sign_once(&message, arn, key), 0);
}

/* A message as a producer makes it. */
static int make(void **state)
{
	uint8_t public_key[KEYS_LEN];

	(void)state;
	signer = (struct signer){.arn = ARN};
	signer.key = keys_signer_new(secret);
	assert_non_null(signer.key);
	message = (struct message){.payload_len = SIZE};
	for (uint8_t i = 0; i < SIZE; i++)
		message.payload[i] = i;
	claim = (struct claim){.seq = 7, .time = NOW, .bits = SIZE};
	assert_int_equal(keys_ed25519_public(public_key, secret), 0);
	assert_int_equal(keyfile_id(public_key, claim.key), 0);
	sign(ARN, secret);
	return 0;
}

static int done(void **state)
{
	(void)state;
	keys_signer_free(signer.key);
	return 0;
}

static void refused(const char *why)
{
	struct err err = {0};
	char text[256];

	(void)snprintf(
	    text, sizeof text, "an agent would not use the message: %s", why);
	assert_int_equal(
	    trial_verify(&signer, &message, NOW, &err), ERR_UNUSABLE);
	assert_string_equal(err.text, text);
}

static void a_good_message_passes(void **state)
{
	struct err err = {0};

	(void)state;
	assert_int_equal(trial_verify(&signer, &message, NOW, &err), 0);
	claim.time = NOW - 299000;
	sign(ARN, secret);
	assert_int_equal(trial_verify(&signer, &message, NOW, &err), 0);
}

static void what_an_agent_would_not_credit_is_refused(void **state)
{
	(void)state;
	message.payload[5] ^= 1;
	refused("its signature does not hold");
	message.payload[5] ^= 1;
	sign("arn:aws:sqs:eu-west-1:123456789012:another", secret);
	refused("its signature does not hold");
	sign(ARN, other);
	refused("its signature does not hold");
	sign(ARN, secret);
	message.signature_len = 0;
	refused("its signature does not hold");
	claim.time = NOW - 300001;
	sign(ARN, secret);
	refused("its date is not now");
	claim.time = NOW + 300001;
	sign(ARN, secret);
	refused("its date is not now");
	claim.time = NOW;
	claim.key[0] ^= 1;
	sign(ARN, secret);
	refused("it names another key");
	claim.key[0] ^= 1;
	sign(ARN, secret);
	message.entropy[0] = 'x';
	refused("its claim is malformed");
	message.entropy_len = 0;
	refused("its claim is malformed");
	sign(ARN, secret);
	message.payload_len = MESSAGE_PAYLOAD_MIN - 1;
	refused("its body does not decode");
}

static void without_key_or_queue_there_is_nothing_to_verify(void **state)
{
	(void)state;
	signer.arn[0] = '\0';
	refused("the queue has no ARN to sign for");
	memcpy(signer.arn, ARN, sizeof ARN);
	keys_signer_free(signer.key);
	signer.key = NULL;
	refused("it is not signed");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(a_good_message_passes, make, done),
	    cmocka_unit_test_setup_teardown(
		what_an_agent_would_not_credit_is_refused, make, done),
	    cmocka_unit_test_setup_teardown(
		without_key_or_queue_there_is_nothing_to_verify, make, done),
	};

	return cmocka_run_group_tests_name("trial", tests, NULL, NULL);
}
