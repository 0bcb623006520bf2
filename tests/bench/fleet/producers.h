/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_TESTS_BENCH_FLEET_PRODUCERS_H
#define SQS_ENTROPY_TESTS_BENCH_FLEET_PRODUCERS_H

#include "tests/bench/fleet/world.h"

/* The online halves of producers: producer/online/tend.c in virtual time, with
 * the product's own rule. */
void producers_begin(struct world *w);
void producers_event(struct world *w, const struct event *e);
void producers_free(struct world *w);

#endif
