/* SPDX-License-Identifier: Apache-2.0 */
/* Receiving what is too large to be a message, in little memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <malloc.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aid/sqs.h"
#include "base/buf.h"
#include "sqs/messages.h"
#include "json/text.h"

#define MIB      ((size_t)1 << 20)
#define MD5_BAD  "00000000000000000000000000000000"
#define PEAK_KIB 4096

/* 33 bytes of payload, with its MD5. */
#define GOOD                                                                   \
	"{\"MessageId\":\"good\",\"ReceiptHandle\":\"h-good\",\"Body\":"       \
	"\"BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB\","                    \
	"\"MD5OfBody\":\"d4f1807d5a331844c4bc0401a6a80156\"}"

static void add(struct buf *b, const char *text, size_t times)
{
	for (size_t i = 0; i < times; i++)
		assert_int_equal(buf_addstr(b, text), 0);
}

/* Receive from a service that answers with these steps. */
static struct aid_sqs *receive(
    const struct loopback_step *steps, int n, struct sqs_messages *m, int rc)
{
	struct aid_sqs *a = aid_open(steps, n);

	assert_int_equal(sqs_receive(a->sqs, AID_QUEUE, LIMIT_BATCH, 0, m,
			     aid_deadline(a), &a->err),
	    rc);
	return a;
}

/* A message, large where "*" stands in the text behind its handle, and a good
 * one behind it. */
static void add_large(
    struct buf *b, const char *rest, const char *unit, size_t times)
{
	const char *star = strchr(rest, '*');

	add(b, "{\"Messages\":[{\"MessageId\":\"large\",", 1);
	assert_int_equal(buf_add(b, rest, (size_t)(star - rest)), 0);
	add(b, unit, times);
	add(b, star + 1, 1);
	add(b, ",\"MD5OfBody\":\"" MD5_BAD "\",\"ReceiptHandle\":\"h-large\"},",
	    1);
	add(b, GOOD "]}", 1);
}

static void what_is_too_large_can_be_deleted_beside_a_message(void **state)
{
	static const struct {
		const char *rest, *unit;
		size_t times;
		int body;
	} cases[] = {
	    {"\"Body\":\"*\"", "\\\"", MIB, ERR_FORMAT},
	    {"\"Body\":\"*\"", "\\u0022", MIB, ERR_FORMAT},
	    {"\"Body\":\"*\"", "\\\\", MIB, ERR_FORMAT},
	    {"\"Body\":\"*\"", "\xf0\x9f\x98\x80", MIB / 4, ERR_LIMIT},
	    {"\"Body\":\"*\"", "A", MIB, ERR_LIMIT},
	    /* Cut, this is base64 of a payload that is allowed. */
	    {"\"Body\":\"*\"", "AA\\u0041", MIB / 4, ERR_LIMIT},
	    {"\"Body\":\"a\\u0000*\"", "A", 1, ERR_FORMAT},
	    {"\"Body\":\"a\\ud800*\"", "A", 1, ERR_FORMAT},
#define BODY_B "\"Body\":\"BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB\","
	    {BODY_B "\"MessageAttributes\":{\"Entropy\":{\"DataType\":"
		    "\"String\",\"StringValue\":\"*\"}}",
		"\\\"", MIB, ERR_UNUSABLE},
	    {BODY_B "\"MessageAttributes\":{\"x\":{\"DataType\":"
		    "\"Binary\",\"BinaryValue\":\"*\"}}",
		"A", MIB, ERR_UNUSABLE},
	    {BODY_B "\"MessageAttributes\":{\"x\":{\"DataType\":"
		    "\"String.*\",\"StringValue\":\"x\"}}",
		"A", MIB, ERR_UNUSABLE},
	    {BODY_B "\"MessageAttributes\":{\"*\":{\"DataType\":"
		    "\"String\",\"StringValue\":\"x\"}}",
		"A", MIB, ERR_UNUSABLE},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct buf *b = buf_new(16 * MIB);
		struct loopback_step step;
		struct sqs_messages m;
		struct aid_sqs *a;

		add_large(b, cases[i].rest, cases[i].unit, cases[i].times);
		step = aid_ok(buf_str(b));
		buf_free(b);
		a = receive(&step, 1, &m, 0);
		assert_int_equal(m.n, 2);
		assert_string_equal(m.receipts[0].handle, "h-large");
		assert_true(m.receipts[0].intact);
		assert_int_equal(m.receipts[0].body, cases[i].body);
		assert_int_equal(m.at[0].payload_len, 0);
		assert_string_equal(m.receipts[1].handle, "h-good");
		assert_true(m.receipts[1].intact);
		assert_int_equal(m.receipts[1].body, 0);
		assert_int_equal(m.at[1].payload_len, 33);
		sqs_messages_free(&m);
		aid_close(a);
	}
}

/* What a broken attempt gave is forgotten; its handle may be an old one. */
static void another_attempt_begins_with_no_messages(void **state)
{
	struct loopback_step steps[2];
	struct sqs_messages m;
	struct aid_sqs *a;

	(void)state;
	steps[0] = (struct loopback_step){
	    .answer = "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"
		      "{\"Messages\":[{\"MessageId\":\"x\",\"ReceiptHandle\":"
		      "\"x\",\"Body\":\"x\"}," GOOD ",",
	    .close = 1};
	steps[1] = aid_ok("{\"Messages\":[" GOOD "]}");
	a = receive(steps, 2, &m, 0);
	assert_int_equal(m.n, 1);
	assert_string_equal(m.receipts[0].id, "good");
	assert_int_equal(loopback_requests(a->loopback), 2);
	sqs_messages_free(&m);
	aid_close(a);
}

