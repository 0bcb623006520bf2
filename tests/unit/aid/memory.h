/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_AID_MEMORY_H
#define SQS_ENTROPY_AID_MEMORY_H

#include <stddef.h>
#include <sys/types.h>

/*
 * How often these bytes stand in what a process can write to: its heap, its
 * stacks with what was left there, its static data.  pid may be this process,
 * where the place that bytes itself names does not count.  The other one should
 * be waiting.  A secret that has to be wiped is looked for before that, too, so
 * that the test cannot pass because it looks for something else.
 *
 * Not under valgrind, whose own memory is in the same process.
 */
unsigned memory_count(pid_t pid, const void *bytes, size_t len);

#endif
