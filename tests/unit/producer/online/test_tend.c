/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "aid/logged.h"
#include "base/record.h"
#include "producer/online/tend.h"
#include "sqs/messages.h"
#include "sqs/queue.h"

/*
 * Days of a producer in virtual time: the real loop, with a service and a
 * source that fail as a table says, and what it logs at which time of the day.
 */
#define MINUTE    INT64_C(60000)
#define DAY       (1440 * MINUTE)
#define START     INT64_C(1000000000) /* of the monotonic clock */
#define TEXT_SIZE 16384
#define TAKEN     (MINUTE / 2) /* agents take a message each so often */
#define WATERMARK 10

enum fault {
	NOT_REACHED, /* by turns no name and silence */
	THROTTLED,
	DENIED_TO_SEND,
	DENIED_TO_LOOK,
	IN_FLIGHT,
	CLOCK_WRONG,
	SOME_REFUSED,
	SOURCE_SILENT,
	SEND_LOST,   /* the messages come to the queue, the answer does not */
	LEFT_OUT,    /* of all but one the answer says nothing */
	SOURCE_SLOW, /* a message in 40 s */
	STOPPED      /* in a call */
};

struct spell {
	int from, to; /* minutes since the start; to does not belong to it */
	enum fault fault;
};

int __wrap_session_open(struct session *s, struct session_queue *q,
    int64_t deadline, struct err *err);
const char *__wrap_session_shut_out(
    const struct session *s, const struct session_queue *q, int rc);
void __wrap_http_rest(struct http *http);
int __wrap_sqs_queue_depth(struct sqs *s, const char *url,
    struct sqs_depth *depth, int64_t deadline, struct err *err);
int __wrap_sqs_send(struct sqs *s, const char *url,
    const struct message *const *list, size_t n, bool *sent, size_t *unsure,
    int64_t deadline, struct err *err);
int64_t __wrap_sqs_clock_behind(const struct sqs *s);
int __wrap_batch_fill(struct batch *b, struct heartbeat *h,
    const struct record_ask *ask, size_t most, struct err *err);

/* The world. */
static const struct spell *spells;
static size_t spells_n;
static int64_t now, end;
static int64_t visible[2]; /* messages in each queue */
static char order[512];    /* looks as a, b; sends as A, B */
static unsigned looks, sends, sent_in_all, rests;
static unsigned id; /* of the request */
static char said[TEXT_SIZE];

static bool has(enum fault fault)
{
	const int64_t minute = (now - START) / MINUTE;

	for (size_t i = 0; i < spells_n; i++)
		if (spells[i].fault == fault && minute >= spells[i].from &&
		    minute < spells[i].to)
			return true;
	return false;
}

/* What was logged since the last look, each line with the time of the day. */
static void note_lines(void)
{
	const int minute = (int)((now - START) / MINUTE);
	char text[4096], *line, *rest = text;
	size_t have = strlen(said);

	logged_take(text, sizeof text);
	while ((line = strsep(&rest, "\n")) != NULL && *line != '\0' &&
	       have < sizeof said - 1)
		have += (size_t)snprintf(said + have, sizeof said - have,
		    "%02d:%02d %s\n", minute / 60, minute % 60, line);
}

static int64_t read_mono(void *ctx)
{
	(void)ctx;
	return now;
}

static int pass_time(void *ctx, int64_t ms)
{
	(void)ctx;
	note_lines();
	for (size_t i = 0; i < 2; i++) {
		visible[i] -= (now + ms) / TAKEN - now / TAKEN;
		if (visible[i] < 0)
			visible[i] = 0;
	}
	now += ms;
	return now >= end ? ERR_CANCELED : 0;
}

static size_t index_of(const char *url)
{
	return url[0] == 'b' ? 1 : 0;
}

static void note_call(const char *url, char first)
{
	const size_t have = strlen(order);

	if (have < sizeof order - 1)
		order[have] = (char)(first + (char)index_of(url));
}

static double read_chance(void *ctx)
{
	(void)ctx;
	return 0;
}

static const struct clock simulated = {
    .mono = read_mono, .sleep = pass_time, .chance = read_chance};

int __wrap_session_open(struct session *s, struct session_queue *q,
    int64_t deadline, struct err *err)
{
	(void)s;
	(void)q;
	(void)deadline;
	(void)err;
	return 0;
}

const char *__wrap_session_shut_out(
    const struct session *s, const struct session_queue *q, int rc)
{
	(void)s;
	(void)q;
	(void)rc;
	return NULL;
}

void __wrap_http_rest(struct http *http)
{
	(void)http;
	rests++;
}

