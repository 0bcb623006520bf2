/* SPDX-License-Identifier: Apache-2.0 */
/* Steps of --setup about systemd: when the service starts, and that it does. */
#include "producer/setup/setup.h"
#include "producer/setup/unit.h"

#define CLOCK_UNIT "systemd-time-wait-sync.service"

/* A Pi has no clock of its own, and a message that is signed at a wrong time
 * earns no credit.  The service waits for time-sync.target, which only this
 * unit makes wait for the time. */
int setup_clock(struct setup *s, struct err *err)
{
	(void)err;
	if (!unit_has_systemd()) {
		findings_warn(&s->all, "clock",
		    "start the producer once the clock is right",
		    "systemd does not run here, which could wait for that");
		return 0;
	}
	if (unit_systemctl("is-enabled", CLOCK_UNIT, true) == 0) {
		findings_ok(&s->all, "clock",
		    "the service waits until the time is right");
		return 0;
	}
	if (unit_systemctl("enable", CLOCK_UNIT, true) != 0) {
		findings_warn(&s->all, "clock",
		    "install systemd-timesyncd, or let the unit of another "
		    "NTP client be wanted by time-sync.target",
		    CLOCK_UNIT " cannot be enabled: at a boot the producer may "
			       "start before the time is right");
		return 0;
	}
	s->changed = true;
	findings_ok(&s->all, "clock",
	    "from now on the service waits until the time is right");
	return 0;
}

static int start_service(struct setup *s, struct err *err)
{
	if (unit_systemctl("enable", UNIT_NAME, false) != 0 ||
	    unit_systemctl("restart", UNIT_NAME, false) != 0 ||
	    /* A condition of the unit that does not hold is no failure. */
	    unit_systemctl("is-active", UNIT_NAME, true) != 0)
		return err_set(err, ERR_CONFIG,
		    UNIT_NAME " does not start: run systemctl status "
			      "sqs-entropy-producer to see why");
	findings_ok(&s->all, "service", "enabled and started");
	return 0;
}

int setup_service(struct setup *s, struct err *err)
{
	if (!unit_has_systemd()) {
		findings_warn(&s->all, "service",
		    "run sqs-entropy-producer by what starts your services",
		    "systemd does not run here");
		return 0;
	}
	if (!s->changed && unit_systemctl("is-enabled", UNIT_NAME, true) == 0 &&
	    unit_systemctl("is-active", UNIT_NAME, true) == 0) {
		findings_ok(&s->all, "service", "enabled and running");
		return 0;
	}
	return start_service(s, err);
}
