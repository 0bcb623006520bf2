/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Boots of one machine, each with runs of the agent: main() itself, with a
 * queue, a disk, a network and a clock that fail by chance, in virtual time.
 *
 * agent SEED BOOTS
 *	One line of JSON, or what failed and at which boot; then 1.  With
 *	YEARS_SAY in the environment also what is logged, and each exit code.
 */
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/offline/credit.h"
#include "agent/offline/replay.h"
#include "base/file.h"
#include "message/claim.h"
#include "message/keyfile.h"
#include "message/sign.h"
#include "tests/years/disk.h"
#include "tests/years/service.h"
#include "tests/years/sim.h"
#include "tests/years/wrapped.h"

int agent_main(int argc, char *argv[]);
#define main agent_main
#include "agent/main.c"
#undef main

#define PAYLOAD   512
#define LIVE      24 /* messages in the queue */
#define EACH      4  /* new messages of a run, at most */
#define RUNS      3  /* of a boot, at most */
#define TIMEOUT_S 10
#define LATE_MS   3000  /* that a run may take longer */
#define HIDDEN_MS 30000 /* the visibility time-out */
#define SEEDED_S  600   /* --unless-seeded */
#define SEEN_MAX  (3 * (REPLAY_MAX * REPLAY_KEPT_LEN + 4096))
#define SHORT     16
#define CODES     80

enum sort {
	GOOD,
	WEAK, /* claims less than what is credited */
	PLAIN,
	FORGED,
	UNKNOWN,
	STALE,
	FUTURE,
	REPLAYED, /* a good one that was sent before */
	COPIED,   /* its payload alone */
	ELSEWHERE,
	DAMAGED,
	TOO_SHORT,
	RECEIVED,
	SORTS
};
static const char *const sorts[SORTS] = {"good", "of few bits", "unsigned",
    "forged", "of an unknown key", "stale", "of the future", "replayed",
    "copied without signature", "of another queue", "damaged", "too short",
    "received before"};

enum fault {
	NONE,
	NO_ROUTE,
	NO_NAME,
	SILENT,
	REFUSED,
	BREAKS,
	THROTTLES,
	FAILS,
	DENIES,
	IN_PART,
	KEYS_ARE_LATE,
	KEYS_EXPIRED,
	METADATA_SILENT,
	NO_CLOCK,
	FULL,
	READONLY,
	BROKEN,
	POWER_CUT,
	ROLLED_BACK,
	REMOVED,
	FAULTS
};
static const char *const faults[FAULTS] = {"none", "no route", "no name",
    "silence", "connection refused", "connection breaks", "throttled",
    "500 to 504", "denied to delete", "deleted in part", "role late",
    "keys expired", "metadata silent", "clock not set", "ENOSPC", "EROFS",
    "EIO", "power cut at a write", "old state restored", "state removed"};

/* What this machine has done with a payload, as far as that is known: its
 * memory of some is lost, or may be. */
enum use { FRESH, USED, FORGOTTEN };

struct sent {
	struct message m;
	enum sort sort;
	uint32_t serial; /* of the payload */
	int64_t hidden;  /* until then */
	bool deleted, handed, first;
};

static struct sent live[LIVE];
static size_t live_n;
static struct message before; /* a good one, to be sent once more */
static uint32_t serials;      /* payloads so far */
static struct {
	uint8_t use;
	uint32_t boot;
} * payloads; /* by serial */
static struct keys_signer *trusted, *stranger;
static enum fault fault;
static int64_t seeded; /* when the kernel was */
static int64_t failed; /* when a run found nothing, or nobody */
static bool receives;  /* the service gave this run a message */
static unsigned injections, credit;
static uint32_t saved_at; /* boot, of the state that may be restored */
static struct {
	unsigned runs, n[FAULTS], sorts[SORTS], codes[CODES], credited, nothing,
	    lines;
	uint64_t again; /* credited again, because the state was lost */
	int64_t longest;
	struct sim_use memory, descriptors;
} seen;

/* ---- messages */

static void make_claim(struct sent *s, int64_t time, const uint8_t *public_key)
{
	struct claim claim = {.seq = serials + 1,
	    .time = time,
	    .bits = s->sort == WEAK ? 100 : PAYLOAD};

	if (keyfile_id(public_key, claim.key) != 0)
		err(1, "keyfile_id");
	claim_format(&claim, s->m.entropy);
	s->m.entropy_len = (uint32_t)strlen(s->m.entropy);
}

