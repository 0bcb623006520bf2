/* SPDX-License-Identifier: Apache-2.0 */
#include "aid/imds.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

/* Read anew with each question. */
#define ENDPOINT "AWS_EC2_METADATA_SERVICE_ENDPOINT"

static void make_imds(struct imds_aid *b, const char *endpoint, bool wait,
    enum imds_machine machine)
{
	const struct imds_config cfg = {
	    .wait_for_route = wait, .machine = machine};

	assert_int_equal(setenv(ENDPOINT, endpoint, 1), 0);
	assert_int_equal(
	    imds_new(b->http, &b->clock, &cfg, &b->imds, &b->err), 0);
}

void imds_aid_open(
    struct imds_aid *b, const struct loopback_step *steps, int n, bool wait)
{
	memset(b, 0, sizeof *b);
	b->l = loopback_new(steps, n);
	b->http = http_aid_client(-1);
	b->clock = clock_system(NULL);
	make_imds(b, loopback_url(b->l), wait, IMDS_MACHINE_UNKNOWN);
	b->deadline = http_aid_now() + 60000;
}

void imds_aid_again(
    struct imds_aid *b, const char *endpoint, enum imds_machine machine)
{
	imds_free(b->imds);
	make_imds(b, endpoint, false, machine);
}

void imds_aid_close(struct imds_aid *b)
{
	(void)unsetenv(ENDPOINT);
	imds_free(b->imds);
	http_free(b->http);
	loopback_free(b->l);
}

void imds_aid_expect(struct imds_aid *b, int rc, const char *text)
{
	char out[IMDS_TEXT_MAX] = "untouched";
	int got = imds_instance_id(b->imds, out, b->deadline, &b->err);

	if (got != rc || (rc != 0 && strstr(b->err.text, text) == NULL))
		fail_msg("%d: %s", got, b->err.text);
	assert_string_equal(out, rc == 0 ? text : "untouched");
}

void imds_aid_request(struct imds_aid *b, int k, const char *start)
{
	const char *seen = loopback_request(b->l, k);

	if (strncmp(seen, start, strlen(start)) != 0)
		fail_msg("request %d: %s", k, seen);
}
