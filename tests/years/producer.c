/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Years of a producer: main() itself, with a source, a disk, a service and a
 * clock that fail by chance, in virtual time.
 *
 * producer SEED DAYS
 *	One line of JSON, or what failed and on which day; then 1.  With
 *	YEARS_SAY in the environment also what is logged, and when.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "message/keyfile.h"
#include "producer/online/refill.h"
#include "tests/bench/fleet/queue.h"
#include "tests/years/disk.h"
#include "tests/years/service.h"
#include "tests/years/sim.h"
#include "tests/years/told.h"
#include "tests/years/wrapped.h"

int producer_main(int argc, char *argv[]);
#define main producer_main
#include "producer/main.c"
#undef main

/* Between two looks at what has to hold; the latter while it may not. */
#define CHECK_MS    (60 * SIM_SECOND)
#define RECOVERS_MS (5 * SIM_SECOND)
/* From the end of a fault on: until the depth is right and no trouble is told
 * any more. */
#define RECOVERY_MS (15 * SIM_MINUTE)
/* A fault that lasts so long is told, if it is one that each look meets. */
#define TOLD_MS     (7 * SIM_MINUTE)
#define RESTART_MS  (60 * SIM_SECOND) /* RestartSec= */
#define WATCHDOG_MS (180 * SIM_SECOND)
#define WATCHDOG_US "180000000"
#define DEAD        65 /* RestartPreventExitStatus= */
#define FAULT_HOURS 12 /* between two, in the mean */
#define ACTIVE      3  /* at once */
/* Of docs/pi.md: a reservation of sequence numbers is four writes, and there is
 * one for SEQUENCE_BLOCK messages and one for a start that makes any; so much
 * for messages that are made and refused, and as much as that for new files. */
#define BUDGET_WRITES(seen)                                                    \
	(4 * ((seen).messages / SEQUENCE_BLOCK + 2 * (seen).working + 8))

enum fault {
	NO_ROUTE,
	NO_NAME,
	SILENT,
	REFUSED,
	BREAKS,
	THROTTLES,
	FAILS,
	DENIES,
	GONE,
	IN_PART,
	REVOKED,
	NO_KEYS,
	OLD_KEYS,
	ROTATED,
	SOURCE_ERROR,
	SOURCE_END,
	SOURCE_SILENT,
	SOURCE_SLOW,
	SOURCE_GLITCH,
	SOURCE_BAD,
	UNPLUGGED,
	DISK_FULL,
	DISK_READONLY,
	DISK_BROKEN,
	DISK_LOST,
	CLOCK_WRONG,
	SUSPENDED,
	POWER_CUT,
	RESTARTED,
	HUNG_UP,
	OTHER_OFF,
	STORM,
	STUCK,
	FAULTS
};

/* Each lasts so many minutes in the mean; 0: a moment.  loud: each look meets
 * it. */
static const struct kind {
	const char *name, *group;
	double minutes;
	bool loud;
} kinds[FAULTS] = {
    [NO_ROUTE] = {"no route", "network", 40, true},
    [NO_NAME] = {"no name", "network", 40, true},
    [SILENT] = {"silence", "network", 40, true},
    [REFUSED] = {"connection refused", "network", 20, true},
    [BREAKS] = {"connection breaks", "network", 20, true},
    [THROTTLES] = {"throttled", "service", 30, true},
    [FAILS] = {"500 to 504", "service", 30, true},
    [DENIES] = {"denied to send", "service", 60, false},
    [GONE] = {"queue deleted and made again", "service", 30, true},
    [IN_PART] = {"refused in part", "service", 60, false},
    [REVOKED] = {"keys refused", "credentials", 60, true},
    [NO_KEYS] = {"metadata silent", "credentials", 300, false},
    [OLD_KEYS] = {"keys expired", "credentials", 60, true},
    [ROTATED] = {"keys rotated", "credentials", 0, false},
    [SOURCE_ERROR] = {"read error", "device", 60, false},
    [SOURCE_END] = {"end of file", "device", 60, false},
    [SOURCE_SILENT] = {"silent", "device", 60, false},
    [SOURCE_SLOW] = {"slow, few bytes a read", "device", 60, false},
    [SOURCE_GLITCH] = {"one bad block", "device", 0, false},
    [SOURCE_BAD] = {"bad for good", "device", 60, false},
    [UNPLUGGED] = {"unplugged", "device", 60, false},
    [DISK_FULL] = {"ENOSPC", "disk", 120, false},
    [DISK_READONLY] = {"EROFS", "disk", 120, false},
    [DISK_BROKEN] = {"EIO", "disk", 120, false},
    [DISK_LOST] = {"sequence emptied", "disk", 0, false},
    [CLOCK_WRONG] = {"clock stepped away and back", "clock", 120, false},
    [SUSPENDED] = {"suspended", "clock", 0, false},
    [POWER_CUT] = {"power cut at a write", "machine", 0, false},
    [RESTARTED] = {"restarted", "machine", 0, false},
    [HUNG_UP] = {"SIGHUP", "machine", 0, false},
    [OTHER_OFF] = {"other producer off", "others", 600, false},
    [STORM] = {"storm of agents", "others", 3, false},
    [STUCK] = {"received, not deleted", "others", 60, false},
};

