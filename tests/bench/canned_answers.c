/* SPDX-License-Identifier: Apache-2.0 */
#include <err.h>
#include <openssl/evp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <yajl/yajl_tree.h>

#include "tests/bench/canned.h"

#define BATCH_MAX 10
#define PLAIN     "text/plain"
#define JSON      "application/x-amz-json-1.0"
#define TOKEN_TTL "X-aws-ec2-metadata-token-ttl-seconds: 21600\r\n"
#define TOKEN     "AQAEAABdMUjTJ5rJ0123456789abcdefghijklmnopqrstuvwxyzAB=="
#define ROLE      "sqs-entropy"
#define ROLE_PATH "/latest/meta-data/iam/security-credentials/"
/* As long as what a role of EC2 gets. */
#define QUARTER                                                                \
	"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ/+"     \
	"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ/+"     \
	"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ/+"     \
	"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ/+"
#define SESSION_TOKEN QUARTER QUARTER QUARTER QUARTER

static void grow(struct text *t, size_t len)
{
	while (t->room - t->len <= len) {
		t->room = t->room == 0 ? 4096 : t->room * 2;
		t->at = realloc(t->at, t->room);
		if (t->at == NULL)
			err(1, "realloc");
	}
}

void text_put(struct text *t, const void *bytes, size_t len)
{
	grow(t, len);
	memcpy(t->at + t->len, bytes, len);
	t->len += len;
	t->at[t->len] = '\0';
}

void text_say(struct text *t, const char *format, ...)
{
	va_list list;
	int len;

	va_start(list, format);
	len = vsnprintf(NULL, 0, format, list);
	va_end(list);
	if (len < 0)
		errx(1, "vsnprintf");
	grow(t, (size_t)len);
	va_start(list, format);
	(void)vsnprintf(t->at + t->len, t->room - t->len, format, list);
	va_end(list);
	t->len += (size_t)len;
}

/* ---- IMDS */

static void put_time(struct text *t, const char *name, time_t when)
{
	char text[32];
	struct tm utc;

	(void)gmtime_r(&when, &utc);
	(void)strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc);
	text_say(t, "  \"%s\" : \"%s\"", name, text);
}

static void put_credentials(struct text *t)
{
	const time_t now = time(NULL);

	text_say(t, "{\n  \"Code\" : \"Success\",\n");
	put_time(t, "LastUpdated", now);
	text_say(t, ",\n  \"Type\" : \"AWS-HMAC\",\n"
		    "  \"AccessKeyId\" : \"ASIAIOSFODNN7EXAMPLE\",\n"
		    "  \"SecretAccessKey\" : "
		    "\"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY\",\n"
		    "  \"Token\" : \"" SESSION_TOKEN "\",\n");
	put_time(t, "Expiration", now + 21600);
	text_say(t, "\n}");
}

void answer_imds(const struct request *r, struct answer *a)
{
	*a = (struct answer){200, PLAIN, TOKEN_TTL, a->body};
	if (strcmp(r->path, "/latest/api/token") == 0)
		text_say(&a->body, TOKEN);
	else if (strcmp(r->path, ROLE_PATH) == 0)
		text_say(&a->body, ROLE);
	else if (strcmp(r->path, ROLE_PATH ROLE) == 0)
		put_credentials(&a->body);
	else if (strcmp(r->path, "/latest/meta-data/instance-id") == 0)
		text_say(&a->body, "i-0123456789abcdef0");
	else if (strcmp(r->path, "/latest/meta-data/placement/region") == 0)
		text_say(&a->body, "eu-west-1");
	else
		a->status = 404;
}

/* ---- SQS */

static const char *member(yajl_val of, const char *name)
{
	const char *path[] = {name, NULL};
	yajl_val found = yajl_tree_get(of, path, yajl_t_string);

	return found == NULL ? "" : YAJL_GET_STRING(found);
}

static yajl_val entries_of(yajl_val root)
{
	const char *path[] = {"Entries", NULL};
	yajl_val list = yajl_tree_get(root, path, yajl_t_array);

	if (list == NULL || list->u.array.len == 0 ||
	    list->u.array.len > BATCH_MAX)
		errx(1, "a batch without entries");
	return list;
}

