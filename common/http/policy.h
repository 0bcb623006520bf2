/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_HTTP_POLICY_H
#define SQS_ENTROPY_HTTP_POLICY_H

#include <stdbool.h>
#include <sys/socket.h>

/*
 * Where plain http may go: loopback (127.0.0.0/8, ::1) and the link-local
 * addresses that AWS serves metadata and container credentials on
 * (169.254.169.254, 169.254.170.2, 169.254.170.23, fd00:ec2::254,
 * fd00:ec2::23).  imds: to those of IMDS, too, which no container's
 * credentials come from.  Pure; for request.c.
 */

/* host as a URL has it, an IPv6 address in brackets; of names only
 * "localhost" is allowed. */
bool http_policy_host(const char *host, bool imds);

/* The same for the address that a host was resolved to. */
bool http_policy_address(const struct sockaddr *sa, socklen_t len, bool imds);

#endif