static void sign(struct sent *s)
{
	const int64_t now = sim_wall();
	const int64_t time = s->sort == STALE    ? now - 2 * CREDIT_FRESH_MS
			     : s->sort == FUTURE ? now + 2 * CREDIT_FRESH_MS
						 : now - 1000;
	const struct keys_signer *by = s->sort == UNKNOWN ? stranger : trusted;
	uint8_t key[KEYS_LEN];

	if (keys_signer_public(by, key) != 0)
		err(1, "key");
	make_claim(s, time, key);
	if (message_sign(&s->m,
		s->sort == ELSEWHERE ? MESSAGE_ARN "2" : MESSAGE_ARN, by) != 0)
		err(1, "message_sign");
	if (s->sort == FORGED)
		s->m.signature[0] ^= 1;
}

static void make_payload(struct sent *s)
{
	s->serial = ++serials;
	s->m.payload_len = s->sort == TOO_SHORT ? SHORT : PAYLOAD;
	for (size_t i = 0; i < s->m.payload_len; i++)
		s->m.payload[i] = (uint8_t)random_below(&sim.chance, 256);
	memcpy(s->m.payload, &s->serial, sizeof s->serial);
}

/* Somebody sends one now. */
static void send_message(enum sort sort)
{
	struct sent *s = &live[live_n++];

	memset(s, 0, sizeof *s);
	s->sort = sort;
	if ((sort == REPLAYED || sort == COPIED) && before.payload_len > 0) {
		s->m = before;
		memcpy(&s->serial, s->m.payload, sizeof s->serial);
		if (sort == COPIED)
			s->m.entropy_len = s->m.signature_len = 0;
	} else {
		make_payload(s);
		if (sort != PLAIN && sort != COPIED)
			sign(s);
	}
	s->m.sent = sim_wall();
	s->m.receive_count = sort == RECEIVED ? 1 : 0;
	if (sort == GOOD)
		before = s->m;
	seen.sorts[sort]++;
}

static void fill_queue(void)
{
	const int64_t n = random_below(&sim.chance, EACH + 1);
	size_t kept = 0;

	/* The oldest give way. */
	for (size_t i = 0; i < live_n; i++)
		if (!live[i].deleted && (live_n < LIVE / 2 || i > live_n / 2))
			live[kept++] = live[i];
	live_n = kept;
	for (int64_t i = 0; i < n; i++)
		send_message(sim_draws(0.5)
				 ? GOOD
				 : (enum sort)random_below(&sim.chance, SORTS));
}

static bool is_visible(const struct sent *s)
{
	return !s->deleted && sim.now >= s->hidden;
}

static void note_queue(void)
{
	service.empty = true;
	for (size_t i = 0; i < live_n; i++)
		service.empty = service.empty && !is_visible(&live[i]);
}

/* ---- the service */

static void put_attributes(struct answer *a, const struct message *m)
{
	static struct text digested;
	char md5[MESSAGE_MD5_HEX];
	char base64[BASE64_LEN(MESSAGE_SIGNATURE_LEN) + 1];

	if (m->entropy_len == 0)
		return;
	digested.len = 0;
	message_digest_attribute(
	    &digested, "Entropy", "String", m->entropy, m->entropy_len);
	message_digest_attribute(&digested, "Signature", "Binary", m->signature,
	    MESSAGE_SIGNATURE_LEN);
	message_md5(md5, digested.at, digested.len);
	base64_encode(base64, m->signature, MESSAGE_SIGNATURE_LEN);
	text_say(&a->body,
	    ",\"MD5OfMessageAttributes\":\"%s\",\"MessageAttributes\":{"
	    "\"Entropy\":{\"StringValue\":\"%s\",\"DataType\":\"String\"},"
	    "\"Signature\":{\"BinaryValue\":\"%s\",\"DataType\":\"Binary\"}}",
	    md5, m->entropy, base64);
}

static void put_message(struct answer *a, size_t i)
{
	static char body[MESSAGE_BODY_MAX + 1];
	struct sent *s = &live[i];
	char md5[MESSAGE_MD5_HEX];

	s->m.receive_count++;
	s->first = s->m.receive_count == 1;
	s->hidden = sim.now + HIDDEN_MS;
	base64_encode(body, s->m.payload, s->m.payload_len);
	message_md5(md5, body, strlen(body));
	if (s->sort == DAMAGED)
		md5[0] = md5[0] == '0' ? '1' : '0';
	text_say(&a->body,
	    "{\"MessageId\":\"m%zu\",\"ReceiptHandle\":\"h%zu\","
	    "\"MD5OfBody\":\"%s\",\"Body\":\"%s\",\"Attributes\":{"
	    "\"SentTimestamp\":\"%" PRId64 "\","
	    "\"ApproximateReceiveCount\":\"%" PRIu32 "\"}",
	    i, i, md5, body, s->m.sent, s->m.receive_count);
	put_attributes(a, &s->m);
	text_say(&a->body, "}");
}

