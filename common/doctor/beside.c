/* SPDX-License-Identifier: Apache-2.0 */
/* Services that are asked beside the queues. */
#include "doctor/network.h"

#include "sqs/kms.h"

#define BESIDE_MS 8000 /* for each */

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
	const int64_t end = clock_mono(s->clock) + BESIDE_MS;

	if (wants->random && blocked != NULL)
		findings_not_asked(all, "fallback", "%s", blocked);
	else if (wants->random)
		look_at_fallback(all, s, end < deadline ? end : deadline);
}
