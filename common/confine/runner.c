/* SPDX-License-Identifier: Apache-2.0 */
#include "confine/runner.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/record.h"
#include "confine/command.h"
#include "confine/confine.h"
#include "confine/steps.h"

#define PIECE     16384
#define MARGIN_MS 100L /* the answer is to come before the deadline */
#define ANSWER_MS 5000
#define FILES_MAX                                                              \
	1024 /* closed one by one where close_range(2) is not there            \
	      */

enum { RUNNER_RUN = 1, RUNNER_OUTPUT, RUNNER_END };

struct run_request {
	int64_t deadline;
	uint32_t number, unused; /* no byte is left as it was */
};

/* Pieces of the output come before the end, and only of a command that ended
 * well. */
struct run_piece {
	uint32_t number, len;
	char data[PIECE];
};

struct run_end {
	uint32_t number;
	struct command_result result;
};

/* ---- in the runner */

static int close_others(int fd, int input_fd)
{
	const int input =
	    input_fd > 0 ? input_fd : open("/dev/null", O_RDWR | O_CLOEXEC);

	if (input < 0 || dup2(input, STDIN_FILENO) < 0)
		return ERR_IO;
#ifdef SYS_close_range
	if (syscall(SYS_close_range, STDERR_FILENO + 1, fd - 1, 0) == 0 &&
	    syscall(SYS_close_range, fd + 1, ~0U, 0) == 0)
		return 0;
#endif
	for (int other = STDERR_FILENO + 1; other < FILES_MAX; other++)
		if (other != fd)
			(void)close(other);
	return 0;
}

/* As the online half does, without the steps that no command would survive.
 * The order is that of confine.c. */
static int drop_rights(const char *user, bool *changed)
{
	const struct confine_half half = {.user = user, .cap = -1};
	int rc = confine_become(&half, changed, NULL);

	if (rc == 0)
		rc = confine_no_core();
	if (rc == 0)
		rc = confine_capabilities(-1, NULL);
	if (rc == 0 && *changed && !confine_root_is_gone())
		rc = ERR_PERM;
	if (rc == 0)
		rc = confine_limits(RUNNER_FILES, RUNNER_MEMORY, NULL);
	return rc;
}

static int answer(int fd, uint32_t number, const struct buf *out,
    const struct command_result *result)
{
	const int64_t deadline = clock_read(CLOCK_MONOTONIC) + ANSWER_MS;
	const struct run_end end = {.number = number, .result = *result};
	static struct run_piece piece;
	size_t sent = 0;
	int rc = 0;

	while (rc == 0 && result->end == COMMAND_EXITED && result->value == 0 &&
	       sent < buf_len(out)) {
		const size_t left = buf_len(out) - sent;

		piece.number = number;
		piece.len = (uint32_t)(left < PIECE ? left : PIECE);
		memcpy(piece.data, buf_data(out) + sent, piece.len);
		sent += piece.len;
		rc = record_send(
		    fd, RUNNER_OUTPUT, &piece, sizeof piece, -1, deadline);
	}
	explicit_bzero(&piece, sizeof piece);
	if (rc == 0)
		rc =
		    record_send(fd, RUNNER_END, &end, sizeof end, -1, deadline);
	return rc;
}

static void serve(int fd, char *const *words, char *const *environment)
{
	struct buf *out = buf_new(COMMAND_OUTPUT_MAX);
	struct command_result result;
	struct run_request request;
	uint32_t type;
	size_t len;
	int rc = out != NULL ? 0 : ERR_NOMEM;

	while (rc == 0) {
		rc = record_receive(
		    fd, &type, &request, sizeof request, &len, -1, 0);
		if (rc != 0 || type != RUNNER_RUN || len != sizeof request)
			break;
		command_run(
		    words, environment, request.deadline, fd, out, &result);
		rc = answer(fd, request.number, out, &result);
		buf_reset(out);
	}
	buf_free(out);
}

static _Noreturn void be_runner(
    const struct runner_plan *plan, const struct words *command, int fd)
{
	static struct words own;
	char **environment = NULL;
	bool changed = false;

	/* The words are copied, because leave() may free them. */
	own.n = command->n;
	memcpy(own.text, command->text, sizeof own.text);
	for (int i = 0; i < command->n; i++)
		own.at[i] = own.text + (command->at[i] - command->text);
	plan->leave(plan->ctx);
	if (close_others(fd, plan->input_fd) == 0 &&
	    drop_rights(plan->user, &changed) == 0 && command_prepare() == 0)
		environment = runner_environment(changed);
	if (environment != NULL)
		serve(fd, own.at, environment);
	_exit(0);
}