static int64_t read_member(const char *body, const char *name)
{
	const char *at = strstr(body, name);

	return at != NULL ? strtoll(at + strlen(name), NULL, 10) : 0;
}

static void receive(const struct request *r, struct answer *a)
{
	int64_t most = read_member(r->body, "\"MaxNumberOfMessages\":"), n = 0;

	text_say(&a->body, "{\"Messages\":[");
	for (size_t i = 0; i < live_n && n < most; i++) {
		if (!is_visible(&live[i]))
			continue;
		if (n++ > 0)
			text_say(&a->body, ",");
		put_message(a, i);
	}
	text_say(&a->body, "]}");
	receives = receives || n > 0;
	note_queue();
}

void world_answer(const struct request *r, struct answer *a)
{
	static const char key[] = "\"ReceiptHandle\":\"h";
	const char *at = r->body;
	bool refused = service.sqs == SQS_IN_PART;

	if (strcmp(r->operation, "ReceiveMessage") == 0) {
		receive(r, a);
		return;
	}
	answer_sqs(r, a);
	if (refused)
		service_refuse_first(a);
	while ((at = strstr(at, key)) != NULL) {
		struct sent *s = &live[strtoull(at += strlen(key), NULL, 10)];

		s->deleted = s->handed = s->deleted || !refused;
		refused = false;
	}
}

/* ---- the kernel */

/* What of this run has the payload. */
struct handed {
	unsigned n, of_ours;
	unsigned most, least; /* bits that those of ours may be credited */
};

/* By the rules of credit.h. */
static unsigned find_worth(const struct sent *s)
{
	struct claim claim;

	if (s->sort == FUTURE || !s->first ||
	    claim_parse(s->m.entropy, s->m.entropy_len, &claim) != 0 ||
	    s->m.sent - claim.time > CREDIT_FRESH_MS)
		return 0;
	return claim.bits;
}

/* True if one whom the machine trusts has signed it for this queue. */
static bool is_ours(const struct sent *s)
{
	return s->m.entropy_len > 0 && s->sort != FORGED &&
	       s->sort != UNKNOWN && s->sort != ELSEWHERE;
}

static struct handed find_handed(uint32_t serial)
{
	struct handed h = {.least = UINT_MAX};

	for (size_t i = 0; i < live_n; i++) {
		const struct sent *s = &live[i];
		const unsigned worth = find_worth(s);

		if (s->serial != serial || !s->handed)
			continue;
		h.n++;
		if (!is_ours(s))
			continue;
		h.of_ours++;
		h.most = worth > h.most ? worth : h.most;
		h.least = worth < h.least ? worth : h.least;
	}
	return h;
}

/* A store that fails may have the payload or not. */
static void note_used(uint32_t serial)
{
	payloads[serial].use = disk.fails == 0 ? USED : FORGOTTEN;
	payloads[serial].boot = (uint32_t)sim.where;
}

/* A payload counts once, whatever it comes in. */
static void judge_credit(const uint8_t *bytes, size_t n, unsigned bits)
{
	unsigned sure = 0, most = 0, again = 0;
	uint32_t serial;

	for (size_t i = 0; i < n; i++, bytes += PAYLOAD) {
		struct handed h;

		memcpy(&serial, bytes, sizeof serial);
		h = find_handed(serial);
		if (h.n == 0)
			sim_fail("a message is used and not deleted");
		if (h.of_ours == 0 || payloads[serial].use == USED)
			continue;
		most += h.most;
		sure += payloads[serial].use == FRESH ? h.least : 0;
		again += payloads[serial].use == FORGOTTEN && h.most > 0;
		note_used(serial);
	}
	if (bits > 0 && (most < CREDIT_BITS || bits != CREDIT_BITS))
		sim_fail("credit %u for %u bits at most", bits, most);
	if (bits == 0 && sure >= CREDIT_BITS && disk.fails == 0)
		sim_fail("no credit for %u bits", sure);
	seen.again += bits > 0 ? again : 0;
}

