/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_AID_LOOPBACK_H
#define SQS_ENTROPY_AID_LOOPBACK_H

/*
 * A scripted HTTP server on 127.0.0.1 in a thread of the test, for faults and
 * for recorded answers.  Requests are answered in order of arrival, one step
 * each; the last step repeats.
 */
struct loopback_step {
	const char *answer; /* whole raw answer; NULL: close without one */
	int delay_ms;       /* before the answer */
	int trickle_ms;     /* between its bytes; 0: all at once */
	int close;          /* close the connection afterwards */
};

struct loopback;

/* Starts at once; steps are kept by reference.  Fails the test on error. */
struct loopback *loopback_new(const struct loopback_step *steps, int n);
/* "http://127.0.0.1:PORT", living as long as the server. */
const char *loopback_url(const struct loopback *l);
/* Requests and connections seen so far; the raw request k ("" if none). */
int loopback_requests(struct loopback *l);
int loopback_connections(struct loopback *l);
/* There are n, now or as soon as what was sent has been read. */
void loopback_expect_requests(struct loopback *l, int n);
const char *loopback_request(struct loopback *l, int k);
void loopback_free(struct loopback *l);

#endif
