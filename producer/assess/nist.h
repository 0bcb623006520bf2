/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_PRODUCER_ASSESS_NIST_H
#define SQS_ENTROPY_PRODUCER_ASSESS_NIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/words.h"
#include "confine/runner.h"

/*
 * All ten estimates of SP 800-90B, section 6.3, by NIST's own tool, ea_non_iid,
 * which Debian packages from 13 on (sp800-90b-entropy-assessment).  It runs in
 * a process of its own (runner.h): as nobody, where root started this program,
 * without a capability, with a ceiling of memory and output and a deadline.  It
 * reads the sample from memory (memfd_create(2)): no file has it.
 */
#define NIST_TOOL    "ea_non_iid"
#define NIST_PACKAGE "sp800-90b-entropy-assessment"
#define NIST_LINES   24
#define NIST_MS      3600000 /* an hour of an old machine's time */

/* One estimate: "Markov Test Estimate (bit string) = 0.999439 / 1 bit(s)". */
struct nist_line {
	char name[96];
	double value;  /* of min-entropy */
	unsigned bits; /* of the symbols it is about, 1 or 8 */
};

struct nist {
	bool known; /* false: why says why there is no result */
	char why[256];
	size_t n;
	struct nist_line lines[NIST_LINES];
	double original;  /* the least of those of bytes, per byte */
	double bitstring; /* the least of those of bits, per bit */
	double least;     /* of both, per byte */
};

/* Read what the tool prints with -v.  False, and known is false: that is no
 * whole result. */
bool nist_parse(const char *text, struct nist *out) MUST_CHECK;

struct nist_run {
	struct runner runner; /* fd -1: there is no such tool in PATH */
	int sample;           /* descriptor of the memory; -1: none */
	size_t held;          /* bytes in it */
	struct words command;
};

/* Before confine_calls(): see whether the tool is there, and start the process
 * that can run it.  cancel_fd ends waiting for it.  ERR_IO, ERR_PERM. */
int nist_start(struct nist_run *run, int cancel_fd, struct err *err) MUST_CHECK;

/* Keep what is needed of the sample, its first ESTIMATES_SAMPLES bytes.
 * ERR_IO. */
int nist_feed(struct nist_run *run, const uint8_t *data, size_t len,
    struct err *err) MUST_CHECK;

/* Ask the tool, if it is there and the sample is large enough. */
void nist_ask(struct nist_run *run, struct nist *out);

void nist_end(struct nist_run *run);

#endif
