/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_AWS_IMDS_H
#define SQS_ENTROPY_AWS_IMDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aws/cred.h"
#include "aws/imds_machine.h"
#include "aws/shared.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "http/client.h"

/*
 * The EC2 Instance Metadata Service, version 2 only (EC2 User Guide, "Use the
 * Instance Metadata Service").  The token is fetched when first needed and
 * renewed when a request answers 401.
 */
#define IMDS_TEXT_MAX   256   /* bytes of one plain value, with NUL */
#define IMDS_ANSWER_MAX 16384 /* bytes of any answer */
#define IMDS_TOKEN_TTL  21600 /* seconds asked for */

struct imds;

struct imds_config {
	bool wait_for_route; /* boot: no route yet is no failure */
	enum imds_machine machine;
	struct shared_files *files; /* of the profile in force; may be NULL */
	bool patient; /* the profile is read when something is asked, not yet */
};

/* The service where the environment and the profile say (imds_settings.h), else
 * at http://169.254.169.254; asks nobody.  Borrows http and clock, and what cfg
 * points to. ERR_CONFIG, ERR_NOMEM. */
int imds_new(struct http *http, const struct clock *clock,
    const struct imds_config *cfg, struct imds **out, struct err *err)
    MUST_CHECK;
void imds_free(struct imds *i);

/* Its URL without a final slash, for as long as i lives. */
const char *imds_endpoint(const struct imds *i);

/*
 * Values are text without its final line feed.  Each question is asked again
 * while the answer may still come: when nobody answers or can be reached, after
 * 401 (with another token), 429 and 5xx, what is malformed or too large, and a
 * Code that is not Success; until the deadline, or for less long where this may
 * be no EC2 instance (imds_fetch.h).
 * What is not there (404) is asked for for three seconds.  Errors, each with
 * what to do: ERR_ABSENT (404; no IMDSv2; nobody answers, and this is no EC2
 * instance; AWS_EC2_METADATA_DISABLED), ERR_DENIED (IMDS is off: 403),
 * ERR_TIMEOUT (silence), ERR_UNREACHABLE, ERR_CONNECT, ERR_NET, ERR_THROTTLED,
 * ERR_SERVICE (any other status), ERR_FORMAT, ERR_LIMIT, ERR_CONFIG,
 * ERR_CANCELED, ERR_NOMEM.
 */

/* meta-data/placement/region, meta-data/instance-id */
int imds_region(struct imds *i, char out[static IMDS_TEXT_MAX],
    int64_t deadline, struct err *err) MUST_CHECK;
int imds_instance_id(struct imds *i, char out[static IMDS_TEXT_MAX],
    int64_t deadline, struct err *err) MUST_CHECK;

/* Whoever will ask for the instance id says so before: it is asked for as soon
 * as the credentials have come, and comes while others are waited for. */
void imds_want_id(struct imds *i);

/* meta-data/tags/instance/KEY; ERR_ABSENT when tags are not in the metadata
 * or there is no such tag. */
int imds_tag(struct imds *i, const char *key, char out[static IMDS_TEXT_MAX],
    int64_t deadline, struct err *err) MUST_CHECK;

/* The credentials of the instance's IAM role; the source borrows i.  The role
 * is asked for anew with each attempt, because another may have been attached.
 * ERR_ABSENT: none is; ERR_DENIED as well when EC2 may not assume it. */
struct cred_source imds_source(struct imds *i);

/*
 * The JSON document that IMDS gives for a role, into out (EC2 User Guide,
 * "Retrieve security credentials from instance metadata").  ERR_DENIED: its
 * Code says that the role may not be assumed; ERR_SERVICE: it is another one
 * than Success; ERR_FORMAT: not such a document.  Pure.
 */
int imds_document(const struct buf *text, const char *role, struct cred *out,
    struct err *err) MUST_CHECK;

/* True if this is an EC2 instance, by what the machine says or because IMDS has
 * given a token. */
bool imds_answers(const struct imds *i);

#endif
