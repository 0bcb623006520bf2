/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_FUZZ_H
#define SQS_ENTROPY_FUZZ_H

#include <stddef.h>
#include <stdint.h>

/* A target: libFuzzer's, or plain.c's where there is none. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* What must hold, in every build. */
#define FUZZ_CHECK(condition)                                                  \
	do {                                                                   \
		if (!(condition))                                              \
			fuzz_failed(#condition, __FILE__, __LINE__);           \
	} while (0)
void fuzz_failed(const char *condition, const char *file, int line)
    __attribute__((noreturn));

/*
 * Some inputs of the corpus get through a target's parser and what is behind
 * it, by one of several ways.  The target says which ways there are, and where
 * each ends.  With FUZZ_SEEDS in the environment, as tests/fuzz/run has it, a
 * way that no input went by the end fails the run: its seeds are of an old
 * format.
 */
void fuzz_expect_ways(unsigned ways);
void fuzz_went(unsigned way);

/* The bytes with a NUL behind them, to be freed. */
char *fuzz_text(const uint8_t *data, size_t len);

/* A regular file with this content: its path, the same at each call. */
const char *fuzz_file(const uint8_t *data, size_t len);

#endif