/* What there is now. */
static struct queue queue;
static const struct queue_settings late = {
    .counts = QUEUE_SUM, .drawn = true, .late_ms = 60000};
static struct refill_settings rule = {.interval = 60};
static struct refill_state other;
static struct {
	enum fault fault;
	int64_t from, until;
	unsigned told; /* troubles, when it began */
	bool alone;    /* no other one was there */
} active[ACTIVE];
static size_t active_n;
static int64_t end, next_fault, next_take, next_other, next_check;
static int64_t take_ms;   /* from one message to the next, in the mean */
static int64_t calm;      /* no fault since then; SIM_NEVER: there is one */
static int64_t sent_at;   /* the first send since then; SIM_NEVER: none */
static int64_t last_sign; /* of life, CLOCK_MONOTONIC */
static enum fault last;   /* of those that have ended */
static bool runs, works, recovering, glitch;
static bool empties, cuts; /* the sequence file; the power, at the next start */
static int manager = -1;
static ino_t device;

/* What was. */
static struct {
	unsigned n[FAULTS], starts, working; /* working: that sent */
	unsigned cut;                        /* power cuts that struck */
	int64_t longest[FAULTS];             /* recovery */
	uint64_t looks, sends, messages;
	size_t least; /* memory, this day */
	/* The same of a day, and that after a run; open files after a run. */
	struct sim_use day, ended, descriptors;
} seen;
/* Sequence numbers that came, from and to. */
static struct {
	uint64_t from, to;
} numbers[64];
static size_t numbers_n;

static bool has(enum fault fault)
{
	for (size_t i = 0; i < active_n; i++)
		if (active[i].fault == fault)
			return true;
	return false;
}

/* ---- the source */

static uint8_t next_byte(struct random *r)
{
	return (uint8_t)random_below(r, 256);
}

ssize_t __wrap_read(int fd, void *data, size_t n)
{
	static struct random chance = {1};
	struct stat st;

	if (fstat(fd, &st) != 0 || !S_ISFIFO(st.st_mode) || st.st_ino != device)
		return __real_read(fd, data, n);
	if (has(SOURCE_ERROR) || has(UNPLUGGED)) {
		errno = EIO;
		return -1;
	}
	if (has(SOURCE_END))
		return 0;
	if (has(SOURCE_SILENT) || (has(SOURCE_SLOW) && sim_draws(0.98))) {
		errno = EAGAIN;
		return -1;
	}
	if (has(SOURCE_SLOW) && n > 8)
		n = 8;
	for (size_t i = 0; i < n; i++)
		((uint8_t *)data)[i] = next_byte(&chance);
	if ((has(SOURCE_BAD) || glitch) && n > 64) {
		memset(data, 7, 64);
		glitch = false;
	}
	return (ssize_t)n;
}

/* ---- the service */

static void note_number(uint64_t n)
{
	if (numbers_n > 0 && numbers[numbers_n - 1].to + 1 == n) {
		numbers[numbers_n - 1].to = n;
		return;
	}
	for (size_t i = 0; i < numbers_n; i++)
		if (n >= numbers[i].from && n <= numbers[i].to)
			sim_fail("sequence number %" PRIu64 " comes twice", n);
	/* Numbers that are left out do not come later. */
	if (numbers_n > 0 && n > numbers[numbers_n - 1].to &&
	    n - numbers[numbers_n - 1].to < 4096) {
		numbers[numbers_n - 1].to = n;
		return;
	}
	if (numbers_n == sizeof numbers / sizeof numbers[0])
		sim_fail("sequence numbers begin anew too often");
	numbers[numbers_n].from = numbers[numbers_n].to = n;
	numbers_n++;
}

