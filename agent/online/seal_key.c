/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/online/seal_key.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "sqs/ssm.h"

/* What passes by itself is no reason to do without the next version before. */
static void report_former(const char *parameter, const struct ssm_keys *keys)
{
	const long long newest = (long long)keys->version[0];
	const struct err *why = &keys->former;

	if (err_exit(why->code) == err_exit(ERR_TIMEOUT))
		log_warning("seal-key: what was sealed for version %lld of "
			    "parameter %s does not open in this run: %s",
		    newest - 1, parameter, why->text);
	else
		log_warning("seal-key: what was sealed for version %lld of "
			    "parameter %s does not open: %s; write ssm:%s:%lld "
			    "to have the newest alone",
		    newest - 1, parameter, why->text, parameter, newest);
}

static void report_keys(const char *parameter, const struct ssm_keys *keys)
{
	log_info("seal-key: version %lld of parameter %s%s",
	    (long long)keys->version[0], parameter,
	    keys->n > 1 ? ", and the one before" : "");
	if (keys->former.code != 0)
		report_former(parameter, keys);
}

/* What fails on the way to SSM does not tell which parameter is missing. */
static int name_parameter(
    const char *parameter, int rc, const struct err *why, struct err *err)
{
	char named[SSM_NAME_MAX + 16];

	(void)snprintf(named, sizeof named, "parameter %s", parameter);
	if (strstr(why->text, named) != NULL)
		return err_set(err, rc, "seal-key: %s", why->text);
	return err_set(err, rc, "seal-key: %s: %s", named, why->text);
}

int seal_key_find(struct session *s, const char *parameter, int64_t deadline,
    struct record_seal_keys *out, struct err *err)
{
	struct ssm_keys keys = {.n = 0};
	struct sqs *ssm = NULL;
	struct err why = {0};
	int rc = session_open_service(s, &ssm_service, deadline, &ssm, &why);

	if (rc == 0)
		rc = ssm_seal_keys(ssm, parameter, deadline, &keys, &why);
	if (rc == 0) {
		report_keys(parameter, &keys);
		out->n = (uint32_t)keys.n;
		memcpy(out->keys, keys.keys, sizeof out->keys);
	}
	explicit_bzero(keys.keys, sizeof keys.keys);
	sqs_free(ssm);
	if (rc == ERR_CANCELED)
		return err_told(err, rc);
	if (rc == ERR_UNSUPPORTED)
		return err_set(err, rc, "%s", why.text);
	return rc == 0 ? 0 : name_parameter(parameter, rc, &why, err);
}
