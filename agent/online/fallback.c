/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/online/fallback.h"

#include "base/clock.h"
#include "sqs/kms.h"

bool fallback_is_wanted(const struct conf *conf)
{
	return conf->fallback == CONF_KMS && conf->output[0] == '\0';
}

bool fallback_may_help(int outcome)
{
	if (outcome == ERR_CANCELED)
		return false;
	return outcome == ERR_EMPTY ||
	       err_exit(outcome) == err_exit(ERR_TIMEOUT);
}

int64_t fallback_reserve(int64_t left)
{
	const int64_t share = left / FALLBACK_SHARE;

	return share < FALLBACK_RESERVE_MS ? share : FALLBACK_RESERVE_MS;
}

int fallback_ask(struct session *s, uint8_t *out, size_t len, int64_t deadline,
    struct err *err)
{
	struct sqs *kms = NULL;
	int rc;

	if (deadline - clock_mono(s->clock) < FALLBACK_LEAST_MS)
		return err_set(
		    err, ERR_TIMEOUT, "no time is left to ask for them");
	rc = session_open_service(s, &kms_service, deadline, &kms, err);
	if (rc == 0)
		rc = kms_random(kms, out, len, deadline, err);
	sqs_free(kms);
	return rc;
}