static int64_t take_numbers(const char *body)
{
	int64_t n = 0;

	for (; (body = strstr(body, ";seq=")) != NULL; n++) {
		body += strlen(";seq=");
		note_number(strtoull(body, NULL, 10));
	}
	return n;
}

void world_answer(const struct request *r, struct answer *a)
{
	int64_t n, visible, in_flight;

	if (strcmp(r->operation, "GetQueueAttributes") == 0) {
		seen.looks++;
		queue_tell(&queue, sim.now, &visible, &in_flight);
		text_say(&a->body,
		    "{\"Attributes\":{\"ApproximateNumberOfMessages\":"
		    "\"%" PRId64 "\",\"ApproximateNumberOfMessages"
		    "NotVisible\":\"%" PRId64 "\"}}",
		    visible, in_flight);
		return;
	}
	answer_sqs(r, a);
	if (strcmp(r->operation, "SendMessageBatch") != 0)
		return;
	n = take_numbers(r->body);
	seen.sends++;
	seen.working += works ? 0 : 1;
	works = true;
	if (n == 0)
		sim_fail("messages are not signed");
	if (service.sqs == SQS_IN_PART) {
		service_refuse_first(a);
		n--;
	}
	seen.messages += (uint64_t)n;
	if (sent_at == SIM_NEVER && calm != SIM_NEVER)
		sent_at = sim.now;
	while (n-- > 0)
		queue_add(&queue, sim.now);
}

/* ---- faults */

static void empty_queue(void)
{
	queue_free(&queue);
	queue_init(&queue, &late, random_new(sim.seed, 3 + seen.n[GONE]), 0);
}

static void forget_sequence(void)
{
	const struct timespec now = {.tv_sec = (sim_wall() + sim.off) / 1000};
	struct stat st;

	if (stat(sim_path("state/sequence"), &st) != 0)
		return;
	(void)!truncate(sim_path("state/sequence"), 0);
	(void)utimensat(AT_FDCWD, sim_path("state/sequence"),
	    (const struct timespec[2]){now, st.st_mtim}, 0);
}

static void unplug(bool out)
{
	struct stat st;

	if (out)
		(void)unlink(sim_path("device"));
	else if (mkfifo(sim_path("device"), 0600) != 0 ||
		 stat(sim_path("device"), &st) != 0)
		err(1, "mkfifo");
	else
		device = st.st_ino;
}

/* What the faults that there are make of the world. */
static void apply_faults(void)
{
	static const struct {
		enum fault fault;
		int is;
	} nets[] = {{NO_ROUTE, NET_NO_ROUTE}, {NO_NAME, NET_NO_NAME},
	    {SILENT, NET_SILENT}, {REFUSED, NET_REFUSED}, {BREAKS, NET_BREAKS}},
	  services[] = {{THROTTLES, SQS_THROTTLES}, {FAILS, SQS_FAILS},
	      {DENIES, SQS_DENIES}, {GONE, SQS_GONE}, {IN_PART, SQS_IN_PART},
	      {REVOKED, SQS_REVOKED}},
	  disks[] = {
	      {DISK_FULL, ENOSPC}, {DISK_READONLY, EROFS}, {DISK_BROKEN, EIO}};

	service.net = NET_UP;
	service.sqs = SQS_UP;
	disk.fails = 0;
	for (size_t i = 0; i < sizeof nets / sizeof nets[0]; i++)
		if (has(nets[i].fault))
			service.net = (enum service_net)nets[i].is;
	for (size_t i = 0; i < sizeof services / sizeof services[0]; i++)
		if (has(services[i].fault))
			service.sqs = (enum service_state)services[i].is;
	for (size_t i = 0; i < sizeof disks / sizeof disks[0]; i++)
		if (has(disks[i].fault))
			disk.fails = disks[i].is;
	service.keys = has(NO_KEYS)    ? KEYS_DOWN
		       : has(OLD_KEYS) ? KEYS_OLD
				       : KEYS_UP;
}