/* ---- in the online half */

static int fork_runner(struct runner *r, const struct runner_plan *plan,
    const struct words *command, struct err *err)
{
	int pair[2];
	pid_t pid;

	if (signal(SIGCHLD, SIG_IGN) == SIG_ERR ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
		return err_errno(err, ERR_IO, "cannot make a pair of sockets");
	pid = fork();
	if (pid == 0)
		be_runner(plan, command, pair[1]);
	(void)close(pair[1]);
	if (pid > 0) {
		r->fd = pair[0];
		return 0;
	}
	(void)close(pair[0]);
	return err_errno(
	    err, ERR_IO, "cannot start the process for credential_process");
}

int runner_start(
    struct runner *r, const struct runner_plan *plan, struct err *err)
{
	const struct words *command;
	int rc;

	*r = (struct runner){.fd = -1, .cancel_fd = plan->cancel_fd};
	rc = confine_as(plan->user, err);
	if (rc != 0)
		return rc;
	command = plan->find(plan->ctx);
	rc = confine_as_root(err);
	if (rc == 0 && command != NULL)
		rc = fork_runner(r, plan, command, err);
	return rc;
}

static int explain_end(const struct command_result *result, struct err *err)
{
	const char *said = result->said, *colon = said[0] != '\0' ? ": " : "";

	switch (result->end) {
	case COMMAND_EXITED:
		if (result->value == 0)
			return 0;
		return err_set(err, ERR_IO, "ended with status %d%s%s",
		    (int)result->value, colon, said);
	case COMMAND_SIGNALED:
		return err_set(err, ERR_IO, "was ended by signal %d (%s)%s%s",
		    (int)result->value, strsignal(result->value), colon, said);
	case COMMAND_LATE:
		return err_set(err, ERR_TIMEOUT,
		    "did not end in time and was killed%s%s", colon, said);
	case COMMAND_TOO_LONG:
		return err_set(err, ERR_LIMIT, "wrote more than %zu bytes",
		    COMMAND_OUTPUT_MAX);
	default:
		return err_set(err, ERR_IO, "could not be started: %s",
		    strerror(result->value));
	}
}

/* One record of the answer.  *ended: it was the last. */
static int take_run_record(uint32_t type, const struct run_piece *piece,
    size_t len, uint32_t number, struct buf *out, bool *ended, struct err *err)
{
	struct run_end end;

	if (type == RUNNER_END && len == sizeof end) {
		memcpy(&end, piece, sizeof end);
		end.result.said[sizeof end.result.said - 1] = '\0';
		*ended = end.number == number;
		return *ended ? explain_end(&end.result, err) : 0;
	}
	if (type != RUNNER_OUTPUT || len != sizeof *piece || piece->len > PIECE)
		return err_set(err, ERR_EOF,
		    "was answered by an unknown "
		    "record: start the program anew");
	if (piece->number != number)
		return 0; /* of a run that nobody waited for */
	return buf_add(out, piece->data, piece->len) == 0
		   ? 0
		   : err_set(err, ERR_LIMIT, "wrote too much");
}

static int fail_to_ask(int rc, struct err *err)
{
	if (rc == ERR_EOF)
		return err_set(err, rc,
		    "cannot be run, because the process for it has ended: "
		    "start the program anew");
	return err_set(err, rc, "did not end in time: %s", err_text(rc));
}

int runner_ask(void *runner, struct buf *out, int64_t deadline, struct err *err)
{
	struct runner *r = runner;
	const int64_t now = clock_read(CLOCK_MONOTONIC);
	const struct run_request request = {.number = ++r->asked,
	    .deadline = deadline - now > 2 * MARGIN_MS ? deadline - MARGIN_MS
						       : deadline};
	static struct run_piece piece;
	bool ended = false;
	uint32_t type;
	size_t len;
	int rc = record_send(r->fd, RUNNER_RUN, &request, sizeof request,
	    r->cancel_fd, deadline);

	buf_reset(out);
	if (rc != 0)
		return fail_to_ask(rc, err);
	while (rc == 0 && !ended) {
		rc = record_receive(r->fd, &type, &piece, sizeof piece, &len,
		    r->cancel_fd, deadline);
		if (rc != 0)
			return fail_to_ask(rc, err);
		rc = take_run_record(
		    type, &piece, len, request.number, out, &ended, err);
		explicit_bzero(&piece, sizeof piece);
	}
	return rc;
}
