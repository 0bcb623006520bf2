/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/online/identity.h"

#include <string.h>

#include "base/log.h"

/* The service has been asked before, which gets credentials from IMDS where
 * they come from there, and has found the network up: what does not answer now
 * is not there. */
bool identity_find(struct imds *imds, const struct clock *clock,
    int64_t deadline, struct record_identity *out)
{
	const int64_t until =
	    clock_mono(clock) +
	    (imds_answers(imds) ? IDENTITY_MS : IDENTITY_IF_THERE_MS);
	char id[IMDS_TEXT_MAX];
	struct err err = {0};

	if (imds_instance_id(
		imds, id, until < deadline ? until : deadline, &err) != 0) {
		log_info("no instance id to mix: %s", err.text);
		return false;
	}
	out->len = (uint32_t)strnlen(id, sizeof out->text);
	memcpy(out->text, id, out->len);
	return true;
}
