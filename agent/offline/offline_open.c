/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/offline/offline.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "agent/offline/status.h"
#include "base/file.h"
#include "base/log.h"
#include "message/message.h"

#define STATE_DIRECTORY "/var/lib/sqs-entropy" /* or STATE_DIRECTORY */

/* As with the kernel's own seed file: without memory there is no credit. */
static void open_replay(struct offline *o, int64_t deadline)
{
	struct err err = {0};
	char path[PATH_MAX];

	(void)snprintf(path, sizeof path, "%s/seen",
	    file_make_directory("STATE_DIRECTORY", STATE_DIRECTORY, 0700));
	o->remembers = replay_open(&o->replay, path, deadline, &err) == 0;
	if (o->remembers)
		return;
	if (o->sink.kernel && o->verify.trusted.n > 0)
		log_warning("no credit can be given: %s", err.text);
	else
		log_info("no credit can be given: %s", err.text);
}

/* What is not there is left out: it only adds to the difference. */
static void open_identity(struct offline *o)
{
	static const char *const files[] = {
	    "/proc/sys/kernel/random/boot_id",
	    /* EC2's hypervisor shows the instance id here. */
	    "/sys/class/dmi/id/board_asset_tag",
	    "/etc/machine-id",
	};
	uint8_t text[256];
	size_t len;

	for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
		if (file_read(files[i], text, sizeof text, &len) == 0 &&
		    buf_add(o->identity, text, len) != 0)
			log_debug("%s left out", files[i]);
}

int offline_open(struct offline *o, const struct conf *conf, int64_t deadline,
    struct err *err)
{
	int rc;

	*o = (struct offline){.conf = conf,
	    .sink = {.fd = -1},
	    .replay = {.fd = -1},
	    .status_fd = -1,
	    .last_seed_fd = -1,
	    .deadline = deadline,
	    .identity = buf_new(OFFLINE_IDENTITY_MAX)};
	if (o->identity == NULL)
		return err_set(err, ERR_NOMEM, "out of memory");
	rc = verify_open(
	    &o->verify, conf->trusted_producers, conf->seal_key, err);
	if (rc == 0)
		rc = sink_open(&o->sink, conf->output,
		    (size_t)conf->messages * MESSAGE_PAYLOAD_MAX, err);
	if (rc != 0)
		return rc;
	open_replay(o, deadline);
	open_identity(o);
	/* Under the lock of the digests, so that another run has ended. */
	last_seed_read(&o->last_seed);
	/* A look at the bytes is no news, unless somebody has a place for it.
	 */
	if (o->sink.kernel || getenv("RUNTIME_DIRECTORY") != NULL)
		o->status_fd = status_open(STATUS_NAME);
	if (o->sink.kernel)
		o->last_seed_fd = status_open(LAST_SEED_NAME);
	return 0;
}

void offline_close(struct offline *o)
{
	sink_close(&o->sink);
	verify_close(&o->verify);
	replay_close(&o->replay);
	buf_free(o->identity);
	o->identity = NULL;
	if (o->status_fd >= 0)
		(void)close(o->status_fd);
	if (o->last_seed_fd >= 0)
		(void)close(o->last_seed_fd);
	o->status_fd = o->last_seed_fd = -1;
}
