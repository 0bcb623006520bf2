/* SPDX-License-Identifier: Apache-2.0 */
#include "aws/imds.h"

#include <string.h>

#include "base/date.h"
#include "json/parse.h"

static const char *member_text(const struct json *root, const char *key)
{
	const char *s = json_string(json_get(root, key));

	return s != NULL ? s : "";
}

static int take_credentials(const struct json *root, const char *role,
    struct cred *out, struct err *err)
{
	const char *code = member_text(root, "Code");
	const char *token = member_text(root, "Token");
	int64_t expires;
	int rc;

	if (strcmp(code, "Success") != 0)
		return err_set(err, code[0] != '\0' ? ERR_DENIED : ERR_FORMAT,
		    "IMDS has no credentials for role %s (%s%s%s): check the "
		    "role and its trust in ec2.amazonaws.com",
		    role, code[0] != '\0' ? code : "no Code",
		    json_string(json_get(root, "Message")) != NULL ? ": " : "",
		    member_text(root, "Message"));
	rc = date_parse_rfc3339(member_text(root, "Expiration"), &expires);
	if (rc == 0 && token[0] == '\0')
		rc = ERR_FORMAT; /* a role's credentials have one */
	if (rc == 0)
		rc = cred_set(out, member_text(root, "AccessKeyId"),
		    member_text(root, "SecretAccessKey"), token);
	if (rc != 0)
		return err_set(err, rc,
		    "IMDS gave a credentials document for role %s with %s",
		    role,
		    rc == ERR_LIMIT ? "a value that is too long"
				    : "a value missing or malformed");
	out->expires = expires;
	return 0;
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
