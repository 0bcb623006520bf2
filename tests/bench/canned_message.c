/* SPDX-License-Identifier: Apache-2.0 */
#include <err.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "tests/bench/canned.h"

#define PAYLOAD   512
#define BODY      ((size_t)(PAYLOAD + 2) / 3 * 4)
#define RAW       32 /* bytes of a public key */
#define SIGNATURE 64
#define RENEW_S   60
#define RECEIPT                                                                \
	"AQEB"                                                                 \
	"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"       \
	"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"       \
	"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ=="

static EVP_PKEY *signing_key;
static char key_id[17];
/* Always seven digits, so that each answer has the same length. */
static unsigned long sequence = 1000000;
static time_t made; /* 0: the message was handed out */
static struct text next;

static void write_trust(const char *file, const unsigned char *raw)
{
	unsigned char base64[RAW * 2];
	FILE *out = fopen(file, "w");

	(void)EVP_EncodeBlock(base64, raw, RAW);
	if (out == NULL ||
	    fprintf(out, "sqs-entropy-ed25519 %s\n", (char *)base64) < 0 ||
	    fclose(out) != 0)
		err(1, "cannot write %s", file);
}

void message_start(const char *trust_file)
{
	unsigned char raw[RAW], digest[EVP_MAX_MD_SIZE];
	size_t len = sizeof raw;

	signing_key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	if (signing_key == NULL ||
	    EVP_PKEY_get_raw_public_key(signing_key, raw, &len) != 1 ||
	    EVP_Q_digest(NULL, "SHA256", NULL, raw, len, digest, NULL) != 1)
		errx(1, "OpenSSL makes no key");
	for (size_t i = 0; i < 8; i++)
		(void)snprintf(key_id + 2 * i, 3, "%02x", digest[i]);
	write_trust(trust_file, raw);
	message_renew();
}

void message_md5(char hex[static MESSAGE_MD5_HEX], const void *bytes, size_t n)
{
	unsigned char digest[EVP_MAX_MD_SIZE];

	if (EVP_Q_digest(NULL, "MD5", NULL, bytes, n, digest, NULL) != 1)
		errx(1, "OpenSSL has no MD5");
	for (size_t i = 0; i < 16; i++)
		(void)snprintf(hex + 2 * i, 3, "%02x", digest[i]);
}

/* A length of 32 bits, big-endian, and what it is of. */
static void put_field(struct text *t, const void *bytes, size_t len)
{
	const unsigned char size[4] = {(unsigned char)(len >> 24),
	    (unsigned char)(len >> 16), (unsigned char)(len >> 8),
	    (unsigned char)len};

	text_put(t, size, sizeof size);
	text_put(t, bytes, len);
}

void message_digest_attribute(struct text *t, const char *name,
    const char *type, const void *value, size_t len)
{
	put_field(t, name, strlen(name));
	put_field(t, type, strlen(type));
	text_put(t, type[0] == 'B' ? "\2" : "\1", 1);
	put_field(t, value, len);
}

static void sign_message(unsigned char signature[static SIGNATURE],
    const char *claim, const unsigned char *payload)
{
	static const char domain[] = "sqs-entropy message v1"; /* with its 0 */
	static struct text text;
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	size_t len = SIGNATURE;

	text.len = 0;
	text_put(&text, domain, sizeof domain);
	put_field(&text, claim, strlen(claim));
	put_field(&text, MESSAGE_ARN, strlen(MESSAGE_ARN));
	put_field(&text, payload, PAYLOAD);
	if (ctx == NULL ||
	    EVP_DigestSignInit(ctx, NULL, NULL, NULL, signing_key) != 1 ||
	    EVP_DigestSign(ctx, signature, &len, (const unsigned char *)text.at,
		text.len) != 1)
		errx(1, "OpenSSL does not sign");
	EVP_MD_CTX_free(ctx);
}

static long long now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	return (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void make_answer(const char *claim, const unsigned char *signature,
    const char *body, long long sent)
{
	static struct text attributes;
	char md5_body[MESSAGE_MD5_HEX], md5_attributes[MESSAGE_MD5_HEX];
	unsigned char base64[SIGNATURE * 2];

	attributes.len = 0;
	message_digest_attribute(
	    &attributes, "Entropy", "String", claim, strlen(claim));
	message_digest_attribute(
	    &attributes, "Signature", "Binary", signature, SIGNATURE);
	message_md5(md5_attributes, attributes.at, attributes.len);
	message_md5(md5_body, body, BODY);
	(void)EVP_EncodeBlock(base64, signature, SIGNATURE);
	next.len = 0;
	text_say(&next,
	    "{\"Messages\":[{\"MessageId\":"
	    "\"219f8380-5770-4cc2-8c3e-5c715e145f5e\","
	    "\"ReceiptHandle\":\"" RECEIPT "\",\"MD5OfBody\":\"%s\","
	    "\"Body\":\"%s\",\"Attributes\":{\"SentTimestamp\":\"%lld\","
	    "\"ApproximateReceiveCount\":\"1\"},"
	    "\"MD5OfMessageAttributes\":\"%s\",\"MessageAttributes\":{"
	    "\"Entropy\":{\"StringValue\":\"%s\",\"DataType\":\"String\"},"
	    "\"Signature\":{\"BinaryValue\":\"%s\","
	    "\"DataType\":\"Binary\"}}}]}",
	    md5_body, body, sent, md5_attributes, claim, (char *)base64);
}

void message_renew(void)
{
	unsigned char payload[PAYLOAD], signature[SIGNATURE], body[BODY + 1];
	const long long sent = now_ms();
	char claim[256];

	if (made != 0 && time(NULL) - made < RENEW_S)
		return;
	if (RAND_bytes(payload, sizeof payload) != 1)
		errx(1, "OpenSSL gives no random bytes");
	(void)snprintf(claim, sizeof claim,
	    "v=1;key=%s;seq=%lu;time=%lld;bits=%d;seal=none", key_id,
	    ++sequence, sent, PAYLOAD);
	sign_message(signature, claim, payload);
	(void)EVP_EncodeBlock(body, payload, PAYLOAD);
	make_answer(claim, signature, (const char *)body, sent);
	made = time(NULL);
}

void message_receive(struct text *out)
{
	message_renew();
	text_put(out, next.at, next.len);
	made = 0;
}
