/* SPDX-License-Identifier: Apache-2.0 */

/*
 * How often a message gets from the queue into a machine's kernel.  Run by
 * tests/model/check for several queues, surroundings and mutations; explained
 * in docs/threat-model.md.
 *
 * Taken as true: signatures, freshness, that each message earns enough alone.
 * A crash is a process that ends, or a power cut, between any two steps of an
 * agent; the agent then starts anew.
 */

/* The queue:
 * REDELIVERS   a message may be handed out again after its delete
 * LYING_COUNT  a receive may be shown count 1 although it is not the first
 * STALE_OK     a delete with a handle that is not the newest is confirmed,
 *              whether it deletes or not; otherwise it is refused
 * GROUPED      a group of which a message is in flight is not handed out; every
 *              message is a group of its own
 * A visibility time-out may end at any time: that a standard queue may hand
 * out a message twice at once is the same as one that ends at once. */
#ifndef REDELIVERS
#define REDELIVERS false
#endif
#ifndef LYING_COUNT
#define LYING_COUNT false
#endif
#ifndef STALE_OK
#define STALE_OK false
#endif
#ifndef GROUPED
#define GROUPED false
#endif

/* The surroundings:
 * ONE_MACHINE  all agents run on one machine and share its store
 * ROGUE        a compromised online half hands over what it likes: any message
 *              it has seen, not deleted, as if received for the first time
 * ROLLBACK     a crash may bring back the store of an earlier snapshot
 * NAMESAKE     somebody copies what the queue has handed out into a queue of
 *              the same name in another region, from which agents receive too;
 *              it is signed for the one queue's ARN
 * TWINS        all messages have one payload */
#ifndef ROGUE
#define ROGUE false
#endif
#ifndef ROLLBACK
#define ROLLBACK false
#endif
#ifndef NAMESAKE
#define NAMESAKE false
#endif
#ifdef ONE_MACHINE
#define HOST(agent) 0
#else
#define HOST(agent) (agent)
#endif

#ifndef AGENTS
#define AGENTS 2
#endif
#ifndef MESSAGES
#define MESSAGES 1
#endif
#ifndef BATCH /* messages of a run at most, 1 or 2 */
#define BATCH 1
#endif
#ifdef TWINS
#define PAYLOAD(m) 0
#else
#define PAYLOAD(m) (m)
#endif
#ifndef RING /* digests in a store: MESSAGES or 1 */
#define RING MESSAGES
#endif

/* What is checked.  NEVER_CREDITED and NEVER_LOST must fail: what they deny can
 * be reached, so that the others say something. */
#define ONCE_A_MACHINE	  1 /* no payload is credited twice by one machine */
#define ONCE		  2 /* nor by two machines */
#define USED_ONCE	  3 /* nor mixed by two, with credit or without */
#define LOST_IS_LOST	  4 /* what a crash took after its delete is credited
			       by nobody */
#define LOST_HERE_IS_LOST 5 /* what it took after it was remembered is not
			       credited by this machine */
#define NEVER_CREDITED	  6
#define NEVER_LOST	  7
#define NEVER_BLOCKED	  8 /* a message that nobody holds can be received */

/* ---- what has happened: set for the property that is checked only ---- */

bool credited_here[AGENTS * MESSAGES];
bool credited[MESSAGES];
bool used[MESSAGES];
bool lost_here[AGENTS * MESSAGES];
bool lost[MESSAGES];

#define OF(host, m) ((host) * MESSAGES + PAYLOAD(m))

inline note_use(host, m)
{
	assert(!used[m]);
	used[m] = PROPERTY == USED_ONCE
}

inline note_credit(host, m)
{
	assert(PROPERTY != NEVER_CREDITED);
	assert(!credited_here[OF(host, m)]);
	credited_here[OF(host, m)] = PROPERTY == ONCE_A_MACHINE;
	assert(!credited[PAYLOAD(m)]);
	credited[PAYLOAD(m)] = PROPERTY == ONCE;
	assert(!lost[m]);
	assert(!lost_here[OF(host, m)])
}

