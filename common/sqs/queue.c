/* SPDX-License-Identifier: Apache-2.0 */
#include "sqs/queue.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/url.h"
#include "sqs/call.h"

static const struct sqs_op get_queue_url = {
    .name = "GetQueueUrl", .permission = "sqs:GetQueueUrl"};
static const struct sqs_op get_queue_attributes = {
    .name = "GetQueueAttributes", .permission = "sqs:GetQueueAttributes"};

#define VISIBLE   "ApproximateNumberOfMessages"
#define IN_FLIGHT "ApproximateNumberOfMessagesNotVisible"
#define DELAYED   "ApproximateNumberOfMessagesDelayed"

static int fail_malformed(
    const struct sqs_op *op, const char *what, struct err *err)
{
	return err_set(err, ERR_FORMAT,
	    "%s: the answer lacks %s; is the endpoint one of SQS?", op->name,
	    what);
}

static bool is_of_queue(const struct url *url, const char *name)
{
	return url_has_queue(url) &&
	       strcmp(strrchr(url->path, '/') + 1, name) == 0;
}

int sqs_queue_url(struct sqs *s, const char *name, char url[static LIMIT_URL],
    int64_t deadline, struct err *err)
{
	struct json_writer *w = json_writer_new();
	struct json *answer;
	struct url parts;
	const char *found;
	int rc;

	json_begin_object(w, NULL);
	json_put_string(w, "QueueName", name);
	json_end_object(w);
	rc = sqs_call(s, &get_queue_url, name, w, deadline, &answer, err);
	if (rc != 0)
		return rc;
	found = json_string(json_get(answer, "QueueUrl"));
	if (found == NULL || url_split(found, &parts) != 0 ||
	    !is_of_queue(&parts, name))
		rc = fail_malformed(
		    &get_queue_url, "a QueueUrl of that name", err);
	else
		memcpy(url, found, strlen(found) + 1);
	json_free(answer);
	return rc;
}

int sqs_queue_depth(struct sqs *s, const char *queue_url, struct sqs_depth *out,
    int64_t deadline, struct err *err)
{
	struct json_writer *w = json_writer_new();
	const struct json *attributes, *delayed;
	struct sqs_depth depth = {.delayed = 0};
	struct json *answer;
	int rc;

	json_begin_object(w, NULL);
	json_put_string(w, "QueueUrl", queue_url);
	json_begin_array(w, "AttributeNames");
	json_put_string(w, NULL, VISIBLE);
	json_put_string(w, NULL, IN_FLIGHT);
	json_put_string(w, NULL, DELAYED);
	json_end_array(w);
	json_end_object(w);
	rc = sqs_call(
	    s, &get_queue_attributes, queue_url, w, deadline, &answer, err);
	if (rc != 0)
		return rc;
	attributes = json_get(answer, "Attributes");
	delayed = json_get(attributes, DELAYED);
	if (json_integer(json_get(attributes, VISIBLE), &depth.visible) != 0 ||
	    json_integer(json_get(attributes, IN_FLIGHT), &depth.in_flight) !=
		0 ||
	    (delayed != NULL && json_integer(delayed, &depth.delayed) != 0) ||
	    depth.visible < 0 || depth.in_flight < 0 || depth.delayed < 0)
		rc = fail_malformed(
		    &get_queue_attributes, "the numbers of messages", err);
	else
		*out = depth;
	json_free(answer);
	return rc;
}

static int64_t read_attribute_number(const struct json *from, const char *name)
{
	int64_t n;

	return json_integer(json_get(from, name), &n) == 0 && n >= 0 ? n : -1;
}

static bool read_attribute_switch(const struct json *from, const char *name)
{
	const char *text = json_string(json_get(from, name));

	return text != NULL && strcasecmp(text, "true") == 0;
}

static void read_attribute_text(
    const struct json *from, const char *name, char *out, size_t size)
{
	const char *text = json_string(json_get(from, name));

	(void)snprintf(out, size, "%s", text != NULL ? text : "");
}

static void read_queue_attributes(
    const struct json *from, struct sqs_attributes *out)
{
	*out = (struct sqs_attributes){
	    .depth = {read_attribute_number(from, VISIBLE),
		read_attribute_number(from, IN_FLIGHT),
		read_attribute_number(from, DELAYED)},
	    .visibility_s = read_attribute_number(from, "VisibilityTimeout"),
	    .retention_s =
		read_attribute_number(from, "MessageRetentionPeriod"),
	    .bytes_max = read_attribute_number(from, "MaximumMessageSize"),
	    .fifo = read_attribute_switch(from, "FifoQueue"),
	    .encrypted = -1};
	if (json_get(from, "SqsManagedSseEnabled") != NULL)
		out->encrypted =
		    read_attribute_switch(from, "SqsManagedSseEnabled") ? 1 : 0;
	read_attribute_text(
	    from, "KmsMasterKeyId", out->kms_key, sizeof out->kms_key);
	read_attribute_text(
	    from, "RedrivePolicy", out->redrive, sizeof out->redrive);
}

int sqs_queue_attributes(struct sqs *s, const char *queue_url,
    struct sqs_attributes *out, int64_t deadline, struct err *err)
{
	struct json_writer *w = json_writer_new();
	const struct json *attributes;
	struct json *answer;
	int rc;

	json_begin_object(w, NULL);
	json_put_string(w, "QueueUrl", queue_url);
	json_begin_array(w, "AttributeNames");
	json_put_string(w, NULL, "All");
	json_end_array(w);
	json_end_object(w);
	rc = sqs_call(
	    s, &get_queue_attributes, queue_url, w, deadline, &answer, err);
	if (rc != 0)
		return rc;
	attributes = json_get(answer, "Attributes");
	if (json_is_object(attributes))
		read_queue_attributes(attributes, out);
	else
		rc = fail_malformed(
		    &get_queue_attributes, "the queue's attributes", err);
	json_free(answer);
	return rc;
}
