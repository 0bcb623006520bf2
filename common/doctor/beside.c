/* SPDX-License-Identifier: Apache-2.0 */
/* Services that are asked beside the queues. */
#include "doctor/network.h"

#include <string.h>

#include "sqs/kms.h"
#include "sqs/ssm.h"

#define BESIDE_MS 8000 /* for each */
#define SEAL_KEY  "seal key"

static void tell_seal_keys_found(
    struct findings *all, const char *parameter, const struct ssm_keys *keys)
{
	findings_ok(all, SEAL_KEY,
	    "version %lld of parameter %s%s opens sealed messages; sealing "
	    "hides them from readers of the queue, not from the half that "
	    "talks to the network, which reads the key",
	    (long long)keys->version[0], parameter,
	    keys->n > 1 ? ", and the one before," : "");
	if (keys->former.code != 0)
		findings_warn(all, SEAL_KEY, NULL,
		    "what was sealed for version %lld does not open: %s",
		    (long long)keys->version[0] - 1, keys->former.text);
}

/* Asked for as a run does: whether it is encrypted, by which KMS key, and a key
 * at all shows only so. */
static void look_at_parameter(struct findings *all, struct session *s,
    const char *parameter, int64_t deadline)
{
	struct ssm_keys keys = {.n = 0};
	struct sqs *ssm = NULL;
	struct err err = {0};
	int rc = session_open_service(s, &ssm_service, deadline, &ssm, &err);

	if (rc == 0)
		rc = ssm_seal_keys(ssm, parameter, deadline, &keys, &err);
	explicit_bzero(keys.keys, sizeof keys.keys);
	sqs_free(ssm);
	if (rc == 0)
		tell_seal_keys_found(all, parameter, &keys);
	else
		findings_err(all, SEAL_KEY, &err);
}

/* A run goes on without it. */
static void look_at_fallback(
    struct findings *all, struct session *s, int64_t deadline)
{
	struct sqs *kms = NULL;
	struct err err = {0};
	uint8_t byte;
	int rc = session_open_service(s, &kms_service, deadline, &kms, &err);

	if (rc == 0)
		rc = kms_random(kms, &byte, sizeof byte, deadline, &err);
	sqs_free(kms);
	if (rc == 0)
		findings_ok(all, "fallback",
		    "KMS gives random bytes (" KMS_PERMISSION
		    "), which earn no credit");
	else
		findings_warn(all, "fallback", NULL, "%s", err.text);
}

void doctor_beside(struct findings *all, struct session *s,
    const struct doctor_wants *wants, const char *blocked, int64_t deadline)
{
	int64_t end = clock_mono(s->clock) + BESIDE_MS;

	if (wants->parameter != NULL && blocked != NULL)
		findings_not_asked(all, SEAL_KEY, "%s", blocked);
	else if (wants->parameter != NULL)
		look_at_parameter(
		    all, s, wants->parameter, end < deadline ? end : deadline);
	end = clock_mono(s->clock) + BESIDE_MS;
	if (wants->random && blocked != NULL)
		findings_not_asked(all, "fallback", "%s", blocked);
	else if (wants->random)
		look_at_fallback(all, s, end < deadline ? end : deadline);
}