int __wrap_inject_open(int *fd, struct err *why)
{
	(void)why;
	*fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	return *fd >= 0 ? 0 : ERR_IO;
}

int __wrap_inject_probe(int fd, struct err *why)
{
	(void)fd;
	(void)why;
	return 0;
}

int __wrap_inject(int fd, const struct buf *bytes, unsigned bits, bool at_once,
    struct err *why)
{
	(void)fd;
	(void)at_once;
	(void)why;
	if (disk.off)
		return 0;
	if (++injections > 1)
		sim_fail("a second injection in one run");
	if (buf_len(bytes) % PAYLOAD != 0)
		sim_fail("%zu bytes injected", buf_len(bytes));
	credit = bits;
	judge_credit(buf_data(bytes), buf_len(bytes) / PAYLOAD, bits);
	return 0;
}

int __wrap_file_read(const char *path, void *data, size_t max, size_t *len)
{
	if (strcmp(path, "/proc/sys/kernel/random/boot_id") != 0)
		return __real_file_read(path, data, max, len);
	*len = (size_t)snprintf(
	    data, max, "00000000-0000-4000-8000-%012" PRId64, sim.where);
	return 0;
}

/* ---- faults */

/* What the machine has used since then, it does not remember for certain. */
static void forget_since(uint32_t boot)
{
	for (uint32_t i = 1; i <= serials; i++)
		if (payloads[i].use == USED && payloads[i].boot >= boot)
			payloads[i].use = FORGOTTEN;
}

static void copy_file(const char *from, const char *to)
{
	static uint8_t data[SEEN_MAX];
	size_t len;
	int fd;

	(void)unlink(to);
	if (__real_file_read(from, data, sizeof data, &len) != 0)
		return;
	fd = open(to, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || __real_write(fd, data, len) != (ssize_t)len)
		err(1, "%s", to);
	(void)close(fd);
}

static void change_state(void)
{
	if (fault == ROLLED_BACK || fault == REMOVED)
		(void)unlink(sim_path("state/seen.new"));
	if (fault == ROLLED_BACK) {
		copy_file(sim_path("saved"), sim_path("state/seen"));
		forget_since(saved_at);
	} else if (fault == REMOVED) {
		(void)unlink(sim_path("state/seen"));
		forget_since(0);
	} else if (sim_draws(0.01)) {
		copy_file(sim_path("state/seen"), sim_path("saved"));
		saved_at = (uint32_t)sim.where;
	}
}

static void set_world(enum fault now)
{
	static const enum service_net nets[FAULTS] = {[NO_ROUTE] = NET_NO_ROUTE,
	    [NO_NAME] = NET_NO_NAME,
	    [SILENT] = NET_SILENT,
	    [REFUSED] = NET_REFUSED,
	    [BREAKS] = NET_BREAKS};
	static const enum service_state services[FAULTS] = {
	    [THROTTLES] = SQS_THROTTLES,
	    [FAILS] = SQS_FAILS,
	    [DENIES] = SQS_DENIES,
	    [IN_PART] = SQS_IN_PART};
	static const enum service_keys keys[FAULTS] = {
	    [KEYS_ARE_LATE] = KEYS_LATE,
	    [KEYS_EXPIRED] = KEYS_OLD,
	    [METADATA_SILENT] = KEYS_DOWN};
	static const int errors[FAULTS] = {
	    [FULL] = ENOSPC, [READONLY] = EROFS, [BROKEN] = EIO};

	service.net = nets[now];
	service.sqs = services[now];
	service.keys = keys[now];
	disk.fails = errors[now];
	sim.off = now == NO_CLOCK ? -SIM_EPOCH : 0;
}

/* What is late comes in the middle of the run. */
void world_event(void)
{
	sim.event = SIM_NEVER;
	set_world(NONE);
}

static void draw_fault(void)
{
	fault = sim_draws(0.5) ? NONE
			       : (enum fault)random_below(&sim.chance, FAULTS);
	sim.event = SIM_NEVER;
	if (fault > NONE && fault <= METADATA_SILENT && sim_draws(0.5))
		sim.event =
		    sim.now + random_below(&sim.chance, TIMEOUT_S * SIM_SECOND);
	seen.n[fault]++;
	set_world(fault);
	change_state();
	if (fault == POWER_CUT)
		disk_cut_at("seen", 1 + (unsigned)random_below(&sim.chance, 8));
}

