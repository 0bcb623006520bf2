/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_PRODUCER_ONLINE_REFILL_H
#define SQS_ENTROPY_PRODUCER_ONLINE_REFILL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "producer/conf.h"

/*
 * The rule that keeps a queue topped up: look, send what it says, look again
 * after the wait that it says.  Each queue has a state of its own.  Pure: time
 * (CLOCK_MONOTONIC ms) and chance are passed in.
 *
 * SQS's counts are late: a message may be missing in them for
 * REFILL_SETTLE_MS.  So a producer remembers what it sent, and what the queue
 * may have contained just before.  Where N producers share a queue, none knows
 * what the others send, and all see the same gap: this one takes each of them
 * for as fast as itself.  They may have seen the gap earlier or, being idle, up
 * to REFILL_SETTLE_MS later.  With the notes of what was sent in the last
 * minute, or two where there are others,
 *
 *   own       = N x what was sent
 *   most      = what the queue was held to contain just before the oldest
 *               send, and the others' share of the gap that was seen then
 *   unsettled = N x what was sent in the last minute, and of what was sent
 *               before N - 1 times the part that others may have sent for the
 *               same gap within the last minute, if they see it evenly late
 *   late      = most + own - visible, at least 0 and at most unsettled
 *   held      = visible + late
 *
 * What was taken in that time looks the same as what is counted late, so held
 * may be too large by as much as was sent; it errs to that side.
 *
 * With a depth, a gap between it and held is closed in batches, with a look
 * after each.  A batch is the producer's share of the gap, rounded up, and at
 * most REFILL_BATCH.  Nothing is sent for a gap of less than REFILL_BATCH, or
 * than half of a small depth, unless the waits have grown to the interval.
 * tests/bench/fleet tells how well that does.  A producer that is started again
 * has forgotten what it sent.
 *
 * Without a depth the rule is that of the article that this program follows:
 * when less than the low watermark is held, a burst is sent.  Others are not
 * reckoned with.
 */

/* SQS counts a new message within a minute. */
#define REFILL_SETTLE_MS    60000L

#define REFILL_BATCH        10 /* messages of a call */

/* Seconds.  To begin with 1 s after each message that was missing would double
 * the looks at a queue of which little is taken, and serve no more boots. */
#define REFILL_CALM         8

/* Messages in flight beyond the depth, or bursts beyond the low watermark,
 * that show that consumers do not delete. */
#define REFILL_STUCK        100
#define REFILL_STUCK_BURSTS 10

/* Sends that began within REFILL_MERGE_MS are one note, which is as old as the
 * last of them; so there are never more notes than this. */
#define REFILL_MERGE_MS     1000
#define REFILL_NOTES        (2 * REFILL_SETTLE_MS / REFILL_MERGE_MS + 1)

struct refill_note {
	int64_t first, last; /* when the first and the last of its sends were */
	int64_t sent;        /* messages, over 0 */
	int64_t most;        /* may have been there before the first of them */
};

/* Zero: nothing was sent yet, and nothing is known of the queue. */
struct refill_state {
	int64_t visible;   /* at the last look: messages to be received, now or
			      later */
	int64_t in_flight; /* and those received by somebody, not deleted */
	int64_t held;      /* what the queue is held to contain since */
	int64_t most;      /* and with what the others may have sent */
	bool small;        /* the gap is less than a batch */
	int64_t wait;      /* the next one when nothing is missing, s; 0: 1 */
	bool idle;         /* the waits have grown to the interval */
	size_t oldest, n;  /* notes in use, oldest first, around the end */
	struct refill_note notes[REFILL_NOTES];
};

/* How a turn of a queue ended. */
enum refill_turn {
	REFILL_SENT,   /* something was sent */
	REFILL_NONE,   /* nothing was to be sent */
	REFILL_FAILED, /* the look, the source or the send failed */
};

/*
 * Note what a look at now shows, and return how many messages are to be sent,
 * which with a depth is at most REFILL_BATCH.  Messages in flight do not
 * count, because they are as good as used; but so many of them that consumers
 * evidently do not delete stop the refill.
 */
long refill_look(const struct refill_settings *settings,
    struct refill_state *state, int64_t visible, int64_t in_flight,
    int64_t now);

/* Note that so many messages, over 0, were sent at now, or may have been.
 * There may be several sends after one look. */
void refill_note_sent(struct refill_state *state, int64_t now, long sent);

/* True if messages in flight are why the last look said 0. */
bool refill_is_stuck(
    const struct refill_settings *settings, const struct refill_state *state);

/*
 * How long to wait before the next look, in ms, after a turn that ended so.
 * With a depth: 0 after a send; 1, 2, 4 ... s, at most the interval, when
 * nothing was to be sent, beginning anew after each send, and after one for a
 * gap of less than a batch with REFILL_CALM; the interval after a failure.
 * Without one: always the interval.  Up to ten per cent more by
 * chance in [0,1), so that producers do not move in step.
 */
int64_t refill_wait(const struct refill_settings *settings,
    struct refill_state *state, enum refill_turn turn, double chance);

#endif
