/* SPDX-License-Identifier: Apache-2.0 */
#include "http/policy.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

static bool allowed4(struct in_addr a, bool imds)
{
	static const uint32_t metadata[] = {
	    0xa9fea9fe, /* 169.254.169.254: IMDS, which is the first */
	    0xa9feaa02, /* 169.254.170.2: ECS */
	    0xa9feaa17, /* 169.254.170.23: EKS */
	};
	uint32_t host = ntohl(a.s_addr);

	for (size_t i = imds ? 0 : 1; i < sizeof metadata / sizeof metadata[0];
	     i++)
		if (host == metadata[i])
			return true;
	return host >> 24 == IN_LOOPBACKNET;
}

static bool allowed6(const struct in6_addr *a, bool imds)
{
	/* IMDS is the first again. */
	static const struct in6_addr metadata[] = {
	    {{{0xfd, 0, 0x0e, 0xc2, [14] = 0x02, [15] = 0x54}}},
	    {{{0xfd, 0, 0x0e, 0xc2, [15] = 0x23}}},
	};

	for (size_t i = imds ? 0 : 1; i < sizeof metadata / sizeof metadata[0];
	     i++)
		if (IN6_ARE_ADDR_EQUAL(a, &metadata[i]))
			return true;
	return IN6_IS_ADDR_LOOPBACK(a);
}

bool http_policy_host(const char *host, bool imds)
{
	char bare[INET6_ADDRSTRLEN];
	size_t len = strlen(host);
	struct in6_addr a6;
	struct in_addr a4;

	if (strcasecmp(host, "localhost") == 0)
		return true;
	if (inet_pton(AF_INET, host, &a4) == 1)
		return allowed4(a4, imds);
	if (len < 2 || len - 2 >= sizeof bare || host[0] != '[' ||
	    host[len - 1] != ']')
		return false;
	memcpy(bare, host + 1, len - 2);
	bare[len - 2] = '\0';
	return inet_pton(AF_INET6, bare, &a6) == 1 && allowed6(&a6, imds);
}

bool http_policy_address(const struct sockaddr *sa, socklen_t len, bool imds)
{
	struct sockaddr_in6 sin6;
	struct sockaddr_in sin;

	if (sa->sa_family == AF_INET && len >= sizeof sin) {
		memcpy(&sin, sa, sizeof sin);
		return allowed4(sin.sin_addr, imds);
	}
	if (sa->sa_family == AF_INET6 && len >= sizeof sin6) {
		memcpy(&sin6, sa, sizeof sin6);
		return allowed6(&sin6.sin6_addr, imds);
	}
	return false;
}
