/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "aid/keys.h"
#include "aid/virtual.h"
#include "producer/offline/status.h"
#include "json/document.h"

static struct conf conf;
static struct producer_status status;
static struct document document;
static struct record_heartbeat heartbeat;
static char directory[160];

static int setup(void **state)
{
	if (keys_setup(state) != 0)
		return -1;
	(void)snprintf(
	    directory, sizeof directory, "%s", keys_path(*state, "run"));
	(void)setenv("RUNTIME_DIRECTORY", directory, 1);
	conf = (struct conf){.refill = {.depth = 7, .interval = 30}};
	strcpy(conf.common.queues[0], "first");
	strcpy(conf.common.queues[1], "second");
	heartbeat = (struct record_heartbeat){
	    .queues = 2, .visible = {3, -1}, .sent = {40, 0}};
	virtual_begin(NULL, VIRTUAL_STILL);
	producer_status_open(&status, &conf);
	return status.fd >= 0 ? 0 : -1;
}

static int teardown(void **state)
{
	producer_status_close(&status);
	virtual_end();
	(void)unsetenv("RUNTIME_DIRECTORY");
	return keys_teardown(state);
}

static const struct json *read_status(void)
{
	char path[256];
	struct err err;

	document_close(&document);
	(void)snprintf(
	    path, sizeof path, "%s/%s", directory, PRODUCER_STATUS_NAME);
	assert_int_equal(document_read(&document, path, "it", &err), 0);
	return document.root;
}

static const struct json *queue_of(const struct json *root, size_t i)
{
	return json_at(json_get(root, "queues"), i);
}

static void a_run_is_told_from_start_to_end(void **state)
{
	const struct json *root;

	(void)state;
	producer_status_begin(&status, NULL, NULL);
	root = read_status();
	assert_string_equal(document_text(root, "state"), "starting");
	assert_string_equal(
	    document_text(root, "version"), SQS_ENTROPY_VERSION);
	assert_int_equal(document_number(root, "wanted"), 7);
	assert_int_equal(document_number(root, "interval"), 30);
	assert_int_equal(json_count(json_get(root, "queues")), 2);
	assert_false(document_has(root, "key"));
	assert_false(document_has(root, "clock_behind"));
	assert_false(document_has(queue_of(root, 0), "result"));
	heartbeat.clock_known = 1;
	heartbeat.clock_behind = -1500;
	producer_status_heartbeat(&status, &heartbeat);
	root = read_status();
	assert_string_equal(document_text(root, "state"), "running");
	assert_int_equal(document_number(root, "clock_behind"), -1500);
	assert_string_equal(document_text(queue_of(root, 0), "queue"), "first");
	assert_int_equal(document_number(queue_of(root, 0), "messages"), 3);
	assert_int_equal(document_number(queue_of(root, 0), "sent"), 40);
	assert_false(document_has(queue_of(root, 1), "messages"));
	producer_status_end(&status, ERR_SOURCE, "broken");
	root = read_status();
	assert_string_equal(document_text(root, "state"), "ended");
	assert_int_equal(document_number(root, "exit"), 65);
	assert_string_equal(document_text(root, "why"), "broken");
	/* That is the last word. */
	producer_status_heartbeat(&status, &heartbeat);
	producer_status_source(&status, "x");
	assert_string_equal(document_text(read_status(), "state"), "ended");
	document_close(&document);
}

static void since_when_a_queue_fails_is_told(void **state)
{
	const struct json *q;
	int64_t since;

	(void)state;
	producer_status_heartbeat(&status, &heartbeat);
	heartbeat.code[1] = ERR_DENIED;
	strcpy(heartbeat.why[1], "not allowed");
	producer_status_heartbeat(&status, &heartbeat);
	q = queue_of(read_status(), 1);
	assert_string_equal(document_text(q, "why"), "not allowed");
	assert_string_not_equal(document_text(q, "result"), "done");
	since = document_number(q, "since");
	assert_true(since > 0);
	/* Another reason is the same failure. */
	heartbeat.code[1] = ERR_TIMEOUT;
	producer_status_heartbeat(&status, &heartbeat);
	q = queue_of(read_status(), 1);
	assert_int_equal(document_number(q, "since"), since);
	heartbeat.code[1] = 0;
	producer_status_heartbeat(&status, &heartbeat);
	q = queue_of(read_status(), 1);
	assert_string_equal(document_text(q, "result"), "done");
	assert_false(document_has(q, "why"));
	document_close(&document);
}