void world_said(const char *line)
{
	seen.lines++;
	if (getenv("YEARS_SAY") != NULL)
		printf("%" PRId64 " %s\n", sim.where, line);
}

/* ---- what has to hold after each run */

static void check_state(void)
{
	DIR *dir = opendir(sim_path("state"));
	struct dirent *entry;
	struct stat st;

	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		if (strcmp(entry->d_name, "seen") != 0 &&
		    (fault == NONE || strcmp(entry->d_name, "seen.new") != 0))
			sim_fail("state/%s is there", entry->d_name);
		if (fstatat(dirfd(dir), entry->d_name, &st, 0) == 0 &&
		    st.st_size > (off_t)SEEN_MAX)
			sim_fail("state/%s has %lld bytes", entry->d_name,
			    (long long)st.st_size);
	}
	if (dir != NULL)
		(void)closedir(dir);
}

/* A run that nothing disturbs finds what there is. */
static void judge_code(int code, bool had, bool strict, int64_t took)
{
	const bool may = code == 0 || code == 65 || code == 75 || code == 77 ||
			 (code == 69 && fault != NONE);

	if (took > TIMEOUT_S * SIM_SECOND + LATE_MS)
		sim_fail("a run took %" PRId64 " ms", took);
	if (!may || code >= CODES)
		sim_fail("exit code %d, fault %s", code, faults[fault]);
	if (fault == NONE && had && code != 0 && code != 65)
		sim_fail("exit code %d where there are messages", code);
	if (fault == NONE && !had && !receives && code != 75)
		sim_fail("exit code %d where there is no message", code);
	if (strict && code == 0 && credit == 0)
		sim_fail("--strict, no credit, and exit code 0");
}

static void run_agent_once(void)
{
	const bool unless = sim_draws(0.3), strict = sim_draws(0.1);
	char most[16];
	const char *const argv[] = {"sqs-entropy-agent", "-c", sim.conf,
	    "--messages", most, strict ? "--strict" : "--timeout",
	    strict ? "-v" : "10", unless ? "--unless-seeded" : NULL, "600",
	    NULL};
	const uint64_t requests = service.requests;
	int64_t began;
	int code;
	bool had;

	(void)snprintf(
	    most, sizeof most, "%d", 1 + (int)random_below(&sim.chance, EACH));
	fill_queue();
	draw_fault();
	note_queue();
	had = !service.empty;
	injections = credit = 0;
	receives = false;
	began = sim.now;
	code = sim_run(agent_main, argv);
	if (getenv("YEARS_SAY") != NULL)
		printf("%" PRId64 " exit %d, fault: %s%s\n", sim.where, code,
		    faults[fault], disk.off ? " (struck)" : "");
	seen.runs++;
	if (unless && !strict && code == 69 && sim.now == began) {
		if (sim.now - failed >= LAST_SEED_AGAIN_MS)
			sim_fail("no try, and none has failed before");
		seen.nothing++;
	} else if (unless && code == 0 && service.requests == requests) {
		if (sim.now - seeded >= SEEDED_S * SIM_SECOND)
			sim_fail("--unless-seeded, and the kernel is not");
		seen.nothing++;
	} else if (!disk.off) {
		judge_code(code, had, strict, sim.now - began);
		seen.codes[code]++;
	}
	if (!disk.off && injections > 0 && code == 0)
		seeded = sim.now;
	if (code == 69 || code == 75)
		failed = sim.now;
	if (!disk.off)
		disk_power_on();
	seen.credited += credit > 0;
	if (sim.now - began > seen.longest)
		seen.longest = sim.now - began;
	check_state();
}

/* Power and memory are gone. */
static void reboot(void)
{
	if (disk.off)
		for (size_t i = 0; i < live_n; i++)
			if (live[i].handed &&
			    payloads[live[i].serial].use == FRESH) {
				payloads[live[i].serial].use = FORGOTTEN;
				payloads[live[i].serial].boot =
				    (uint32_t)sim.where;
			}
	disk_power_on();
	(void)unlink(sim_path("run/agent.json"));
	(void)unlink(sim_path("run/last-seed"));
	seeded = failed = INT64_MIN / 2;
	sim.now += sim_draws(0.3) ? 30 * SIM_SECOND
				  : (int64_t)random_exponential(
					&sim.chance, (double)SIM_HOUR);
	sim.booted = sim.now;
	sim.asleep = 0;
	sim.where++;
}