static void begin_fault(enum fault fault)
{
	seen.n[fault]++;
	if (fault == GONE)
		empty_queue();
	else if (fault == ROTATED)
		service.key++;
	else if (fault == SOURCE_GLITCH)
		glitch = true;
	else if (fault == UNPLUGGED)
		unplug(true);
	else if (fault == DISK_LOST)
		empties = true;
	else if (fault == CLOCK_WRONG)
		sim.off =
		    (int64_t)((sim_draws(0.5) ? 1 : -1) *
			      random_exponential(&sim.chance, 3 * SIM_HOUR));
	else if (fault == SUSPENDED)
		sim_suspend(
		    (int64_t)random_exponential(&sim.chance, 4 * SIM_HOUR));
	else if (fault == POWER_CUT)
		cuts = true;
	else if (fault == HUNG_UP)
		sim_look();
	/* The first message of a start reserves numbers. */
	if (fault == DISK_LOST || fault == POWER_CUT || fault == RESTARTED ||
	    (kinds[fault].group[0] == 'd' && sim_draws(0.5)))
		sim_stop();
}

static void end_fault(size_t i)
{
	const enum fault fault = active[i].fault;

	if (fault == CLOCK_WRONG)
		sim.off = 0;
	else if (fault == UNPLUGGED)
		unplug(false);
	else if (fault == STUCK)
		while (queue.in_flight > 0)
			for (int k = 0; k < QUEUE_SERVERS; k++)
				if (queue.at[k].in_flight > 0)
					queue_delete(&queue, sim.now, k);
	if (kinds[fault].loud && runs && active[i].alone &&
	    sim.now - active[i].from >= TOLD_MS &&
	    told.begun == active[i].told && told_trouble() == NULL)
		sim_fail("%s: %s for %" PRId64 " min was not told",
		    kinds[fault].group, kinds[fault].name,
		    (sim.now - active[i].from) / SIM_MINUTE);
	active[i] = active[--active_n];
	if (active_n > 0)
		return;
	last = fault;
	calm = sim.now;
	sent_at = SIM_NEVER;
	next_check = sim.now;
	recovering = true;
}

static void draw_fault(void)
{
	const enum fault fault = (enum fault)random_below(&sim.chance, FAULTS);
	const double ms = kinds[fault].minutes * (double)SIM_MINUTE;

	next_fault = sim.now + (int64_t)random_exponential(
				   &sim.chance, FAULT_HOURS * (double)SIM_HOUR);
	if (active_n == ACTIVE || has(fault) ||
	    (fault == OTHER_OFF && rule.producers == 1))
		return;
	active[active_n].fault = fault;
	active[active_n].from = sim.now;
	active[active_n].told = told.begun;
	for (size_t i = 0; i <= active_n; i++)
		active[i].alone = active_n == 0;
	active[active_n++].until =
	    sim.now + (int64_t)random_exponential(&sim.chance, ms);
	calm = SIM_NEVER;
	begin_fault(fault);
}

/* ---- those who share the queue */

/* Agents; most of them delete what they receive. */
static void take_message(void)
{
	const double ms = has(STORM)   ? 500
			  : has(STUCK) ? 2000
				       : (double)take_ms;
	bool again;
	const int server = queue_take(&queue, sim.now, &again);

	if (server >= 0 && !has(STUCK))
		queue_delete(&queue, sim.now, server);
	next_take = sim.now + 1 + (int64_t)random_exponential(&sim.chance, ms);
}

static void run_other(void)
{
	enum refill_turn turn = REFILL_NONE;
	int64_t visible, in_flight;
	long n = 0;

	queue_tell(&queue, sim.now, &visible, &in_flight);
	if (!has(OTHER_OFF) && !has(GONE))
		n = refill_look(&rule, &other, visible, in_flight, sim.now);
	for (long k = 0; k < n; k++)
		queue_add(&queue, sim.now);
	if (n > 0) {
		refill_note_sent(&other, sim.now, n);
		turn = REFILL_SENT;
	}
	next_other = sim.now + 200 +
		     refill_wait(&rule, &other, turn, random_unit(&sim.chance));
}

/* ---- what has to hold */

/* What the service manager hears. */
static void hear_manager(void)
{
	char text[2048];
	ssize_t len;

	while ((len = recv(manager, text, sizeof text - 1, MSG_DONTWAIT)) > 0) {
		text[len] = '\0';
		if (strstr(text, "WATCHDOG=1") != NULL ||
		    strstr(text, "READY=1") != NULL ||
		    strstr(text, "EXTEND_TIMEOUT") != NULL)
			last_sign = clock_read(CLOCK_MONOTONIC);
	}
	if (runs && clock_read(CLOCK_MONOTONIC) - last_sign > WATCHDOG_MS)
		sim_fail("no sign of life in %" PRId64 " s",
		    (clock_read(CLOCK_MONOTONIC) - last_sign) / 1000);
}

