/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The agent with a compromised online half: the real offline half, opened and
 * confined as always, gets whatever records this program sends.
 *
 *	online MODE [AGENT'S OPTIONS]
 *
 * Records come on standard input: 32-bit length, then the whole datagram, its
 * type included, in this machine's byte order.  Modes:
 *	send      send them and end
 *	stay      send them and never end
 *	flood     send them over and over
 *	silent    send nothing, never end
 *	close     close the pair and never end
 *	mutate    SEQUENCES of mutants of them, to one offline half each, all in
 *	          this process; the environment has SEQUENCES and SEED.  None of
 *	          them has the signed parts of a record that came.
 * What was used and credited is told on standard output.  The exit code is the
 * agent's; with "mutate" 0 unless a half failed.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "agent/conf.h"
#include "agent/halves.h"
#include "agent/offline/offline.h"
#include "agent/record.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/record.h"
#include "confine/confine.h"
#include "confine/split.h"

#define DATAGRAM_MAX  32768 /* beyond what a record may have */
#define RECORDS_MAX   32
#define SEQUENCES_MAX 500
#define SEQUENCE_MS   5000
#define MUTATIONS_MAX 6

struct datagram {
	uint32_t len;
	uint8_t data[DATAGRAM_MAX];
};

static struct datagram records[RECORDS_MAX];
static size_t records_n;
static const char *mode;

static void die(const char *what)
{
	perror(what);
	_exit(70);
}

static void read_records(void)
{
	struct datagram *d = records;

	while (records_n < RECORDS_MAX &&
	       fread(&d->len, sizeof d->len, 1, stdin) == 1) {
		if (d->len > sizeof d->data ||
		    fread(d->data, 1, d->len, stdin) != d->len)
			die("records");
		records_n++;
		d++;
	}
}

/* False when nobody listens any more. */
static bool put(int fd, const struct datagram *d)
{
	return send(fd, d->data, d->len, MSG_NOSIGNAL) >= 0;
}

static void stay(void)
{
	const struct timespec long_time = {.tv_sec = 3600};

	for (;;)
		(void)nanosleep(&long_time, NULL);
}

static int compromised(int fd, const struct conf *conf, int64_t deadline)
{
	static const char *const readable[] = {NULL};
	struct err err = {0};

	(void)conf;
	read_records();
	if (agent_confine_online(readable, deadline, &err) != 0) {
		log_error("%s", err.text);
		return ERR_INTERNAL;
	}
	if (strcmp(mode, "close") == 0)
		(void)close(fd);
	if (strcmp(mode, "close") == 0 || strcmp(mode, "silent") == 0)
		stay();
	do
		for (size_t i = 0; i < records_n; i++)
			(void)put(fd, &records[i]);
	while (strcmp(mode, "flood") == 0);
	if (strcmp(mode, "stay") == 0)
		stay();
	return 0;
}

/* ---- mutants */

static uint64_t state;

/* xorshift64* */
static uint32_t chance(uint32_t below)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return (uint32_t)((state * UINT64_C(0x2545f4914f6cdd1d)) >> 32) % below;
}

static uint32_t odd_number(void)
{
	static const uint32_t numbers[] = {0, 1, 31, 32, 63, 64, 65, 255, 256,
	    257, 16383, 16384, 16385, 20480, 20481, 0x7fffffff, 0x80000000,
	    0xffffff00, 0xffffffff};
	const uint32_t n = sizeof numbers / sizeof numbers[0];
	const uint32_t i = chance(n + 2);

	return i < n ? numbers[i] : chance(UINT32_MAX);
}

static void mutate_once(struct datagram *d)
{
	const struct datagram *other = &records[chance((uint32_t)records_n)];
	const uint32_t number = odd_number();
	/* Most of what is looked at stands in the first words. */
	const uint32_t near = d->len < 64 || chance(2) == 0 ? d->len : 64;

	switch (chance(6)) {
	case 0:
		if (near >= 4)
			memcpy(d->data + chance(near / 4) * 4, &number, 4);
		break;
	case 1:
		if (near > 0)
			d->data[chance(near)] ^= (uint8_t)(1 << chance(8));
		break;
	case 2:
		d->len = chance(d->len + 1);
		break;
	case 3:
		d->len += chance(64);
		break;
	case 4:
		d->len = chance(DATAGRAM_MAX - 64);
		break;
	default:
		memcpy(d->data, other->data, chance(other->len + 1));
	}
	if (d->len > DATAGRAM_MAX)
		d->len = DATAGRAM_MAX;
}

static bool is_message(const struct datagram *d)
{
	uint32_t type;

	memcpy(&type, d->data, sizeof type);
	return d->len > 4 && type == RECORD_MESSAGE;
}

/* Whether what a signature covers, and it, are those of a record that came:
 * what stands behind a field's end, or says when it was sent, may differ. */
static bool same_message(const struct datagram *a, const struct datagram *b)
{
	const size_t head = 4 + offsetof(struct message, payload);
	static struct message x, y;

	if (!is_message(a) || !is_message(b) || a->len != b->len ||
	    a->len < head || a->len > 4 + sizeof x)
		return false;
	memcpy(&x, a->data + 4, a->len - 4);
	memcpy(&y, b->data + 4, b->len - 4);
	return x.entropy_len == y.entropy_len &&
	       x.payload_len == y.payload_len &&
	       memcmp(x.signature, y.signature, sizeof x.signature) == 0 &&
	       y.entropy_len <= sizeof y.entropy &&
	       memcmp(x.entropy, y.entropy, y.entropy_len) == 0 &&
	       memcmp(a->data + head, b->data + head, a->len - head) == 0;
}

