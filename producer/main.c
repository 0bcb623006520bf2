/* SPDX-License-Identifier: Apache-2.0 */
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "conf.h"
#include "confine.h"
#include "io.h"
#include "log.h"
#include "offline.h"
#include "online.h"
#include "source.h"

#define NAME    "sqs-entropy-producer"
/* SIGTERM ends the whole within a second; a half that ends by itself may take
 * longer over its connections. */
#define STOP_MS 500
#define END_MS  5000

static int online_half(int fd, const struct conf *conf)
{
	int cancel_fd;

	if (io_stop_fd(&cancel_fd) != 0)
		return ERR_IO;
	return online_run(fd, conf, cancel_fd);
}

static int offline_half(
    int fd, struct source *source, const struct conf *conf, struct err *err)
{
	int cancel_fd;
	int rc = io_stop_fd(&cancel_fd);

	if (rc == 0)
		rc = offline_run(fd, source, conf, cancel_fd);
	if (rc != 0 && rc != ERR_CANCELED)
		return err_set(
		    err, rc, "the offline half failed: %s", err_text(rc));
	return rc;
}

/* The exit code of the online half, that of the whole program. */
static int end_online(pid_t child)
{
	const struct clock clock = clock_system(NULL);
	const int status = io_reap(child, clock_mono(&clock) + END_MS);

	return WIFEXITED(status) ? WEXITSTATUS(status) : err_exit(ERR_INTERNAL);
}

static void stop_online(pid_t child)
{
	const struct clock clock = clock_system(NULL);

	(void)kill(child, SIGTERM);
	(void)io_reap(child, clock_mono(&clock) + STOP_MS);
}

/* Returns an exit code. */
static int run_halves(
    struct source *source, const struct conf *conf, struct err *err)
{
	pid_t child;
	int fd, rc;

	if (io_split(&fd, &child) != 0) {
		err_errno(err, ERR_IO, "cannot start the online half");
		return err_exit(ERR_IO);
	}
	if (child == 0) {
		source_close(source);
		/* No exit handlers: they would wait for a name look-up. */
		_exit(err_exit(online_half(fd, conf)));
	}
	rc = offline_half(fd, source, conf, err);
	(void)close(fd);
	if (rc == 0)
		return end_online(child);
	stop_online(child);
	return rc == ERR_CANCELED ? 0 : err_exit(rc);
}

/* Returns an exit code. */
static int run(const struct conf *conf, struct err *err)
{
	struct source source;
	int rc;

	if (confine_no_core() != 0) {
		err_errno(err, ERR_IO, "cannot turn core dumps off");
		return err_exit(ERR_IO);
	}
	rc = source_open(&source, conf->device, err);
	if (rc != 0)
		return err_exit(rc);
	if (source.regular)
		log_warning("%s is a regular file: good for trials only, its "
			    "bytes come again at each start",
		    source.path);
	rc = run_halves(&source, conf, err);
	source_close(&source);
	return rc;
}

/* Returns an exit code. */
static int act(const struct conf *conf, struct err *err)
{
	switch (conf->action) {
	case CONF_HELP:
		conf_print_help();
		return 0;
	case CONF_VERSION:
		(void)puts(NAME " " SQS_ENTROPY_VERSION);
		return 0;
	case CONF_CHECK:
		(void)printf("%s: %s\n", conf->file,
		    access(conf->file, F_OK) == 0
			? "valid"
			: "not there, the defaults apply");
		return 0;
	case CONF_RUN:
		break;
	}
	return run(conf, err);
}

int main(int argc, char *argv[])
{
	struct conf conf;
	struct err err = {0};
	int rc;

	log_open(NAME, LOG_LEVEL_NOTICE);
	rc = conf_load(&conf, argc, argv, &err);
	log_open(NAME, conf.log_level);
	rc = rc == 0 ? act(&conf, &err) : err_exit(rc);
	if (err.code != 0)
		log_error("%s", err.text);
	return rc;
}