inline note_loss(host, m, remembered)
{
	assert(PROPERTY != NEVER_LOST);
	lost[m] = PROPERTY == LOST_IS_LOST;
	lost_here[OF(host, m)] = lost_here[OF(host, m)] ||
		(remembered && PROPERTY == LOST_HERE_IS_LOST)
}

/* ---- the queue ---- */

bool gone[MESSAGES];	  /* deleted */
bool invisible[MESSAGES]; /* received, and the time-out has not ended */
bool given[MESSAGES];	  /* received once or more */
bool late[MESSAGES];	  /* a delete is under way that nobody waits for */

/* By agent and place in its batch. */
#define AT(agent, k) ((agent) * BATCH + (k))
byte held[AGENTS * BATCH];
bool newest[AGENTS * BATCH]; /* its handle is the message's newest */

/* One of MESSAGES has at most one other. */
#define OTHER(m) (MESSAGES - 1 - (m))
#ifdef MUTANT_ONE_GROUP
#define SAME_GROUP(m, other) true
#else
#define SAME_GROUP(m, other) ((m) == (other))
#endif

#define BLOCKED(m)                                                             \
	(GROUPED && SAME_GROUP(m, OTHER(m)) && invisible[OTHER(m)])
#define RECEIVABLE(m)                                                          \
	(!invisible[m] && !BLOCKED(m) && (!gone[m] || REDELIVERS))

mtype = { failed, unknown, confirmed }; /* what a delete came to */

inline hand_out(m, to, count)
{
	for (j : 0 .. AGENTS * BATCH - 1) {
		newest[j] = newest[j] && held[j] != m
	}
	j = 0;
	held[to] = m;
	newest[to] = true;
	late[m] = late[m] && STALE_OK;
	if
	:: count = 1 + given[m]
	:: LYING_COUNT && given[m] -> count = 1
	fi;
	given[m] = true;
	invisible[m] = true
}

/* The queue's answer, which need not arrive. */
inline execute_delete(m, with_newest, answer)
{
	if
	:: with_newest || STALE_OK -> gone[m] = true; answer = confirmed
	:: !with_newest && STALE_OK -> answer = confirmed
	:: !with_newest && !STALE_OK -> answer = failed
	fi
}

proctype visibility_time_out(byte m)
{
end:
	do
	:: atomic {
		invisible[m] ->
		invisible[m] = false;
		printf("message %d: its visibility time-out ends\n", m)
	}
	od
}

proctype late_delete(byte m)
{
end:
	do
	:: atomic {
		late[m] ->
		late[m] = false;
		gone[m] = true;
		printf("message %d: a late delete arrives\n", m)
	}
	od
}

/* ---- the store of digests, one a machine ---- */

/* Bits, one a payload.  What is written is in the cache; what is synced is on
 * the disk too, where it survives a power cut. */
byte cache[AGENTS];
byte disk[AGENTS];
bool locked[AGENTS];

#ifdef MUTANT_ENVELOPE
#define DIGEST(m) (m)
#else
#define DIGEST(m) PAYLOAD(m)
#endif
#define BIT(m)		    (1 << DIGEST(m))
#define REMEMBERED(host, m) ((cache[host] & BIT(m)) != 0)

inline remember(host, m)
{
	if
	:: RING < MESSAGES -> cache[host] = BIT(m)
	:: else -> cache[host] = cache[host] | BIT(m)
	fi
}

/* ---- an agent ---- */

#define MAY_CRASH                                                              \
	if                                                                     \
	:: true                                                                \
	:: true -> goto crashed                                                \
	fi

/* A mutation is one mistake; each must make a property fail. */
#if defined(MUTANT_INJECT_FIRST)
#define USABLE(k) ((k) < n)
#elif defined(MUTANT_USE_UNKNOWN)
#define USABLE(k) ((k) < n && outcome[k] != failed)
#else
#define USABLE(k) ((k) < n && outcome[k] == confirmed)
#endif

#ifdef MUTANT_NO_COUNT
#define FIRST_RECEIPT(k) true
#else
#define FIRST_RECEIPT(k) (count[k] == 1)
#endif

