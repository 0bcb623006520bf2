/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_AID_IMDS_H
#define SQS_ENTROPY_AID_IMDS_H

#include "aid/http.h"
#include "aid/loopback.h"
#include "aws/imds.h"

/* What the tests of imds share. */

#define HEAD(status) "HTTP/1.1 " status "\r\nConnection: close\r\n"
#define TEXT(text)                                                             \
	{                                                                      \
		.answer = HEAD("200 OK") "\r\n" text, .close = 1               \
	}
#define STATUS(s)                                                              \
	{                                                                      \
		.answer = HEAD(s) "Content-Length: 0\r\n\r\n", .close = 1      \
	}
#define TOKEN TEXT("AQAEtoken==")
#define SILENT                                                                 \
	{                                                                      \
		.delay_ms = 60000                                              \
	}

/* A server with these steps, a client and an imds that uses them. */
struct imds_aid {
	struct loopback *l;
	struct http *http;
	struct imds *imds;
	struct clock clock;
	int64_t deadline;
	struct err err;
};

void imds_aid_open(
    struct imds_aid *b, const struct loopback_step *steps, int n, bool wait);
void imds_aid_close(struct imds_aid *b);

/* Another imds on the same bench; machine: what this one is. */
void imds_aid_again(
    struct imds_aid *b, const char *endpoint, enum imds_machine machine);

#define OPEN(b, ...)                                                           \
	const struct loopback_step steps[] = {__VA_ARGS__};                    \
	struct imds_aid b;                                                     \
                                                                               \
	(void)state;                                                           \
	imds_aid_open(&b, steps, sizeof steps / sizeof steps[0], false)

/* imds_instance_id() must end so; text is the value or part of the error. */
void imds_aid_expect(struct imds_aid *b, int rc, const char *text);

/* Request k must begin so. */
void imds_aid_request(struct imds_aid *b, int k, const char *start);

#endif