/* What the producer sends is in the order of its names; so it is digested. */
static void digest_attributes(struct text *t, yajl_val attributes)
{
	unsigned char bytes[4096];

	for (size_t i = 0; i < attributes->u.object.len; i++) {
		yajl_val value = attributes->u.object.values[i];
		const char *text = member(value, "StringValue");
		const char *base64 = member(value, "BinaryValue");
		const void *raw = text;
		size_t len = strlen(text);

		if (base64[0] != '\0' && strlen(base64) < sizeof bytes) {
			len = (size_t)EVP_DecodeBlock(bytes,
			    (const unsigned char *)base64, (int)strlen(base64));
			len -= strspn(strchr(base64, '=') != NULL
					  ? strchr(base64, '=')
					  : "",
			    "=");
			raw = bytes;
		}
		message_digest_attribute(t, attributes->u.object.keys[i],
		    member(value, "DataType"), raw, len);
	}
}

static void put_sent(struct text *out, yajl_val entry)
{
	static struct text digested;
	const char *body = member(entry, "MessageBody");
	const char *path[] = {"MessageAttributes", NULL};
	yajl_val attributes = yajl_tree_get(entry, path, yajl_t_object);
	char md5[MESSAGE_MD5_HEX];

	message_md5(md5, body, strlen(body));
	text_say(out,
	    "{\"Id\":\"%s\",\"MessageId\":"
	    "\"219f8380-5770-4cc2-8c3e-5c715e145f5e\","
	    "\"MD5OfMessageBody\":\"%s\"",
	    member(entry, "Id"), md5);
	if (attributes != NULL && attributes->u.object.len > 0) {
		digested.len = 0;
		digest_attributes(&digested, attributes);
		message_md5(md5, digested.at, digested.len);
		text_say(out, ",\"MD5OfMessageAttributes\":\"%s\"", md5);
	}
	text_say(out, "}");
}

static void answer_batch(const struct request *r, struct text *out, bool send)
{
	char why[256];
	yajl_val root = yajl_tree_parse(r->body, why, sizeof why);
	yajl_val list = entries_of(root);

	text_say(out, "{\"Successful\":[");
	for (size_t i = 0; i < list->u.array.len; i++) {
		yajl_val entry = list->u.array.values[i];

		if (i > 0)
			text_say(out, ",");
		if (send)
			put_sent(out, entry);
		else
			text_say(out, "{\"Id\":\"%s\"}", member(entry, "Id"));
	}
	text_say(out, "],\"Failed\":[]}");
	yajl_tree_free(root);
}

/* As a batch of one, whose Id nobody reads. */
static void answer_send(const struct request *r, struct text *out)
{
	char why[256];
	yajl_val root = yajl_tree_parse(r->body, why, sizeof why);

	put_sent(out, root);
	yajl_tree_free(root);
}

/* pollinate(1): the digest of its challenge, then a seed. */
static void answer_pollinate(const struct request *r, struct answer *a)
{
	const char *challenge = r->body + strlen("challenge=");
	unsigned char digest[EVP_MAX_MD_SIZE];
	size_t len;

	if (strncmp(r->body, "challenge=", strlen("challenge=")) != 0)
		errx(1, "neither SQS nor pollinate: %s %s", r->method, r->path);
	if (EVP_Q_digest(NULL, "SHA512", NULL, challenge, strlen(challenge),
		digest, &len) != 1)
		errx(1, "OpenSSL has no SHA-512");
	a->type = PLAIN;
	for (int line = 0; line < 2; line++) {
		for (size_t i = 0; i < len; i++)
			text_say(&a->body, "%02x", digest[i]);
		text_say(&a->body, "\n");
	}
}

void answer_sqs(const struct request *r, struct answer *a)
{
	const char *op = r->operation;

	*a = (struct answer){200, JSON,
	    "x-amzn-RequestId: 7b6ac2a1-3c36-5f0c-8a6f-9d2a4b1f0e11\r\n",
	    a->body};
	if (op[0] == '\0')
		answer_pollinate(r, a);
	else if (strcmp(op, "ReceiveMessage") == 0)
		message_receive(&a->body);
	else if (strcmp(op, "DeleteMessage") == 0)
		a->body.len = 0;
	else if (strcmp(op, "DeleteMessageBatch") == 0)
		answer_batch(r, &a->body, false);
	else if (strcmp(op, "SendMessageBatch") == 0)
		answer_batch(r, &a->body, true);
	else if (strcmp(op, "SendMessage") == 0)
		answer_send(r, &a->body);
	else if (strcmp(op, "GetQueueUrl") == 0)
		text_say(&a->body, "{\"QueueUrl\":\"" MESSAGE_QUEUE "\"}");
	else if (strcmp(op, "GetQueueAttributes") == 0)
		text_say(&a->body,
		    "{\"Attributes\":{\"ApproximateNumberOfMessages\":\"0\","
		    "\"ApproximateNumberOfMessagesNotVisible\":\"0\","
		    "\"ApproximateNumberOfMessagesDelayed\":\"0\"}}");
	else
		errx(1, "unknown operation %s", op);
}
