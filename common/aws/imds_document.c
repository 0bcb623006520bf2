/* SPDX-License-Identifier: Apache-2.0 */
#include "aws/imds.h"

#include <stdio.h>
#include <string.h>

#include "aws/cred_document.h"
#include "json/parse.h"

static const char *member_text(const struct json *root, const char *key)
{
	const char *s = json_string(json_get(root, key));

	return s != NULL ? s : "";
}

/* AssumeRoleUnauthorizedAccess and the like are refusals, "Failed" is a trouble
 * of the service; both are asked again, because a young role's trust may be
 * late.  EC2 has no list of these codes. */
static int judge_code(const char *code)
{
	if (code[0] == '\0')
		return ERR_FORMAT;
	return strstr(code, "Unauthorized") != NULL ||
		       strstr(code, "Denied") != NULL
		   ? ERR_DENIED
		   : ERR_SERVICE;
}

static int take_credentials(const struct json *root, const char *role,
    struct cred *out, struct err *err)
{
	static const struct cred_document form = {.access_key = "AccessKeyId",
	    .secret_key = "SecretAccessKey",
	    .token = "Token",
	    .expiration = "Expiration"};
	const char *code = member_text(root, "Code");
	char from[ERR_TEXT_MAX / 2];

	if (strcmp(code, "Success") != 0)
		return err_set(err, judge_code(code),
		    "IMDS has no credentials for role %s (%s%s%s): check the "
		    "role and its trust in ec2.amazonaws.com",
		    role, code[0] != '\0' ? code : "no Code",
		    json_string(json_get(root, "Message")) != NULL ? ": " : "",
		    member_text(root, "Message"));
	(void)snprintf(from, sizeof from,
	    "IMDS gave a credentials document for role %s", role);
	return cred_document_take(root, &form, from, out, err);
}

int imds_document(
    const struct buf *text, const char *role, struct cred *out, struct err *err)
{
	struct json *root = NULL;
	int rc = json_parse(buf_data(text), buf_len(text), &root);

	if (rc != 0)
		rc = err_set(err, rc,
		    "IMDS gave a credentials document for role %s that is no "
		    "proper JSON",
		    role);
	else
		rc = take_credentials(root, role, out, err);
	json_free(root);
	return rc;
}