/* One write a second is enough, unless something is news. */
static void it_is_written_when_something_changes(void **state)
{
	uint64_t serial;

	(void)state;
	producer_status_heartbeat(&status, &heartbeat);
	serial = status.serial;
	for (int i = 0; i < 1000; i++) {
		heartbeat.sent[0]++;
		producer_status_heartbeat(&status, &heartbeat);
	}
	assert_int_equal(status.serial, serial);
	heartbeat.resting = 1;
	producer_status_heartbeat(&status, &heartbeat);
	assert_int_equal(status.serial, serial + 1);
	assert_int_equal(
	    document_number(queue_of(read_status(), 0), "sent"), 1040);
	heartbeat.resting = 0;
	assert_int_equal(virtual_sleep(NULL, PRODUCER_STATUS_PAUSE_MS), 0);
	producer_status_heartbeat(&status, &heartbeat);
	assert_int_equal(status.serial, serial + 2);
	producer_status_source(&status, "no byte");
	producer_status_source(&status, NULL);
	producer_status_source(&status, NULL);
	assert_int_equal(status.serial, serial + 4);
	document_close(&document);
}

/* Whatever a compromised online half says is one document, with other queues
 * than it speaks of, and is printable. */
static void what_the_online_half_says_is_bounded(void **state)
{
	const struct json *root;
	const char *why;

	(void)state;
	memset(&heartbeat, 0xff, sizeof heartbeat);
	heartbeat.queues = LIMIT_QUEUES;
	for (size_t i = 0; i < LIMIT_QUEUES; i++)
		(void)snprintf(
		    conf.common.queues[i], LIMIT_URL, "%0*d", LIMIT_URL - 1, 0);
	producer_status_heartbeat(&status, &heartbeat);
	for (size_t i = 0; i < LIMIT_QUEUES; i++)
		memset(heartbeat.why[i], '"', RECORD_WHY_MAX);
	memset(heartbeat.why[0], 0x1b, RECORD_WHY_MAX);
	heartbeat.clock_behind = INT64_MIN;
	producer_status_heartbeat(&status, &heartbeat);
	root = read_status();
	assert_int_equal(json_count(json_get(root, "queues")), LIMIT_QUEUES);
	why = document_text(queue_of(root, 0), "why");
	assert_int_equal(strlen(why), RECORD_WHY_MAX - 1);
	assert_int_equal(strspn(why, "?"), RECORD_WHY_MAX - 1);
	assert_true(document.len < PRODUCER_STATUS_MAX / 2);
	document_close(&document);
}

/* A shorter one leaves nothing of a longer one behind. */
static void a_shorter_document_replaces_a_longer_one(void **state)
{
	char path[256];
	struct stat st;

	(void)state;
	heartbeat.code[0] = ERR_DENIED;
	memset(heartbeat.why[0], 'x', RECORD_WHY_MAX - 1);
	producer_status_heartbeat(&status, &heartbeat);
	heartbeat.code[0] = 0;
	producer_status_heartbeat(&status, &heartbeat);
	(void)read_status();
	(void)snprintf(
	    path, sizeof path, "%s/%s", directory, PRODUCER_STATUS_NAME);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_size, document.len);
	assert_int_equal(document.text[document.len - 2], '}');
	assert_int_equal(st.st_mode & 0777, 0644);
	document_close(&document);
}

static void one_look_writes_none(void **state)
{
	(void)state;
	producer_status_close(&status);
	conf.once = true;
	producer_status_open(&status, &conf);
	assert_int_equal(status.fd, -1);
	producer_status_begin(&status, NULL, NULL);
	producer_status_heartbeat(&status, &heartbeat);
	producer_status_end(&status, 0, "");
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    T(a_run_is_told_from_start_to_end),
	    T(since_when_a_queue_fails_is_told),
	    T(it_is_written_when_something_changes),
	    T(what_the_online_half_says_is_bounded),
	    T(a_shorter_document_replaces_a_longer_one),
	    T(one_look_writes_none),
	};

	return cmocka_run_group_tests_name(
	    "producer status", tests, NULL, NULL);
}