/* A trouble with making or sending goes on while nothing is missing. */
static bool is_right(void)
{
	const long slack = rule.depth / 4 > 25 ? rule.depth / 4 : 25;
	const bool told_long =
	    sent_at != SIM_NEVER && sim.now - sent_at > SIM_MINUTE;

	return runs && (told_trouble() == NULL || !told_long) &&
	       queue.visible >= rule.depth - slack &&
	       queue.visible <= rule.depth + slack;
}

static void check_calm(void)
{
	const int64_t ms = sim.now - calm;

	if (is_right() && recovering) {
		if (ms > seen.longest[last])
			seen.longest[last] = ms;
		recovering = false;
	}
	if (ms <= RECOVERY_MS || is_right())
		return;
	sim_fail("%" PRId64 " min after \"%s\": %" PRId64
		 " messages of %ld, %s, %s",
	    ms / SIM_MINUTE, kinds[last].name, queue.visible, rule.depth,
	    runs ? "running" : "not running",
	    told_trouble() != NULL ? told_trouble() : "no trouble");
}

static void note_day(void)
{
	sim_note(&seen.day, seen.least, sim.now < end / 3);
	seen.least = SIZE_MAX;
	sim.where = sim.now / SIM_DAY;
}

static void check_state(void)
{
	const size_t memory = sim_memory();

	next_check = sim.now + (recovering ? RECOVERS_MS : CHECK_MS);
	hear_manager();
	if (sim.now / SIM_DAY != sim.where)
		note_day();
	if (memory < seen.least)
		seen.least = memory;
	if (disk.off || sim.now >= end)
		sim_stop();
	if (calm != SIM_NEVER)
		check_calm();
}

