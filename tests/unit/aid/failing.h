/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_AID_FAILING_H
#define SQS_ENTROPY_AID_FAILING_H

#include <stdbool.h>

/*
 * Functions that fail when told to: those of the list in failing.c, when this
 * thread of the product calls them.  tests/rules.mk has the linker put
 * failing.c before each.
 */

/* What is tried; returns 0, or an error's code as the product does. */
typedef int failing_work(void *state);

/*
 * Do the work again and again: with no failure, when it must return 0, then
 * with the first of its calls failing, then with the second, and so on, until
 * it makes no more.  Each of these must return an error; or, if it may end well
 * all the same, 0, when the work itself must see that all is as it should be.
 * Returns how many calls failed.  It is 0 for a processor that failing.c has no
 * code for, which is printed.
 */
unsigned failing_each(failing_work *work, void *state, bool may_end_well);

/* Between hold(true) and hold(false), which are called in the work, no call
 * fails or counts: for what the test itself does. */
void failing_hold(bool hold);

/* In such a work: does it in a child, whose calls fail, and which has to end by
 * itself. */
int failing_in_child(failing_work *work, void *state);

/* The next call of that name fails, and no other. */
void failing_next(const char *name);

#endif
