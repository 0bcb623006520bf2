/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEX_AID_H
#define HEX_AID_H

#include <stddef.h>
#include <stdint.h>

/* Bytes from lower-case hexadecimal, as the RFCs print their vectors; fails
 * the test unless they are that and at most max.  Returns how many. */
size_t hex_bytes(uint8_t *out, size_t max, const char *hex);

/* Exactly len of them. */
void hex_exactly(uint8_t *out, size_t len, const char *hex);

/* The bit, counted through all bytes. */
void hex_flip(void *data, size_t bit);

/* Fails the test unless len bytes are zero. */
void hex_assert_wiped(const void *data, size_t len);

#endif
