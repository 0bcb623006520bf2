/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/doctor.h"

#include <dirent.h>
#include <stdio.h>
#include <unistd.h>

#include "agent/halves.h"
#include "agent/offline/inject.h"
#include "agent/offline/verify.h"
#include "agent/online/fallback.h"
#include "agent/online/online.h"
#include "base/file.h"
#include "base/text.h"
#include "doctor/halves.h"
#include "doctor/host.h"

#define STATE_DIRECTORY "/var/lib/sqs-entropy" /* or STATE_DIRECTORY */
#define NAMES_MAX       1536 /* bytes of a list of keys; more are cut */

static const struct doctor_unit units[] = {
    {.name = "sqs-entropy-agent.service"},
    {.name = "sqs-entropy-agent.timer", .runs = true, .recurs = true},
    {.name = "sqs-entropy-agent-retry.timer", .runs = true, .recurs = true},
    {.name = "sqs-entropy-agent-watch.service"},
};

/* What the offline half needs. */
struct doctor {
	const struct conf *conf;
	int kernel; /* INJECT_DEVICE; -1: not open, or it is for a file */
	struct err cannot; /* why it is not open */
};

/* ---- keys */

/* Each with its id, which the claim of a message names. */
static void list_trusted(
    const struct keyfile_trusted *trusted, char names[static NAMES_MAX])
{
	size_t len = 0;

	names[0] = '\0';
	for (size_t i = 0; i < trusted->n && len < NAMES_MAX; i++) {
		char id[TEXT_HEX_LEN(KEYFILE_ID_LEN)];

		text_hex(id, trusted->at[i].id, KEYFILE_ID_LEN);
		len += (size_t)snprintf(names + len, NAMES_MAX - len,
		    "%s%s (%s)", i > 0 ? ", " : "", trusted->at[i].name, id);
	}
}

/* A key that somebody put there and that is not read is easily overlooked. */
static void look_for_ignored(struct findings *all, const char *directory)
{
	DIR *dir = opendir(directory);
	const struct dirent *entry;

	while (dir != NULL && (entry = readdir(dir)) != NULL)
		if (entry->d_name[0] != '.' &&
		    !keyfile_is_trusted(entry->d_name))
			findings_warn(all, "trusted keys",
			    "give the file a name that ends in .pub, or "
			    "remove it",
			    "%s/%s is not read", directory, entry->d_name);
	if (dir != NULL)
		(void)closedir(dir);
}

static void tell_trusted(struct findings *all, const struct conf *conf,
    const struct keyfile_trusted *trusted)
{
	char names[NAMES_MAX];

	list_trusted(trusted, names);
	if (trusted->n > 0)
		findings_ok(all, "trusted keys", "%zu in %s: %s", trusted->n,
		    conf->trusted_producers, names);
	else if (conf->policy.unsigned_messages == CREDIT_CREDIT)
		findings_ok(all, "trusted keys",
		    "none, and unsigned messages earn credit");
	else
		findings_warn(all, "trusted keys",
		    "put the line that --genkey printed on the producer into "
		    "a file NAME.pub there",
		    "there is none in %s: no message earns credit",
		    conf->trusted_producers);
}

static void tell_refused(void *ctx, const struct err *why)
{
	findings_warn(
	    ctx, "trusted keys", NULL, "%s; the key is not trusted", why->text);
}

static void look_at_trusted(struct findings *all, const struct conf *conf)
{
	struct keyfile_trusted trusted;
	struct err err = {0};

	if (verify_read_trusted(&trusted, conf->trusted_producers, tell_refused,
		all, &err) != 0) {
		findings_err(all, "trusted keys", &err);
		return;
	}
	tell_trusted(all, conf, &trusted);
	look_for_ignored(all, conf->trusted_producers);
}

