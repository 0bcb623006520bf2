/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_AID_HTTP_H
#define SQS_ENTROPY_AID_HTTP_H

#include <stdbool.h>
#include <stdint.h>

#include "http/transfer.h"

/* What the tests of http share. */

#define HTTP_AID_OK "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

int64_t http_aid_now(void); /* CLOCK_MONOTONIC, ms */

/* A client without settings; cancel_fd as in http_config. */
struct http *http_aid_client(int cancel_fd);

/* Requests with a minute to go and 1 KiB of answer. */
struct http_request http_aid_get(const char *url);
struct http_request http_aid_post(const char *url, const char *body);

/* Do it: it must end with rc, have been sent or not, and say text. */
void http_aid_expect(struct http *h, const struct http_request *req, int rc,
    bool sent, const char *text);

/* The same for ERR_TIMEOUT after just ms of virtual time (virtual.h). */
void http_aid_expect_timeout(
    struct http *h, const struct http_request *req, int64_t ms, bool sent);

#endif
