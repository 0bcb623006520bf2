/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_TESTS_BENCH_FLEET_AGENTS_H
#define SQS_ENTROPY_TESTS_BENCH_FLEET_AGENTS_H

#include "tests/bench/fleet/world.h"

/* Machines that boot and take a message each: agent/online/ in virtual time. */
void agents_begin(struct world *w);
void agents_event(struct world *w, const struct event *e);

/* Hand what is visible to those that wait for it. */
void agents_serve(struct world *w, size_t queue);

#endif