int __wrap_sqs_queue_depth(struct sqs *s, const char *url,
    struct sqs_depth *depth, int64_t deadline, struct err *err)
{
	(void)s;
	(void)deadline;
	looks++;
	id++;
	note_call(url, 'a');
	if (has(STOPPED))
		return ERR_CANCELED;
	if (has(NOT_REACHED))
		return id % 2 == 0
			   ? err_set(err, ERR_UNREACHABLE, "no name")
			   : err_set(err, ERR_TIMEOUT, "silence for %u ms", id);
	if (has(THROTTLED))
		return err_set(
		    err, ERR_THROTTLED, "slower (request %x-7f)", id);
	if (has(DENIED_TO_LOOK))
		return err_set(err, ERR_DENIED, "not to be looked at");
	*depth = (struct sqs_depth){.visible = visible[index_of(url)],
	    .in_flight = has(IN_FLIGHT) ? 120000 : 1};
	return 0;
}

int64_t __wrap_sqs_clock_behind(const struct sqs *s)
{
	(void)s;
	return has(CLOCK_WRONG) ? -400000 - (int64_t)id * 1000 : 20;
}

int __wrap_batch_fill(struct batch *b, struct heartbeat *h,
    const struct record_ask *ask, size_t most, struct err *err)
{
	(void)h;
	(void)ask;
	(void)err;
	if (has(SOURCE_SLOW)) {
		now += 40000;
		most = 1;
	}
	b->failed = has(SOURCE_SILENT) ? ERR_TIMEOUT : 0;
	b->n = b->failed == 0 ? most : 0;
	return 0;
}

int __wrap_sqs_send(struct sqs *s, const char *url,
    const struct message *const *list, size_t n, bool *sent, size_t *unsure,
    int64_t deadline, struct err *err)
{
	(void)s;
	(void)list;
	(void)deadline;
	note_call(url, 'A');
	if (has(DENIED_TO_SEND))
		return err_set(err, ERR_DENIED, "not to be sent to");
	sends += has(SEND_LOST) || has(LEFT_OUT) ? 1 : 0;
	*unsure = has(SEND_LOST) ? n : n - 1;
	if (has(SEND_LOST))
		return err_set(err, ERR_NET, "no answer");
	sent[0] = has(LEFT_OUT);
	if (has(LEFT_OUT))
		return 0;
	*unsure = 0;
	for (size_t i = 0; i < n; i++)
		sent[i] = !has(SOME_REFUSED) || i > 0;
	if (has(SOME_REFUSED))
		(void)err_set(err, ERR_SERVICE, "1 of %zu refused", n);
	visible[index_of(url)] += (int64_t)n;
	sends++;
	sent_in_all += (unsigned)n;
	return 0;
}

/* Two messages are taken in each minute, which is a burst. */
static const struct refill_settings article = {WATERMARK, 2, 60, 0, 1};
static const struct refill_settings usual = {WATERMARK, 2, 60, 1000, 2};
static const struct refill_settings *rule = &article;

/* Run for so long by the rule, and return what came of it. */
static int tend(int64_t ms, size_t queues, bool once, enum log_level level)
{
	static struct session session;
	static struct tending t;
	static struct conf conf;
	int pair[2], rc;
	struct err err;

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	memset(order, 0, sizeof order);
	memset(visible, 0, sizeof visible);
	said[0] = '\0';
	now = START;
	end = START + ms;
	looks = sends = sent_in_all = rests = id = 0;
	session = (struct session){.n = queues,
	    .queues = {{.entry = "entropy", .url = "a"},
		{.entry = "other", .url = "b"}}};
	conf = (struct conf){.once = once,
	    .signing_key = "k",
	    .message_bytes = 512,
	    .refill = *rule};
	t = (struct tending){
	    .conf = &conf, .clock = &simulated, .session = &session};
	assert_int_equal(batch_init(&t.batch, &err), 0);
	heartbeat_init(&t.heartbeat, pair[1], -1, &simulated, 0);
	tend_init(&t);
	logged_begin(level);
	rc = once ? tend_once(&t) : tend_always(&t);
	note_lines();
	logged_end();
	batch_free(&t.batch);
	(void)close(pair[0]);
	(void)close(pair[1]);
	return rc;
}

/* What it logs in so many days, with those faults. */
static const char *live(
    int days, const struct spell *faults, size_t n, enum log_level level)
{
	spells = faults;
	spells_n = n;
	assert_int_equal(tend(days * DAY, 1, false, level), ERR_CANCELED);
	return said;
}

static void a_month_without_a_fault_is_one_line(void **state)
{
	(void)state;
	assert_string_equal(live(30, NULL, 0, LOG_LEVEL_NOTICE),
	    "00:00 queue entropy: reached, 0 messages in it\n");
	assert_int_equal(looks, 30 * 1440);
	/* It did work. */
	assert_in_range(sent_in_all, 30 * 2870, 30 * 2880 + WATERMARK);
}

