/* SPDX-License-Identifier: Apache-2.0 */
#include "doctor/halves.h"

#include <signal.h>
#include <time.h>

#include "aws/cred_env.h"
#include "base/clock.h"
#include "base/descriptors.h"
#include "base/record.h"
#include "confine/confine.h"
#include "confine/split.h"

#define REAP_MS   1000 /* for the online half to end, behind the deadline */
#define LAST_MS   3000 /* this process is killed so much later */
#define TAKEN_MAX 512  /* findings: more are no work of ours */

/* The records of the online half. */
enum record_type {
	RECORD_FINDING = 1, /* struct finding */
	RECORD_END = 2      /* no data; the last one */
};

struct run {
	struct findings *all;
	const struct doctor_halves *plan;
	int64_t deadline;
	int fd; /* of the online half, to the other */
};

/* ---- the online half */

static void send_finding(void *ctx, const struct finding *f)
{
	const struct run *run = ctx;

	/* An offline half that has ended needs no more of them. */
	(void)!record_send(
	    run->fd, RECORD_FINDING, f, sizeof *f, -1, run->deadline + REAP_MS);
}

static int begin_looking(const struct run *run, struct session *s,
    const struct session_config *cfg, const struct clock *clock,
    struct err *err)
{
	const struct doctor_halves *plan = run->plan;
	struct runner runner;
	int rc = session_init(s, cfg, clock, err);

	if (rc == 0)
		rc = plan->start_runner(s, &runner, cfg->cancel_fd, err);
	if (rc == 0)
		rc = plan->confine_online(
		    session_readable(s), run->deadline, err);
	return rc;
}

/* What the program was started with is let go, as in a run: standard output is
 * the offline half's. */
static int look_online(void *ctx, int fd)
{
	struct run *run = ctx;
	struct session_config cfg = run->plan->session;
	struct findings found;
	struct clock clock;
	struct session s = {.n = 0};
	struct err err = {0};
	int rc = split_end_fd(fd, -1, &cfg.cancel_fd);

	/* Who asks wants to know what is so now. */
	cfg.wait_for_route = false;
	cfg.patient = false;
	run->fd = fd;
	findings_send(&found, send_finding, run);
	clock = clock_system(&cfg.cancel_fd);
	if (rc == 0)
		rc = descriptors_let_go();
	if (rc != 0)
		(void)err_errno(&err, rc, "cannot begin");
	else
		rc = begin_looking(run, &s, &cfg, &clock, &err);
	if (rc == 0)
		doctor_network(&found, &s, &run->plan->wants, run->deadline);
	else
		findings_err(&found, "configuration", &err);
	session_close(&s);
	return record_send(
	    fd, RECORD_END, NULL, 0, -1, run->deadline + REAP_MS);
}

/* ---- the offline half */

/* 0: the last one came. */
static int take_findings(struct run *run, int fd)
{
	struct finding f;
	uint32_t type = 0;
	size_t len;

	for (int i = 0; i < TAKEN_MAX; i++) {
		const int rc = record_receive(
		    fd, &type, &f, sizeof f, &len, -1, run->deadline + REAP_MS);
		if (rc != 0 || type == RECORD_END)
			return rc;
		if (type != RECORD_FINDING || len != sizeof f ||
		    !findings_take(run->all, &f))
			return ERR_FORMAT;
	}
	return ERR_LIMIT;
}

static int look_offline(void *ctx, int fd, int64_t *until, struct err *err)
{
	struct run *run = ctx;
	int rc;

	*until = run->deadline + REAP_MS;
	cred_env_forget();
	rc = run->plan->confine_offline(run->plan->ctx, err);
	if (rc != 0)
		return rc;
	run->plan->look(run->plan->ctx, run->all);
	rc = take_findings(run, fd);
	if (rc != 0)
		findings_fail(run->all, ERR_INTERNAL, "network", NULL,
		    "the half that talks to the network ended early: %s",
		    err_text(rc));
	return 0;
}

static void leave(void *ctx)
{
	const struct run *run = ctx;

	run->plan->leave(run->plan->ctx);
}

int doctor_run_halves(
    struct findings *all, const struct doctor_halves *plan, struct err *err)
{
	struct run run = {.all = all,
	    .plan = plan,
	    .deadline = clock_read(CLOCK_MONOTONIC) + DOCTOR_MS,
	    .fd = -1};
	const struct split split = {leave, look_online, look_offline, 0, &run};
	struct err end = {0};
	int rc = confine_lifetime(DOCTOR_MS + LAST_MS, err);

	(void)signal(SIGPIPE, SIG_IGN);
	if (rc == 0)
		rc = split_run(&split, &end, err);
	return rc;
}
