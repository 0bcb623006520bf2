/* SPDX-License-Identifier: Apache-2.0 */
/* What systemd says of the package's units. */
#include "doctor/host.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define ANSWER_BYTES  8192
#define COMMAND_BYTES 1024
#define VALUE_BYTES   64
/* systemd may be busy; systemctl itself waits for longer. */
#define ASK                                                                    \
	"timeout 5 systemctl show --property=LoadState,ActiveState,"           \
	"SubState,UnitFileState,Result"

/* What systemd says of one unit; "": nothing. */
struct unit_state {
	char load[VALUE_BYTES], active[VALUE_BYTES], sub[VALUE_BYTES];
	char file[VALUE_BYTES], result[VALUE_BYTES];
};

static bool ask_systemd(
    const struct doctor_unit *unit, char answer[static ANSWER_BYTES])
{
	char command[COMMAND_BYTES];
	FILE *from;
	size_t len;

	(void)snprintf(
	    command, sizeof command, ASK " %s 2>/dev/null", unit->name);
	/* The command has no word of anybody's but ours.
	 * NOLINTNEXTLINE(cert-env33-c) */
	from = popen(command, "re");
	if (from == NULL)
		return false;
	len = fread(answer, 1, ANSWER_BYTES - 1, from);
	answer[len] = '\0';
	return pclose(from) == 0 && len > 0;
}

/* The value of "NAME=VALUE" in the answer. */
static void take_unit_property(
    const char *answer, const char *name, char out[static VALUE_BYTES])
{
	const size_t n = strlen(name);

	out[0] = '\0';
	for (const char *line = answer; line != NULL && *line != '\0';
	     line = strchr(line, '\n')) {
		line += *line == '\n' ? 1 : 0;
		if (strncmp(line, name, n) != 0 || line[n] != '=')
			continue;
		(void)snprintf(out, VALUE_BYTES, "%.*s",
		    (int)strcspn(line + n + 1, "\n"), line + n + 1);
		return;
	}
}

static void read_unit_state(const char *answer, struct unit_state *s)
{
	take_unit_property(answer, "LoadState", s->load);
	take_unit_property(answer, "ActiveState", s->active);
	take_unit_property(answer, "SubState", s->sub);
	take_unit_property(answer, "UnitFileState", s->file);
	take_unit_property(answer, "Result", s->result);
}

/* That no boot starts it may be somebody's choice. */
static void warn_of_unit(struct findings *all, const struct doctor_unit *unit)
{
	char command[FINDING_REMEDY_MAX], name[FINDING_NAME_MAX];

	(void)snprintf(name, sizeof name, "unit %s", unit->name);
	(void)snprintf(
	    command, sizeof command, "systemctl enable --now %s", unit->name);
	findings_warn(all, name, command, "no boot starts it");
}

static void fail_unit(struct findings *all, const struct doctor_unit *unit,
    const char *remedy, const char *what)
{
	char command[FINDING_REMEDY_MAX], name[FINDING_NAME_MAX];

	(void)snprintf(name, sizeof name, "unit %s", unit->name);
	(void)snprintf(command, sizeof command, remedy, unit->name);
	findings_fail(all, ERR_CONFIG, name, command, "%s", what);
}

/* A timer that waits for nothing starts its service no more. */
static bool is_stuck(const struct doctor_unit *unit, const struct unit_state *s)
{
	return unit->recurs && strcmp(s->active, "active") == 0 &&
	       strcmp(s->sub, "elapsed") == 0;
}

static void judge_unit(struct findings *all, const struct doctor_unit *unit,
    const struct unit_state *s)
{
	char name[FINDING_NAME_MAX];

	(void)snprintf(name, sizeof name, "unit %s", unit->name);
	if (strcmp(s->load, "not-found") == 0)
		findings_not_asked(all, name, "it is not installed");
	else if (strcmp(s->load, "masked") == 0)
		fail_unit(all, unit, "systemctl unmask %s", "it is masked");
	else if (strcmp(s->load, "loaded") != 0)
		fail_unit(
		    all, unit, "systemctl status %s", "systemd cannot load it");
	else if (strcmp(s->active, "failed") == 0)
		fail_unit(all, unit, "journalctl -b -u %s", "it has failed");
	else if (strcmp(s->sub, "auto-restart") == 0)
		fail_unit(all, unit, "journalctl -b -u %s",
		    "it ends again and again, and systemd starts it anew");
	else if (is_stuck(unit, s))
		fail_unit(all, unit, "systemctl restart %s",
		    "it is stuck: it has no next time");
	else if (strcmp(s->file, "disabled") == 0)
		warn_of_unit(all, unit);
	else if (unit->runs && strcmp(s->active, "inactive") == 0)
		fail_unit(all, unit, "systemctl start %s", "it does not run");
	else
		findings_ok(
		    all, name, "%s, %s (%s)", s->file, s->active, s->sub);
}

void doctor_units(
    struct findings *all, const struct doctor_unit units[], size_t n)
{
	char answer[ANSWER_BYTES];
	struct unit_state state;

	/* sd_booted(3) */
	if (access("/run/systemd/system", F_OK) != 0) {
		findings_not_asked(
		    all, "units", "systemd does not run this machine");
		return;
	}
	for (size_t i = 0; i < n; i++) {
		if (!ask_systemd(&units[i], answer)) {
			findings_not_asked(
			    all, "units", "systemctl does not answer");
			return;
		}
		read_unit_state(answer, &state);
		judge_unit(all, &units[i], &state);
	}
}