static int64_t sooner(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

void world_event(void)
{
	if (sim.now >= next_fault)
		draw_fault();
	for (size_t i = active_n; i-- > 0;)
		if (sim.now >= active[i].until)
			end_fault(i);
	apply_faults();
	if (sim.now >= next_take)
		take_message();
	if (rule.producers > 1 && sim.now >= next_other)
		run_other();
	if (sim.now >= next_check)
		check_state();
	sim.event = sooner(next_fault, sooner(next_take, next_check));
	if (rule.producers > 1)
		sim.event = sooner(sim.event, next_other);
	for (size_t i = 0; i < active_n; i++)
		sim.event = sooner(sim.event, active[i].until);
}

void world_said(const char *line)
{
	told_line(line);
}

/* ---- the program, as its unit starts it */

static void write_settings(void)
{
	static const uint8_t secret[KEYS_LEN] = {1};
	struct err why = {0};
	FILE *f = fopen(sim.conf, "w");

	if (f == NULL ||
	    fprintf(f,
		"queue = \"" MESSAGE_QUEUE "\"\ndevice = \"%s\"\n"
		"signing-key = \"%s\"\ndepth = %ld\nproducers = %ld\n"
		"interval = %ld\n",
		sim_path("device"), sim_path("key"), rule.depth, rule.producers,
		rule.interval) < 0 ||
	    fclose(f) != 0 ||
	    keyfile_create(
		KEYFILE_SIGN_SECRET, sim_path("key"), secret, &why) != 0)
		err(1, "settings: %s", why.text);
}

static void open_manager(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	(void)snprintf(address.sun_path, sizeof address.sun_path, "%s",
	    sim_path("notify"));
	manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (manager < 0 || bind(manager, (struct sockaddr *)(void *)&address,
			       sizeof address) != 0)
		err(1, "notify");
}

static void start_world(char *argv[], uint64_t seed, int64_t days)
{
	rule.depth = seed % 2 == 0 ? 1000 : 100;
	rule.producers = seed % 3 == 0 ? 1 : 2;
	rule.interval = seed % 4 == 1 ? 60 : 300;
	take_ms = (2 + (int64_t)(seed % 5)) * SIM_MINUTE;
	sim_begin(argv, "day", seed);
	queue_init(&queue, &late, random_new(seed, 3), 0);
	unplug(false);
	write_settings();
	open_manager();
	end = days * SIM_DAY;
	seen.least = SIZE_MAX;
	next_fault = SIM_HOUR;
	last = RESTARTED;
	sent_at = SIM_NEVER;
	sim.event = 0;
}

static int run_once(void)
{
	const char *const argv[] = {
	    "sqs-entropy-producer", "-c", sim.conf, NULL};
	int code;

	(void)setenv("NOTIFY_SOCKET", sim_path("notify"), 1);
	(void)setenv("WATCHDOG_USEC", WATCHDOG_US, 1);
	told_start();
	last_sign = clock_read(CLOCK_MONOTONIC);
	works = false;
	runs = true;
	code = sim_run(producer_main, argv);
	hear_manager();
	runs = false;
	seen.starts++;
	return code;
}

/* Between two runs: what is done to the machine, and what was left open. */
static void rest(int code)
{
	const size_t memory = sim_memory(), n = sim_descriptors();

	if (disk.off) {
		seen.cut++;
		sim.booted = sim.now;
		sim.asleep = 0;
	}
	disk_power_on();
	if (empties)
		forget_sequence();
	if (cuts)
		disk_cut_at(
		    "sequence", 1 + (unsigned)random_below(&sim.chance, 6));
	empties = cuts = false;
	sim_note(&seen.descriptors, n, sim.now < end / 3);
	sim_note(&seen.ended, memory, sim.now < end / 3);
	do
		(void)__wrap_poll(
		    NULL, 0, (int)(code == 0 ? SIM_SECOND : RESTART_MS));
	while (code == DEAD && has(SOURCE_BAD));
}

static void judge_end(void)
{
	sim_judge(&seen.descriptors, "descriptors", 0);
	sim_judge(&seen.ended, "bytes after a run", SIM_SLACK);
	sim_judge(&seen.day, "bytes in a run", SIM_SLACK);
	if (disk.writes[DISK_STATE] > BUDGET_WRITES(seen))
		sim_fail("%" PRIu64 " writes to the card for %" PRIu64
			 " messages and %u starts",
		    disk.writes[DISK_STATE], seen.messages, seen.starts);
}

static void print_result(int64_t days)
{
	printf("{\"seed\": %" PRIu64 ", \"days\": %" PRId64
	       ", \"depth\": %ld, \"producers\": %ld, \"interval\": %ld"
	       ", \"faults\": {",
	    sim.seed, days, rule.depth, rule.producers, rule.interval);
	for (size_t i = 0; i < FAULTS; i++)
		printf("%s\"%s|%s\": [%u, %" PRId64 "]", i > 0 ? ", " : "",
		    kinds[i].group, kinds[i].name, seen.n[i], seen.longest[i]);
	printf(
	    "}, \"starts\": %u, \"working\": %u, \"cut\": %u, \"looks\": %" PRIu64
	    ", \"sends\": %" PRIu64 ", \"messages\": %" PRIu64
	    ", \"requests\": %" PRIu64 ", \"failed\": %" PRIu64,
	    seen.starts, seen.working, seen.cut, seen.looks, seen.sends,
	    seen.messages, service.requests, service.failed);
	printf(", \"card\": [%" PRIu64 ", %" PRIu64 ", %" PRIu64
	       "], \"run\": [%" PRIu64 ", %" PRIu64 "], \"log\": [%" PRIu64
	       ", %" PRIu64 "]",
	    disk.writes[DISK_STATE], disk.bytes[DISK_STATE], disk.syncs,
	    disk.writes[DISK_RUN], disk.bytes[DISK_RUN], told.lines,
	    told.bytes);
	printf(", \"memory\": [%zu, %zu], \"ended\": [%zu, %zu]"
	       ", \"descriptors\": [%zu, %zu]}\n",
	    seen.day.first, seen.day.last, seen.ended.first, seen.ended.last,
	    seen.descriptors.first, seen.descriptors.last);
}

int main(int argc, char *argv[])
{
	const int64_t days = argc == 3 ? strtoll(argv[2], NULL, 10) : 0;

	if (days < 2)
		errx(64, "SEED DAYS, two at least");
	start_world(argv, strtoull(argv[1], NULL, 10), days);
	while (sim.now < end)
		rest(run_once());
	judge_end();
	print_result(days);
	queue_free(&queue);
	sim_end();
	return 0;
}
