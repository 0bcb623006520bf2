/* SPDX-License-Identifier: Apache-2.0 */
#include "aid/virtual.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <curl/curl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <time.h>

#define SECOND  1000000000
#define MS      1000000
#define STEP_MS 5 /* between two looks at the server */

/* With 64 bits of time on 32-bit systems it has another name. */
#if __WORDSIZE == 32
#define real_gettime    __real___clock_gettime64
#define wrapped_gettime __wrap___clock_gettime64
#else
#define real_gettime    __real_clock_gettime
#define wrapped_gettime __wrap_clock_gettime
#endif

/* The linker calls ours instead of these (--wrap in tests/rules.mk). */
int real_gettime(clockid_t id, struct timespec *ts);
int wrapped_gettime(clockid_t id, struct timespec *ts);
CURLMcode __real_curl_multi_poll(CURLM *multi, struct curl_waitfd *extra,
    unsigned int n, int timeout_ms, int *ready);
CURLMcode __wrap_curl_multi_poll(CURLM *multi, struct curl_waitfd *extra,
    unsigned int n, int timeout_ms, int *ready);

static atomic_bool stands; /* the clock, at this time */
static _Atomic int64_t stands_at;
static _Atomic int64_t ahead; /* of the real clock, when it goes */
static struct loopback *server;
static int awaited;
static int64_t pace; /* ms */

static int64_t real_ns(void)
{
	struct timespec ts;

	assert_int_equal(real_gettime(CLOCK_MONOTONIC, &ts), 0);
	return (int64_t)ts.tv_sec * SECOND + ts.tv_nsec;
}

int wrapped_gettime(clockid_t id, struct timespec *ts)
{
	int64_t now;

	if (id != CLOCK_MONOTONIC || (!stands && ahead == 0))
		return real_gettime(id, ts);
	now = stands ? stands_at : real_ns() + ahead;
	*ts = (struct timespec){
	    .tv_sec = now / SECOND, .tv_nsec = (long)(now % SECOND)};
	return 0;
}

int64_t virtual_real_ms(void)
{
	return real_ns() / MS;
}

static bool is_silent(void)
{
	if (awaited == VIRTUAL_STILL)
		return false;
	return server == NULL || loopback_requests(server) >= awaited;
}

CURLMcode __wrap_curl_multi_poll(CURLM *multi, struct curl_waitfd *extra,
    unsigned int n, int timeout_ms, int *ready)
{
	const bool passes = stands && is_silent();
	int got = 0;
	long own = -1;
	CURLMcode code;

	if (!stands)
		return __real_curl_multi_poll(
		    multi, extra, n, timeout_ms, ready);
	/* libcurl ends a wait early for a time-out of its own. */
	(void)curl_multi_timeout(multi, &own);
	code = __real_curl_multi_poll(multi, extra, n,
	    !passes && timeout_ms > STEP_MS ? STEP_MS : 0, &got);
	if (got > 0)
		stands_at += pace * MS;
	if (passes && code == CURLM_OK && got == 0)
		stands_at += (int64_t)MS *
			     (own >= 0 && own < timeout_ms ? own : timeout_ms);
	if (ready != NULL)
		*ready = got;
	return code;
}

void virtual_begin(struct loopback *l, int requests)
{
	server = l;
	awaited = requests;
	if (stands)
		return;
	stands_at = real_ns() + ahead;
	stands = true;
}

void virtual_end(void)
{
	assert_true(stands);
	/* It goes on from there: it never goes back. */
	ahead = stands_at - real_ns();
	stands = false;
	pace = 0;
}

void virtual_pace(int64_t ms)
{
	pace = ms;
}

int virtual_sleep(void *ctx, int64_t ms)
{
	(void)ctx;
	assert_true(stands);
	stands_at += ms * MS;
	return 0;
}
