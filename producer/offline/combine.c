/* SPDX-License-Identifier: Apache-2.0 */
#include "producer/offline/combine.h"

void combine_xor(uint8_t *out, const uint8_t *const in[], size_t n, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		/* Stored last: out may be one of the blocks. */
		uint8_t byte = 0;

		for (size_t k = 0; k < n; k++)
			byte ^= in[k][i];
		out[i] = byte;
	}
}