static void make_mutant(struct datagram *d)
{
	const uint32_t n = chance(MUTATIONS_MAX + 1);
	const uint32_t type = chance(8) == 0 ? odd_number() : chance(7);

	memset(d, 0, sizeof *d);
	*d = records[chance((uint32_t)records_n)];
	if (chance(8) == 0)
		for (uint32_t i = 4; i < d->len; i++)
			d->data[i] = (uint8_t)chance(256);
	for (uint32_t i = 0; i < n; i++)
		mutate_once(d);
	if (chance(4) == 0)
		memcpy(d->data, &type, sizeof type);
	for (size_t i = 0; i < records_n; i++)
		if (same_message(d, &records[i]))
			d->data[d->len - 1] ^= 1;
}

static void attack(int fd)
{
	const uint32_t n = 1 + chance(14);
	static struct datagram d;

	for (uint32_t i = 0; i < n; i++) {
		make_mutant(&d);
		if (!put(fd, &d))
			break;
	}
	(void)shutdown(fd, SHUT_WR);
}

static int attack_all(const int *fds, size_t n)
{
	static const char *const readable[] = {NULL};
	const struct clock clock = clock_system(NULL);
	const int64_t end = clock_mono(&clock) + (int64_t)n * SEQUENCE_MS;
	struct err err = {0};

	read_records();
	if (agent_confine_online(readable, end, &err) != 0) {
		log_error("%s", err.text);
		return 70;
	}
	for (size_t i = 0; i < n; i++)
		attack(fds[i]);
	return 0;
}

static void make_pairs(size_t n, int ours[], int theirs[])
{
	int pair[2];

	for (size_t i = 0; i < n; i++) {
		if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) != 0)
			die("socketpair");
		ours[i] = pair[0];
		theirs[i] = pair[1];
	}
}

static int number_of(const char *name, int most)
{
	const char *text = getenv(name);
	const int n = text != NULL ? atoi(text) : 1;

	return n < 1 ? 1 : n > most ? most : n;
}

/* Whatever one sequence makes of it, the next one is served. */
static void serve_all(struct agent_offline *o, const int fds[], size_t n)
{
	const struct clock clock = clock_system(NULL);
	unsigned long used = 0, credited = 0;

	for (size_t i = 0; i < n; i++) {
		struct err err = {0};

		buf_reset(o->identity);
		if (agent_offline_run(
			o, fds[i], clock_mono(&clock) + SEQUENCE_MS, &err) != 0)
			log_debug("sequence %zu was not usable", i);
		used += o->used;
		credited += o->credit != 0;
		(void)close(fds[i]);
	}
	(void)printf(
	    "sequences %zu used %lu credited %lu\n", n, used, credited);
	(void)fflush(stdout);
}

/* As agent_halves_run(), but for the many pairs. */
static int mutate(struct agent_offline *o, struct err *err)
{
	static int ours[SEQUENCES_MAX], theirs[SEQUENCES_MAX];
	const size_t n = (size_t)number_of("SEQUENCES", SEQUENCES_MAX);
	const struct clock clock = clock_system(NULL);
	struct split_child child;
	int rc, status;

	state =
	    UINT64_C(0x9e3779b97f4a7c15) * (uint64_t)number_of("SEED", INT_MAX);
	make_pairs(n, ours, theirs);
	if (split_fork(&child) != 0)
		die("split_fork");
	for (size_t i = 0; i < n; i++)
		(void)close(child.pid == 0 ? ours[i] : theirs[i]);
	if (child.pid == 0) {
		agent_offline_close(o);
		_exit(attack_all(theirs, n));
	}
	agent_offline_recall(o);
	rc = agent_confine_offline(o->conf, err);
	if (rc == 0)
		serve_all(o, ours, n);
	status = split_reap(&child, clock_mono(&clock) + SEQUENCE_MS);
	return rc != 0 ? err_exit(rc) : status >> 8 | (status & 0xff);
}

static int run_one(struct agent_offline *o, int64_t deadline, struct err *err)
{
	const int rc = agent_halves_run(o, compromised, deadline, err);

	(void)printf("used %u bits %u\n", o->used, o->credit);
	return err_exit(rc);
}

static int run(const struct conf *conf, struct err *err)
{
	const struct clock clock = clock_system(NULL);
	const int64_t deadline = clock_mono(&clock) + conf->timeout * 1000;
	struct agent_offline offline;
	int rc;

	(void)signal(SIGPIPE, SIG_IGN);
	if (confine_no_core() != 0)
		return 70;
	rc = agent_offline_open(&offline, conf, deadline, err);
	if (rc != 0)
		return err_exit(rc);
	if (strcmp(mode, "mutate") == 0)
		rc = mutate(&offline, err);
	else
		rc = run_one(&offline, deadline, err);
	agent_offline_close(&offline);
	return rc;
}

int main(int argc, char *argv[])
{
	struct conf conf;
	struct err err = {0};
	int rc;

	if (argc < 2)
		return 64;
	mode = argv[1];
	log_open("online", LOG_LEVEL_NOTICE);
	rc = program_load(&conf_program, &conf, argc - 1, argv + 1, &err);
	log_open("online", conf.common.log_level);
	rc = rc == 0 ? run(&conf, &err) : err_exit(rc);
	if (err.code != 0 && !err.told)
		log_error("%s", err.text);
	return rc;
}