static void a_day_of_faults_is_a_line_for_each_change(void **state)
{
	static const struct spell faults[] = {{60, 252, NOT_REACHED},
	    {300, 330, THROTTLED}, {360, 420, DENIED_TO_SEND},
	    {390, 400, DENIED_TO_LOOK}, {480, 540, IN_FLIGHT},
	    {600, 630, CLOCK_WRONG}, {660, 720, SOME_REFUSED},
	    {780, 960, SOURCE_SILENT}, {1200, 1201, THROTTLED}};

	(void)state;
	assert_string_equal(
	    live(1, faults, sizeof faults / sizeof faults[0], LOG_LEVEL_NOTICE),
	    "00:00 queue entropy: reached, 0 messages in it\n"
	    "01:00 silence for 61 ms\n"
	    "01:01 no name\n"
	    "04:12 queue entropy: back again after 3 h 12 min\n"
	    "05:00 slower (request 12d-7f)\n"
	    "05:30 queue entropy: back again after 30 min\n"
	    "06:00 not to be sent to\n"
	    /* That looks are refused in between, and again not, changes nothing
	     * for who cannot send. */
	    "06:30 not to be looked at\n"
	    "07:00 queue entropy: back again after 1 h 0 min\n"
	    "08:00 120000 messages of the queue are in flight: somebody "
	    "receives and does not delete; sending none\n"
	    "09:00 queue entropy: fewer messages are in flight after "
	    "1 h 0 min\n"
	    "10:00 this machine's clock is 1001 s ahead: messages signed now "
	    "would earn no credit, none is sent; is NTP running?\n"
	    "10:30 queue entropy: back again after 30 min\n"
	    "11:00 1 of 2 refused\n"
	    "12:00 queue entropy: takes all messages again after 1 h 0 min\n"
	    /* The source is the other half's to tell. */
	    "20:00 slower (request 4b1-7f)\n"
	    "20:01 queue entropy: back again after 1 min\n");
	assert_int_equal(looks, 1440);
}

/* 1,000 at the start, of which two are taken in each minute. */
static void a_depth_costs_no_more_looks_than_it_has_to(void **state)
{
	(void)state;
	rule = &usual;
	assert_string_equal(live(30, NULL, 0, LOG_LEVEL_NOTICE),
	    "00:00 queue entropy: reached, 0 messages in it\n");
	rule = &article;
	assert_in_range(visible[0], 980, 1000);
	assert_in_range(sent_in_all, 30 * 2880 + 980, 30 * 2880 + 1000);
	assert_in_range(sends, sent_in_all / 10, sent_in_all / 3);
	/* 8, 16 and 32 s after one or two messages. */
	assert_in_range(looks, 30 * 1440, 3 * 30 * 1440);
	assert_in_range(rests, 1, sends);
}

static void of_several_queues_each_has_its_turn_between_batches(void **state)
{
	static const char begin[] = "aAbBaAbBaAbBaAbB";

	(void)state;
	rule = &usual;
	spells_n = 0;
	assert_int_equal(tend(10000, 2, false, LOG_LEVEL_ERROR), ERR_CANCELED);
	rule = &article;
	order[sizeof begin - 1] = '\0';
	assert_string_equal(order, begin);
	/* No time passes between looks until nothing is missing.  That is a
	 * third of the depth in each: the other producer may have sent as much,
	 * and what is counted may be of it. */
	assert_int_equal(visible[0], 335);
	assert_int_equal(visible[1], 335);
	assert_int_equal(sends, 68);
}

/* What there is goes out, and is counted before more is asked for. */
static void a_slow_source_is_waited_for_one_message_at_a_time(void **state)
{
	static const struct spell slow[] = {{0, 1440, SOURCE_SLOW}};

	(void)state;
	rule = &usual;
	spells = slow;
	spells_n = 1;
	end = 0;
	assert_int_equal(tend(60 * MINUTE, 2, true, LOG_LEVEL_NOTICE), 0);
	rule = &article;
	order[6] = '\0';
	assert_string_equal(order, "aAaAaA");
	assert_int_equal(sends, sent_in_all);
	assert_true(sent_in_all >= 500);
}

static void a_failure_waits_for_the_interval(void **state)
{
	static const struct spell faults[] = {{0, 60, THROTTLED},
	    {60, 120, SOURCE_SILENT}, {120, 180, DENIED_TO_SEND}};

	(void)state;
	rule = &usual;
	spells = faults;
	spells_n = 3;
	assert_int_equal(
	    tend(180 * MINUTE, 1, false, LOG_LEVEL_ERROR), ERR_CANCELED);
	rule = &article;
	assert_int_equal(looks, 180);
	assert_int_equal(sent_in_all, 0);
}

