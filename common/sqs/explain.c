/* SPDX-License-Identifier: Apache-2.0 */
#include "sqs/explain.h"

#include <stdio.h>
#include <string.h>

static bool is_access_error(const char *name)
{
	return strcmp(name, "AccessDenied") == 0 ||
	       strcmp(name, "AccessDeniedException") == 0 ||
	       strcmp(name, "KmsAccessDenied") == 0;
}

static void advise_denied(const struct sqs *s, const struct sqs_op *op,
    const struct sqs_error *e, char *out, size_t size)
{
	const char *source = s->source != NULL ? s->source : "unknown source";

	if (e->remedy == SQS_REMEDY_CLOCK)
		(void)snprintf(out, size, "; set this machine's clock");
	else if (e->remedy == SQS_REMEDY_CREDENTIALS)
		(void)snprintf(
		    out, size, "; renew the credentials (%s)", source);
	else if (is_access_error(e->name) || e->name[0] == '\0')
		(void)snprintf(out, size,
		    "; allow %s on the queue to the identity of the "
		    "credentials (%s)",
		    op->permission, source);
	else if (strstr(e->name, "Signature") != NULL)
		(void)snprintf(
		    out, size, "; check the secret key (%s)", source);
	else
		(void)snprintf(
		    out, size, "; check the access key (%s)", source);
}

static void advise_user(const struct sqs *s, const struct sqs_op *op,
    const char *queue, const struct sqs_error *e, char *out, size_t size)
{
	out[0] = '\0';
	if (e->code == ERR_DENIED)
		advise_denied(s, op, e, out, size);
	else if (e->code == ERR_NOQUEUE)
		(void)snprintf(out, size,
		    "; there is no queue %.120s in region %s: check its name, "
		    "account and region",
		    queue, s->region);
	else if (e->code == ERR_LIMIT)
		(void)snprintf(out, size, "; make the messages smaller");
	else if (strcmp(e->name, "OverLimit") == 0)
		(void)snprintf(out, size,
		    "; too many messages are in flight: wait for their "
		    "visibility time-out");
	else if (e->code == ERR_THROTTLED || e->status >= 500)
		(void)snprintf(out, size, "; try later");
	else if (e->status / 100 == 3)
		(void)snprintf(out, size,
		    "; a redirect is not followed: check the endpoint");
	else if (e->name[0] == '\0')
		(void)snprintf(out, size, "; is the endpoint an SQS?");
}

int sqs_explain(const struct sqs *s, const struct sqs_op *op, const char *queue,
    const struct sqs_error *e, struct err *err)
{
	char status[24] = "", what[256];
	size_t len = strlen(e->text);

	if (e->status != 0)
		(void)snprintf(status, sizeof status, "HTTP %d%s", e->status,
		    e->name[0] != '\0' ? " " : "");
	advise_user(s, op, queue, e, what, sizeof what);
	while (what[0] != '\0' && len > 0 && e->text[len - 1] == '.')
		len--;
	return err_set(err, e->code, "%s: %s%s%s%.*s%s", op->name, status,
	    e->name, len > 0 ? ": " : "", (int)len, e->text, what);
}
