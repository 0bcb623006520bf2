/* SPDX-License-Identifier: Apache-2.0 */
#include "sqs/ssm.h"

#include <stdio.h>
#include <string.h>

#include "sqs/call.h"

#define FORMER_SHARE 4 /* of the time that is left, for the version before */
#define ORIGIN_MAX   (SSM_NAME_MAX + 16)

const struct sqs_service ssm_service = {.id = "ssm",
    .name = "SSM",
    .target = "AmazonSSM",
    .content_type = "application/x-amz-json-1.1"};

/* "arn:...:parameter/a/b" is the name "/a/b" or, of one part, "a". */
static const char *skip_arn(const char *name)
{
	static const char before[] = ":parameter/";
	const char *at =
	    strncmp(name, "arn:", 4) == 0 ? strstr(name, before) : NULL;

	return at != NULL ? at + sizeof before - 1 : name;
}

/* "NAME:VERSION" or "NAME:LABEL". */
static bool has_selector(const char *name)
{
	return strchr(skip_arn(name), ':') != NULL;
}

/* One part, or a path that begins with "/" unless an ARN is before it. */
static bool is_path(const char *own, size_t len, bool in_arn)
{
	const char *slash = memchr(own, '/', len);

	if (len == 0 || own[len - 1] == '/' || strstr(own, "//") != NULL)
		return false;
	return slash == NULL || (slash == own) != in_arn;
}

/* Parameter Store refuses other names in words that do not help, and asking
 * later does not help either. */
bool ssm_is_name(const char *name)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "abcdefghijklmnopqrstuvwxyz"
				      "0123456789.-_/:";
	const char *own = skip_arn(name), *selector = own + strcspn(own, ":");

	if (strlen(name) > SSM_NAME_MAX ||
	    name[strspn(name, allowed)] != '\0' ||
	    !is_path(own, (size_t)(selector - own), own != name))
		return false;
	return *selector == '\0' ||
	       (selector[1] != '\0' && strpbrk(selector + 1, ":/") == NULL);
}

static int get_parameter(struct sqs *s, const char *name, int64_t deadline,
    struct json **answer, struct err *err)
{
	const struct sqs_op op = {.name = "GetParameter",
	    .permission = SSM_PERMISSION,
	    .resource = name};
	struct json_writer *w = json_writer_new();

	json_begin_object(w, NULL);
	json_put_string(w, "Name", name);
	json_put_boolean(w, "WithDecryption", true);
	json_end_object(w);
	return sqs_call(s, &op, name, w, deadline, answer, err);
}

static int read_seal_key_text(const struct json *parameter, const char *name,
    struct seal_keys *keys, struct err *err)
{
	const char *type = json_string(json_get(parameter, "Type"));
	const char *value = json_string(json_get(parameter, "Value"));
	char origin[ORIGIN_MAX];

	if (type == NULL || value == NULL)
		return err_set(err, ERR_FORMAT,
		    "GetParameter: the answer has no Type and Value; is the "
		    "endpoint one of SSM?");
	if (strcmp(type, "SecureString") != 0)
		return err_set(err, ERR_CONFIG,
		    "parameter %s is a %.32s, which is stored in the clear: "
		    "delete it, and put a new key there (aws ssm put-parameter "
		    "--type SecureString)",
		    name, type);
	(void)snprintf(origin, sizeof origin, "parameter %s", name);
	return seal_keys_parse(keys, value, strlen(value), origin, err);
}

/* One version more, as out->n says. */
static int read_version(struct sqs *s, const char *name, int64_t deadline,
    struct ssm_keys *out, struct err *err)
{
	struct json *answer;
	const struct json *parameter;
	int rc = get_parameter(s, name, deadline, &answer, err);

	if (rc != 0)
		return rc;
	parameter = json_get(answer, "Parameter");
	rc = read_seal_key_text(parameter, name, &out->keys[out->n], err);
	if (json_integer(
		json_get(parameter, "Version"), &out->version[out->n]) != 0)
		out->version[out->n] = 0;
	if (rc == 0)
		out->n++;
	json_free(answer);
	return rc;
}

static void read_former_version(
    struct sqs *s, const char *name, int64_t deadline, struct ssm_keys *out)
{
	const int64_t now = clock_mono(s->clock);
	char former[SSM_NAME_MAX + 24];
	struct err why = {0};
	int rc;

	if (has_selector(name) || out->version[0] < 2)
		return;
	(void)snprintf(former, sizeof former, "%s:%lld", name,
	    (long long)out->version[0] - 1);
	rc = read_version(
	    s, former, now + (deadline - now) / FORMER_SHARE, out, &why);
	/* An attempt that failed before the last one leaves its reason, too. */
	if (rc != 0)
		out->former = why;
	else if (memcmp(&out->keys[0], &out->keys[1], sizeof out->keys[0]) ==
		     0 ||
		 seal_keys_need(&out->keys[1], &out->former) != 0)
		out->n = 1;
}

int ssm_seal_keys(struct sqs *s, const char *name, int64_t deadline,
    struct ssm_keys *out, struct err *err)
{
	int rc;

	*out = (struct ssm_keys){.n = 0};
	rc = read_version(s, name, deadline, out, err);
	if (rc == 0)
		rc = seal_keys_need(&out->keys[0], err);
	if (rc == 0)
		read_former_version(s, name, deadline, out);
	return rc;
}