/* They may be there, and not be counted for a minute. */
static void messages_without_an_answer_count_as_sent(void **state)
{
	static const struct refill_settings fast = {10, 10, 1, 40, 1};
	static const struct spell lost[] = {
	    {0, 5, SEND_LOST}, {0, 5, LEFT_OUT}};

	(void)state;
	rule = &fast;
	spells_n = 1;
	for (size_t i = 0; i < 2; i++) {
		spells = &lost[i];
		assert_int_equal(
		    tend(MINUTE, 1, false, LOG_LEVEL_ERROR), ERR_CANCELED);
		assert_int_equal(sends, 4);
		assert_int_equal(
		    tend(2 * MINUTE + 5000, 1, false, LOG_LEVEL_ERROR),
		    ERR_CANCELED);
		assert_in_range(sends, 12, 13);
	}
	rule = &article;
}

static void a_stop_is_answered_between_two_batches(void **state)
{
	static const struct spell stop[] = {{0, 1, STOPPED}};

	(void)state;
	rule = &usual;
	spells = stop;
	spells_n = 1;
	assert_int_equal(tend(DAY, 2, false, LOG_LEVEL_ERROR), ERR_CANCELED);
	assert_string_equal(order, "a");
	assert_int_equal(tend(DAY, 2, true, LOG_LEVEL_ERROR), ERR_CANCELED);
	assert_string_equal(order, "a");
	rule = &article;
}

static void once_tops_up_until_nothing_is_missing(void **state)
{
	static const struct spell some[] = {{0, 1, SOME_REFUSED}};

	(void)state;
	spells_n = 0;
	assert_int_equal(tend(DAY, 1, true, LOG_LEVEL_NOTICE), 0);
	assert_string_equal(order, "aA");
	assert_string_equal(
	    said, "00:00 sent 2 of 2 messages of 512 bytes to the queue\n");
	rule = &usual;
	assert_int_equal(tend(DAY, 2, true, LOG_LEVEL_NOTICE), 0);
	assert_string_equal(said,
	    "00:00 sent 335 of 335 messages of 512 bytes to entropy\n"
	    "00:00 sent 335 of 335 messages of 512 bytes to other\n");
	assert_int_equal(sends, 68);
	assert_int_equal(looks, 70);
	spells = some;
	spells_n = 1;
	assert_int_equal(tend(DAY, 1, true, LOG_LEVEL_NOTICE), 0);
	assert_non_null(strstr(said, "messages of 512 bytes to the queue\n"));
	assert_null(strstr(said, "enough"));
	rule = &article;
}

/* A queue that is full is not sent to: that is no sign that it could be. */
static void a_look_alone_ends_no_trouble_with_sending(void **state)
{
	static const struct spell faults[] = {
	    {60, 120, DENIED_TO_SEND}, {90, 1000, IN_FLIGHT}};

	(void)state;
	assert_string_equal(
	    live(1, faults, 2, LOG_LEVEL_ERROR), "01:00 not to be sent to\n");
	assert_non_null(strstr(live(1, faults, 2, LOG_LEVEL_NOTICE),
	    "16:40 queue entropy: back again after 15 h 40 min\n"));
}

static void with_v_each_look_is_told(void **state)
{
	static const struct spell faults[] = {{60, 70, THROTTLED}};

	(void)state;
	(void)live(1, faults, 1, LOG_LEVEL_INFO);
	assert_non_null(strstr(said,
	    "00:05 the queue: 0 messages, 1 in flight; to send: 2\n"
	    "00:05 sent 2 of 2 messages of 512 bytes to the queue\n"));
	assert_non_null(strstr(
	    said, "01:01 queue entropy: still: slower (request 3e-7f)\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_month_without_a_fault_is_one_line),
	    cmocka_unit_test(a_day_of_faults_is_a_line_for_each_change),
	    cmocka_unit_test(a_depth_costs_no_more_looks_than_it_has_to),
	    cmocka_unit_test(
		of_several_queues_each_has_its_turn_between_batches),
	    cmocka_unit_test(a_slow_source_is_waited_for_one_message_at_a_time),
	    cmocka_unit_test(a_failure_waits_for_the_interval),
	    cmocka_unit_test(messages_without_an_answer_count_as_sent),
	    cmocka_unit_test(a_stop_is_answered_between_two_batches),
	    cmocka_unit_test(once_tops_up_until_nothing_is_missing),
	    cmocka_unit_test(a_look_alone_ends_no_trouble_with_sending),
	    cmocka_unit_test(with_v_each_look_is_told),
	};

	return cmocka_run_group_tests_name("tend", tests, NULL, NULL);
}