static void boot(void)
{
	int64_t n = 1 + random_below(&sim.chance, RUNS);

	while (n-- > 0) {
		run_agent_once();
		for (size_t i = 0; i < live_n; i++)
			live[i].handed = live[i].handed && disk.off;
		if (disk.off)
			return;
		sim.now += SIM_SECOND + (int64_t)random_exponential(&sim.chance,
					    5 * (double)SIM_MINUTE);
		if (sim_draws(0.1))
			sim_suspend(SIM_HOUR);
	}
}

/* ---- set-up */

static void make_key(struct keys_signer **key, uint8_t byte, const char *name)
{
	const uint8_t secret[KEYS_LEN] = {byte};
	uint8_t public_key[KEYS_LEN];
	struct err why = {0};

	*key = keys_signer_new(secret);
	if (*key == NULL || keys_signer_public(*key, public_key) != 0)
		err(1, "key");
	if (name != NULL && keyfile_create(KEYFILE_SIGN_PUBLIC, sim_path(name),
				public_key, &why) != 0)
		errx(1, "%s", why.text);
}

static void start_world(char *argv[], uint64_t seed, int64_t boots)
{
	const size_t room = (size_t)(boots * RUNS * EACH + 2);
	FILE *f;

	sim_begin(argv, "boot", seed);
	payloads = mmap(NULL, room * sizeof *payloads, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	f = fopen(sim.conf, "w");
	if (payloads == MAP_FAILED || f == NULL ||
	    fprintf(f,
		"queue = \"" MESSAGE_QUEUE "\"\n"
		"trusted-producers = \"%s\"\n",
		sim_path("trusted.d")) < 0 ||
	    fclose(f) != 0 || mkdir(sim_path("trusted.d"), 0755) != 0)
		err(1, "settings");
	make_key(&trusted, 1, "trusted.d/pi.pub");
	make_key(&stranger, 2, NULL);
}

static void print_counts(
    const char *name, const char *const *names, const unsigned *n, size_t len)
{
	printf(", \"%s\": {", name);
	for (size_t i = 0; i < len; i++)
		printf("%s\"%s\": %u", i > 0 ? ", " : "", names[i], n[i]);
	printf("}");
}

static void print_result(int64_t boots)
{
	printf("{\"seed\": %" PRIu64 ", \"boots\": %" PRId64
	       ", \"runs\": %u, \"credited\": %u, \"again\": %" PRIu64
	       ", \"nothing\": %u, \"lines\": %u, \"longest\": %" PRId64,
	    sim.seed, boots, seen.runs, seen.credited, seen.again, seen.nothing,
	    seen.lines, seen.longest);
	print_counts("faults", faults, seen.n, FAULTS);
	print_counts("messages", sorts, seen.sorts, SORTS);
	printf(", \"codes\": {\"0\": %u, \"65\": %u, \"69\": %u, \"75\": %u, "
	       "\"77\": %u}",
	    seen.codes[0], seen.codes[65], seen.codes[69], seen.codes[75],
	    seen.codes[77]);
	printf(", \"requests\": %" PRIu64 ", \"card\": [%" PRIu64 ", %" PRIu64
	       ", %" PRIu64 "], \"run\": [%" PRIu64 ", %" PRIu64
	       "], \"memory\": [%zu, %zu], \"descriptors\": [%zu, %zu]}\n",
	    service.requests, disk.writes[DISK_STATE], disk.bytes[DISK_STATE],
	    disk.syncs, disk.writes[DISK_RUN], disk.bytes[DISK_RUN],
	    seen.memory.first, seen.memory.last, seen.descriptors.first,
	    seen.descriptors.last);
}

int main(int argc, char *argv[])
{
	const int64_t boots = argc == 3 ? strtoll(argv[2], NULL, 10) : 0;

	if (boots < 3)
		errx(64, "SEED BOOTS, three at least");
	start_world(argv, strtoull(argv[1], NULL, 10), boots);
	while (sim.where < boots) {
		reboot();
		boot();
		sim_note(&seen.memory, sim_memory(), sim.where < boots / 3);
		sim_note(&seen.descriptors, sim_descriptors(),
		    sim.where < boots / 3);
	}
	sim_judge(&seen.memory, "bytes after a boot", SIM_SLACK);
	sim_judge(&seen.descriptors, "descriptors", 0);
	print_result(boots);
	keys_signer_free(trusted);
	keys_signer_free(stranger);
	sim_end();
	return 0;
}