static void an_id_or_handle_that_was_changed_is_no_receipt(void **state)
{
	struct buf *b = buf_new(4 * MIB);
	struct loopback_step step;
	struct sqs_messages m;
	struct aid_sqs *a;

	(void)state;
	add(b,
	    "{\"Messages\":[{\"Body\":\"\",\"MessageId\":\"a\\u0000\","
	    "\"ReceiptHandle\":\"b\"},{\"Body\":\"\",\"MessageId\":\"c\","
	    "\"ReceiptHandle\":\"",
	    1);
	add(b, "d", SQS_HANDLE_MAX + 1);
	add(b, "\"}," GOOD "]}", 1);
	step = aid_ok(buf_str(b));
	buf_free(b);
	a = receive(&step, 1, &m, 0);
	assert_int_equal(m.n, 1);
	assert_string_equal(m.receipts[0].id, "good");
	sqs_messages_free(&m);
	aid_close(a);
}

static void an_answer_that_no_queue_can_give_is_refused(void **state)
{
	const struct loopback_step step = {
	    .answer = "HTTP/1.1 200 OK\r\nContent-Length: 70000000\r\n\r\n{"};
	struct sqs_messages m;
	struct aid_sqs *a = receive(&step, 1, &m, ERR_LIMIT);

	(void)state;
	assert_non_null(strstr(a->err.text, "too large"));
	aid_close(a);
}

/* What /proc/self/status says there, KiB. */
static long status_kib(const char *name)
{
	FILE *f = fopen("/proc/self/status", "re");
	char line[256];
	long kib = -1;

	assert_non_null(f);
	while (kib < 0 && fgets(line, sizeof line, f) != NULL)
		if (strncmp(line, name, strlen(name)) == 0)
			kib = strtol(line + strlen(name) + 1, NULL, 10);
	(void)fclose(f);
	return kib;
}

/* Begin to note the peak anew (proc(5)); false where it cannot be. */
static bool reset_peak(void)
{
	FILE *f = fopen("/proc/self/clear_refs", "we");
	bool done = f != NULL && fputs("5", f) >= 0;

	return f != NULL && fclose(f) == 0 && done;
}

/* Tools that watch memory use some themselves. */
static bool is_watched(void)
{
	const char *preload = getenv("LD_PRELOAD");

#if defined(__SANITIZE_ADDRESS__)
	return true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
	return true;
#endif
#endif
	return preload != NULL && strstr(preload, "vgpreload") != NULL;
}

/* Ten messages, each with a body and nine attributes that are of these units
 * and together 1 MiB before they are written as JSON. */
static void add_ten(struct buf *b, const char *unit, size_t means)
{
	const size_t times = MIB / means / 10;

	add(b, "{\"Messages\":[", 1);
	for (int i = 0; i < LIMIT_BATCH; i++) {
		assert_int_equal(
		    buf_addf(b,
			"%s{\"MessageId\":\"%d\",\"ReceiptHandle\":\"h%d\","
			"\"MessageAttributes\":{",
			i > 0 ? "," : "", i, i),
		    0);
		for (int k = 0; k < 9; k++) {
			assert_int_equal(
			    buf_addf(b,
				"%s\"a%d\":{\"DataType\":\"String\","
				"\"StringValue\":\"",
				k > 0 ? "," : "", k),
			    0);
			add(b, unit, times);
			add(b, "\"}", 1);
		}
		add(b, "},\"Body\":\"", 1);
		add(b, unit, times);
		add(b, "\"}", 1);
	}
	add(b, "]}", 1);
}

static long peak_of(const struct loopback_step *step)
{
	struct aid_sqs *a = aid_open(step, 1);
	struct sqs_messages m;
	long before;

	/* What was freed before and is used again would not be seen. */
	(void)malloc_trim(0);
	before = status_kib("VmRSS");
	assert_true(reset_peak());
	assert_int_equal(sqs_receive(a->sqs, AID_QUEUE, LIMIT_BATCH, 0, &m,
			     aid_deadline(a), &a->err),
	    0);
	before = status_kib("VmHWM") - before;
	assert_int_equal(m.n, LIMIT_BATCH);
	for (size_t k = 0; k < m.n; k++)
		assert_true(m.receipts[k].intact && m.receipts[k].body != 0);
	sqs_messages_free(&m);
	aid_close(a);
	return before;
}

/* The memory of libraries that are used for the first time counts, too. */
static void ten_messages_of_any_bytes_take_less_than_4_mib(void **state)
{
	static const struct {
		const char *unit;
		size_t means; /* bytes of that in a message */
	} cases[] = {
	    {"\\\"", 1}, {"\\u0009", 1}, {"A", 1}, {"\xe2\x82\xac", 3}};

	(void)state;
	if (is_watched() || !reset_peak())
		skip();
	/* A fixed one: what is larger goes back to the kernel when freed. */
	assert_int_equal(mallopt(M_MMAP_THRESHOLD, 65536), 1);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct buf *b = buf_new(64 * MIB);
		struct loopback_step step;
		long kib;

		add_ten(b, cases[i].unit, cases[i].means);
		step = aid_ok(buf_str(b));
		print_message("%zu bytes of %s: ", buf_len(b), cases[i].unit);
		buf_free(b);
		kib = peak_of(&step);
		print_message("%ld KiB\n", kib);
		/* Less than what the messages themselves take is no measure. */
		assert_in_range(kib, 100, PEAK_KIB);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_is_too_large_can_be_deleted_beside_a_message),
	    cmocka_unit_test(another_attempt_begins_with_no_messages),
	    cmocka_unit_test(an_id_or_handle_that_was_changed_is_no_receipt),
	    cmocka_unit_test(an_answer_that_no_queue_can_give_is_refused),
	    cmocka_unit_test(ten_messages_of_any_bytes_take_less_than_4_mib),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