#ifdef MUTANT_NO_REGION
#define SIGNED_HERE(k) true
#else
#define SIGNED_HERE(k) (!copied[k])
#endif

#ifdef MUTANT_BLIND_BATCH
#define EARLIER_IN_RUN(k) false
#else
#define EARLIER_IN_RUN(k)                                                      \
	((k) == 1 && USABLE(0) &&                                              \
		DIGEST(held[AT(me, 0)]) == DIGEST(held[AT(me, k)]))
#endif

/* Between machines there is nothing to lock. */
#if defined(ONE_MACHINE) && !defined(MUTANT_NO_LOCK)
#define LOCKS true
#else
#define LOCKS false
#endif

/* It would have been credited, and nobody else can have it by right. */
#define TAKEN_BY_CRASH(k)                                                      \
	(USABLE(k) && !injected && (earns[k] || (FIRST_RECEIPT(k) &&           \
		!REMEMBERED(HOST(me), held[AT(me, k)]))))

inline receive()
{
	if
	:: RECEIVABLE(0) -> m = 0
	:: RECEIVABLE(MESSAGES - 1) -> m = MESSAGES - 1
	fi;
	if
	:: gone[m] ->
		printf("message %d comes again, although it was deleted\n", m)
	:: else
	fi;
	hand_out(m, AT(me, n), count[n]);
	assert(PROPERTY != NEVER_BLOCKED || invisible[OTHER(m)] ||
		gone[OTHER(m)] || RECEIVABLE(OTHER(m)));
	outcome[n] = failed;
	printf("machine %d receives message %d, count %d\n", HOST(me), m,
	    count[n]);
	n++;
	m = 0
}

/* What a rogue online half has learnt once, it needs no queue for. */
inline invent()
{
	if
	:: given[0] -> m = 0
	:: given[MESSAGES - 1] -> m = MESSAGES - 1
	fi;
	held[AT(me, n)] = m;
	count[n] = 1;
	outcome[n] = confirmed;
	printf("machine %d: its rogue online half invents message %d\n",
	    HOST(me), m);
	n++;
	m = 0
}

/* Whether the copy is deleted there is not the question. */
inline receive_copy()
{
	held[AT(me, n)] = 0;
	count[n] = 1;
	outcome[n] = confirmed;
	copied[n] = true;
	printf("machine %d receives a copy of message 0 from the namesake\n",
	    HOST(me));
	n++
}

/* The request, or its answer, may be lost or late. */
inline request_delete(k)
{
	if
	:: execute_delete(held[AT(me, k)], newest[AT(me, k)], outcome[k]);
		if
		:: true
		:: true -> outcome[k] = unknown
		fi
	:: true -> outcome[k] = failed
	:: true -> outcome[k] = unknown
	:: newest[AT(me, k)] || STALE_OK ->
		late[held[AT(me, k)]] = true;
		outcome[k] = unknown
	fi;
	printf("machine %d deletes message %d: %e\n", HOST(me),
	    held[AT(me, k)], outcome[k])
}

/* A request whose answer did not come may be sent again. */
inline delete_all()
{
	for (k : 0 .. BATCH - 1) {
		do
		:: atomic {
			k < n && outcome[k] != confirmed ->
			request_delete(k);
			MAY_CRASH
		}
		:: outcome[k] != unknown && k < n -> break
		:: k >= n || outcome[k] == unknown -> break
		od
	}
	k = 0
}

inline judge_all()
{
	for (k : 0 .. BATCH - 1) {
		earns[k] = USABLE(k) && SIGNED_HERE(k) && FIRST_RECEIPT(k) &&
			!EARLIER_IN_RUN(k) &&
			!REMEMBERED(HOST(me), held[AT(me, k)])
	}
	k = 0
}

/* All that is used, credited or not; what is there is not moved up. */
inline remember_all()
{
	for (k : 0 .. BATCH - 1) {
		if
		:: USABLE(k) && !REMEMBERED(HOST(me), held[AT(me, k)]) ->
			remember(HOST(me), held[AT(me, k)]);
			printf("machine %d remembers message %d\n", HOST(me),
			    held[AT(me, k)])
		:: else
		fi
	}
	k = 0
}

