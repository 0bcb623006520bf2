/* SPDX-License-Identifier: Apache-2.0 */
#include "aws/imds_fetch.h"

#include "aws/imds.h"

#define SILENCE_MS 1000
#define TRIES      3
#define PAUSE_MS   100 /* and up to 1.5 times as much more, by chance */

#define NOBODY                                                                 \
	"this is no EC2 instance, or from a container raise the hop limit to " \
	"2: aws ec2 modify-instance-metadata-options --instance-id ID "        \
	"--http-put-response-hop-limit 2"

static int fail_silent(const struct imds_peer *p, struct err *err)
{
	if (p->answered)
		return err_set(err, ERR_SERVICE,
		    "IMDS at %s stopped answering: try again", p->host);
	return err_set(
	    err, ERR_ABSENT, "nobody answers as IMDS at %s: " NOBODY, p->host);
}

static int pause_for(
    const struct imds_peer *p, int64_t deadline, struct err *err)
{
	double more = clock_chance(p->clock) * PAUSE_MS * 1.5;
	int64_t ms = PAUSE_MS + (int64_t)more;
	int64_t left = deadline - clock_mono(p->clock);
	int rc = clock_sleep(p->clock, ms < left ? ms : left);

	return rc == 0 ? 0
		       : err_set(err, rc, "IMDS at %s: told to stop", p->host);
}

static int fail_out_of_time(const struct imds_peer *p, int rc, struct err *err)
{
	const char *advice = p->answered ? "give more time" : NOBODY;

	if (rc == ERR_UNREACHABLE)
		advice = "there is no route: check the network, or give more "
			 "time";
	return err_set(err, ERR_TIMEOUT,
	    "IMDS at %s did not answer in the time allowed: %s", p->host,
	    advice);
}

/* What to do about a try that failed with rc: 0 to try again, else the error
 * to return, err set. */
static int judge_try(
    struct imds_peer *p, int rc, int *tries, int64_t deadline, struct err *err)
{
	bool again = rc == ERR_TIMEOUT || rc == ERR_NET || rc == ERR_SERVICE;

	if (rc == ERR_CANCELED)
		return rc;
	if (clock_mono(p->clock) >= deadline)
		return fail_out_of_time(p, rc, err);
	if (rc == ERR_UNREACHABLE && p->wait_for_route) {
		rc = pause_for(p, deadline, err);
		if (rc == 0 && clock_mono(p->clock) >= deadline)
			rc = fail_out_of_time(p, ERR_UNREACHABLE, err);
		return rc;
	}
	if (rc == ERR_UNREACHABLE || rc == ERR_CONNECT)
		return err_set(err, ERR_ABSENT,
		    "IMDS at %s cannot be reached: this is no EC2 instance, "
		    "or a firewall is in between",
		    p->host);
	if (again && ++*tries < TRIES)
		return rc == ERR_TIMEOUT ? 0 : pause_for(p, deadline, err);
	if (rc == ERR_TIMEOUT)
		return fail_silent(p, err);
	if (rc == ERR_NET)
		return err_set(err, ERR_SERVICE,
		    "IMDS at %s breaks connections: try again", p->host);
	return rc;
}

int imds_fetch(struct imds_peer *p, const char *method, const char *url,
    const char *const *headers, int64_t deadline, struct http_transfer **t,
    struct err *err)
{
	const struct http_request req = {.kind = HTTP_METADATA,
	    .method = method,
	    .url = url,
	    .headers = headers,
	    .answer_max = IMDS_ANSWER_MAX,
	    .deadline = deadline,
	    .connect_ms = SILENCE_MS,
	    .silence_ms = SILENCE_MS};
	struct err why = {0};
	int rc, tries = 0;

	do {
		rc = http_do(p->http, &req, t, &why);
		if (rc == 0 && http_status(*t) >= 500)
			rc = err_set(&why, ERR_SERVICE,
			    "IMDS at %s answered %d: try again later", p->host,
			    http_status(*t));
		if (rc == 0)
			return 0;
		http_transfer_free(*t);
		*t = NULL;
		rc = judge_try(p, rc, &tries, deadline, &why);
	} while (rc == 0);
	return err_set(err, rc, "%s", why.text);
}
