/* SPDX-License-Identifier: Apache-2.0 */
#include "producer/assess/restarts.h"

#include <string.h>

#include "base/file.h"
#include "producer/offline/source.h"

static int wait_for_source(void *ctx, int64_t ms)
{
	return clock_sleep(ctx, ms);
}

static int write_row(const char *path, int fd, const struct pace *pace,
    uint8_t row[static RESTARTS_ROW], struct err *err)
{
	struct source source;
	int rc = source_open(&source, path, err);

	if (rc != 0)
		return rc;
	if (source.major == 0)
		rc = err_set(err, ERR_CONFIG,
		    "%s is no device: only a device can be restarted", path);
	else
		rc = source_read(&source, pace, row, RESTARTS_ROW, err);
	source_close(&source);
	if (rc == 0 && file_write(fd, row, RESTARTS_ROW) != 0)
		rc = err_errno(err, ERR_IO, "cannot write the restarts");
	return rc;
}

int restarts_write(
    const char *path, int fd, const struct clock *clock, struct err *err)
{
	struct clock own = *clock;
	const struct pace pace = {&own, wait_for_source, &own};
	uint8_t row[RESTARTS_ROW];
	int rc = 0;

	for (unsigned i = 0; rc == 0 && i < RESTARTS_ROWS; i++)
		rc = write_row(path, fd, &pace, row, err);
	explicit_bzero(row, sizeof row);
	return rc;
}
