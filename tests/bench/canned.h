/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_TESTS_BENCH_CANNED_H
#define SQS_ENTROPY_TESTS_BENCH_CANNED_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A stand-in that answers in microseconds, so that what is measured is the
 * client: one thread, answers made beforehand, no judge of anything.  See
 * canned.c for its command line and for what can be asked of it while it runs.
 * A trouble of its own ends the process with a line on standard error.
 */

/* ---- text that grows, with a NUL behind it */

struct text {
	char *at;
	size_t len, room;
};

void text_put(struct text *t, const void *bytes, size_t len);
__attribute__((format(printf, 2, 3))) void text_say(
    struct text *t, const char *format, ...);

/* ---- the message that a receive gives */

#define MESSAGE_QUEUE "https://sqs.eu-west-1.amazonaws.com/123456789012/entropy"
#define MESSAGE_ARN   "arn:aws:sqs:eu-west-1:123456789012:entropy"

/* Make a signing key and write its public half to that file as a trusted
 * producer's. */
void message_start(const char *trust_file);

/* Make the next message if the last one was handed out, or is a minute old.
 * It takes longer than an answer may, so it is for when nothing is to do. */
void message_renew(void);

/* The answer to ReceiveMessage, JSON; the message is not given again. */
void message_receive(struct text *out);

/* The hex MD5 of these bytes, and a NUL. */
#define MESSAGE_MD5_HEX 33
void message_md5(char hex[static MESSAGE_MD5_HEX], const void *bytes, size_t n);

/* Put one attribute as SQS digests it: in the order of names. */
void message_digest_attribute(struct text *t, const char *name,
    const char *type, const void *value, size_t len);

/* ---- answers */

struct request {
	char method[16], path[256];
	char operation[64]; /* behind the dot of X-Amz-Target, or "" */
	char *body;         /* with a NUL behind it */
	size_t len;
	bool last; /* the client closes the connection after it */
};

struct answer {
	int status;
	const char *type, *headers; /* headers: whole lines, or "" */
	struct text body;           /* emptied before, never freed */
};

void answer_imds(const struct request *r, struct answer *a);
void answer_sqs(const struct request *r, struct answer *a);

/* ---- connections */

/* Of one service.  Bytes are those of HTTP, heads included; wire: what TLS made
 * of them. */
struct counts {
	unsigned long connections, requests, in, out, wire_in, wire_out;
};

struct service {
	int fd;       /* listens */
	SSL_CTX *tls; /* NULL: plain */
	void (*answer)(const struct request *r, struct answer *a);
	bool closes;                     /* the connection, after each answer */
	int64_t hold_ns;                 /* before each answer */
	void (*asked)(const char *what); /* each request, before its answer */
	struct counts counts;
};

struct connection;

/* Both return true while there is more to come of the connection; NULL: nobody
 * was there. */
struct connection *connection_accept(struct service *service);
int connection_fd(const struct connection *c);
/* Read and answer what has come.  False: it is over, and freed. */
bool connection_serve(struct connection *c);

#endif
