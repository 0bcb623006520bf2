/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_PRODUCER_OFFLINE_COMBINE_H
#define SQS_ENTROPY_PRODUCER_OFFLINE_COMBINE_H

#include <stddef.h>
#include <stdint.h>

/*
 * Bytes of several sources made into those of one message: XOR, which is at
 * least as hard to guess as the hardest of them while they are independent.
 * So the sources must be distinct devices: one device named twice, or one
 * whose bytes another repeats, cancels to zeros, which no test of either
 * source can see.  The caller compares the devices before; each source is
 * tested apart, before its bytes come here.  Pure.
 */

/* The XOR of n >= 1 blocks of len bytes each.  out may be one of them. */
void combine_xor(uint8_t *out, const uint8_t *const in[], size_t n, size_t len);

#endif