inline sync()
{
	printf("machine %d has its store on the disk\n", HOST(me));
	disk[HOST(me)] = cache[HOST(me)];
	synced = PROPERTY == LOST_HERE_IS_LOST
}

inline inject_all()
{
	for (k : 0 .. BATCH - 1) {
		if
		:: USABLE(k) ->
			m = held[AT(me, k)];
			printf("machine %d injects message %d, credit %d\n",
			    HOST(me), m, 256 * earns[k]);
			note_use(HOST(me), m);
			if
			:: earns[k] -> note_credit(HOST(me), m)
			:: else
			fi
		:: else
		fi
	}
	injected = true;
	k = 0;
	m = 0
}

/* A power cut ends all agents of a machine: it is left out while another one
 * stands between its write and its sync. */
inline crash()
{
	for (k : 0 .. BATCH - 1) {
		if
		:: TAKEN_BY_CRASH(k) ->
			m = held[AT(me, k)];
			note_loss(HOST(me), m, synced)
		:: else
		fi
	}
	k = 0;
	m = 0;
	if
	:: printf("machine %d: its agent crashes\n", HOST(me))
	:: !locked[HOST(me)] || has_lock ->
		cache[HOST(me)] = disk[HOST(me)];
		printf("machine %d: power cut\n", HOST(me))
	:: ROLLBACK ->
		cache[HOST(me)] = 0;
		disk[HOST(me)] = 0;
		printf("machine %d: rolled back to a snapshot\n", HOST(me))
	fi
}

/* What only this run knew; a lock ends with its process. */
inline forget_run()
{
	for (k : 0 .. BATCH - 1) {
		held[AT(me, k)] = 0;
		newest[AT(me, k)] = false;
		count[k] = 0;
		outcome[k] = failed;
		earns[k] = false;
		copied[k] = false
	}
	k = 0;
	n = 0;
	synced = false;
	injected = false;
	locked[HOST(me)] = locked[HOST(me)] && !has_lock;
	has_lock = false
}

inline take_lock()
{
	!locked[HOST(me)] ->
	locked[HOST(me)] = LOCKS;
	has_lock = LOCKS
}

inline use_all()
{
	atomic { take_lock(); judge_all(); MAY_CRASH };
#if !defined(MUTANT_NO_STORE) && !defined(MUTANT_STORE_LATE)
	atomic { remember_all(); MAY_CRASH };
#ifndef MUTANT_NO_SYNC
	atomic { sync(); MAY_CRASH };
#endif
#endif
	atomic { inject_all(); MAY_CRASH };
#ifdef MUTANT_STORE_LATE
	atomic { remember_all(); MAY_CRASH };
	atomic { sync(); MAY_CRASH };
#endif
}

proctype agent(byte me)
{
	byte n; /* messages of this run */
	byte count[BATCH];
	mtype outcome[BATCH] = failed;
	bool earns[BATCH];
	bool copied[BATCH];
	bool synced, injected, has_lock;
	byte j, k, m;

end:
	do
	:: atomic { n < BATCH && (RECEIVABLE(0) || RECEIVABLE(MESSAGES - 1)) ->
		receive();
		MAY_CRASH
	}
	:: atomic { ROGUE && n < BATCH && (given[0] || given[MESSAGES - 1]) ->
		invent();
		MAY_CRASH
	}
	:: atomic { NAMESAKE && n < BATCH && given[0] ->
		receive_copy();
		MAY_CRASH
	}
	:: n > 0 -> break
	od;
#ifdef MUTANT_INJECT_FIRST
	use_all();
	delete_all();
#else
	delete_all();
	use_all();
#endif
	atomic { forget_run(); goto end };
crashed:
	atomic { crash(); forget_run(); goto end }
}

init
{
	byte k;

	atomic {
		for (k : 0 .. AGENTS - 1) {
			run agent(k)
		}
		for (k : 0 .. MESSAGES - 1) {
			run visibility_time_out(k);
			run late_delete(k)
		}
	}
}
