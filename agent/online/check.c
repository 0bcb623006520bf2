/* SPDX-License-Identifier: Apache-2.0 */
/* What --check tells of the half that talks to the network. */
#include "agent/online/fallback.h"
#include "agent/online/online.h"
#include "base/log.h"
#include "sqs/kms.h"
#include "sqs/ssm.h"

static void log_caution(const char *line)
{
	log_warning("%s", line);
}

int agent_online_check(const struct conf *conf, struct err *err)
{
	const struct session_config cfg = agent_session(conf);
	int rc = session_show(&cfg, stdout, log_caution, err);

	if (rc == 0 && conf_parameter(conf->seal_key) != NULL)
		rc = session_show_service(&cfg, &ssm_service, stdout, err);
	if (rc == 0 && fallback_is_wanted(conf))
		rc = session_show_service(&cfg, &kms_service, stdout, err);
	return rc;
}