static void look_at_agent_keys(struct findings *all, const struct conf *conf)
{
	struct err err = {0};
	struct verify v;

	/* This starts OpenSSL, and reads no trusted keys. */
	if (verify_open(&v, "", conf->seal_key, &err) != 0)
		findings_err(all, "seal key", &err);
	else if (conf->seal_key[0] != '\0' &&
		 conf_parameter(conf->seal_key) == NULL)
		findings_ok(all, "seal key",
		    "%s opens sealed messages (seal=%s%s%s)", conf->seal_key,
		    verify_opens(&v, HPKE_X25519) ? "x25519" : "",
		    verify_opens(&v, HPKE_X25519) &&
			    verify_opens(&v, HPKE_XWING)
			? ", "
			: "",
		    verify_opens(&v, HPKE_XWING) ? "xwing" : "");
	verify_close(&v);
	look_at_trusted(all, conf);
}

/* ---- the halves */

static void leave_agent_doctor(void *ctx)
{
	struct doctor *d = ctx;

	if (d->kernel >= 0)
		(void)close(d->kernel);
	d->kernel = -1;
}

/* Who may not inject has no capability for it to keep, which is a finding, and
 * is confined as a run that writes to a file. */
static int confine_agent_doctor(void *ctx, struct err *err)
{
	const struct doctor *d = ctx;
	struct conf conf = *d->conf;

	if (d->cannot.code != 0)
		(void)snprintf(conf.output, sizeof conf.output, "-");
	return agent_confine_offline(&conf, err);
}

/* With the rights that a run has when it injects. */
static void look_at_injection(void *ctx, struct findings *all)
{
	struct doctor *d = ctx;
	struct err err = d->cannot;
	int rc = err.code;

	if (d->conf->output[0] != '\0') {
		findings_not_asked(
		    all, "injection", "the bytes are for %s", d->conf->output);
		return;
	}
	if (rc == 0)
		rc = inject_probe(d->kernel, &err);
	if (rc != 0)
		findings_err(all, "injection", &err);
	else
		findings_ok(all, "injection",
		    "the kernel takes what the confined half gives");
}

static int run_agent_doctor(
    const struct conf *conf, struct findings *all, struct err *err)
{
	struct doctor d = {.conf = conf, .kernel = -1};
	const struct doctor_halves plan = {.leave = leave_agent_doctor,
	    .session = agent_session(conf),
	    .wants = {.run_s = conf->timeout,
		.random = fallback_is_wanted(conf),
		.parameter = conf_parameter(conf->seal_key)},
	    .start_runner = agent_start_runner,
	    .confine_online = agent_confine_online,
	    .confine_offline = confine_agent_doctor,
	    .look = look_at_injection,
	    .ctx = &d};
	int rc;

	if (conf->output[0] == '\0')
		(void)!inject_open(&d.kernel, &d.cannot);
	rc = doctor_run_halves(all, &plan, err);
	leave_agent_doctor(&d);
	return rc;
}

static void look_around_agent(struct findings *all, const struct conf *conf)
{
	if (conf->common.file == conf_program.file)
		doctor_environment(all, conf_program.name);
	doctor_kernel(all);
	doctor_clock(all);
	doctor_confinement(all, AGENT_OFFLINE_USER, AGENT_ONLINE_USER);
	look_at_agent_keys(all, conf);
	doctor_arns(all, conf->common.queues);
	doctor_state(all, "state",
	    file_directory("STATE_DIRECTORY", STATE_DIRECTORY), "seen");
	agent_doctor_last_run(all);
	agent_doctor_cloud_init(all);
	doctor_units(all, units, sizeof units / sizeof units[0]);
}

int agent_doctor(const struct conf *conf, struct err *err)
{
	struct findings all;
	int rc = findings_open(&all, stdout, conf->json, err);

	if (rc != 0)
		return rc;
	look_around_agent(&all, conf);
	rc = run_agent_doctor(conf, &all, err);
	if (rc != 0)
		findings_err(&all, "halves", err);
	return findings_close(&all, err);
}
