/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_BASE_SANITIZED_H
#define SQS_ENTROPY_BASE_SANITIZED_H

/* 1 in a build with AddressSanitizer or MemorySanitizer: their shadow memory is
 * terabytes, they report to descriptor 2, and look for leaks in exit(3). */
#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(memory_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

#endif
