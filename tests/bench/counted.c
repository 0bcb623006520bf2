/* SPDX-License-Identifier: Apache-2.0 */
/*
 * LD_PRELOAD for a program whose instructions valgrind counts:
 * - A forked process begins at 0; without this it would count what its parent
 *   did before the fork as well.
 * - Limits of resources are believed and not set: valgrind needs files and
 *   memory for itself, and refuses some of them.
 */
#include <pthread.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <valgrind/callgrind.h>

static struct rlimit64 kept[RLIM_NLIMITS];
static bool is_kept[RLIM_NLIMITS];

static void begin_at_zero(void)
{
	CALLGRIND_ZERO_STATS;
}

__attribute__((constructor)) static void start(void)
{
	(void)pthread_atfork(NULL, NULL, begin_at_zero);
}

int setrlimit64(__rlimit_resource_t resource, const struct rlimit64 *limit)
{
	kept[resource] = *limit;
	is_kept[resource] = true;
	return 0;
}

int getrlimit64(__rlimit_resource_t resource, struct rlimit64 *limit)
{
	if (!is_kept[resource])
		return prlimit64(0, resource, NULL, limit);
	*limit = kept[resource];
	return 0;
}
