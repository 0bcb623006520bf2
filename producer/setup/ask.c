/* SPDX-License-Identifier: Apache-2.0 */
#include "producer/setup/ask.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/text.h"

#define CTRL_C    3
#define CTRL_D    4
#define BACKSPACE 8
#define CTRL_U    21
#define DELETE    127

/* A terminal that shows nothing.  Keys come one by one, Ctrl-C among them, so
 * that no signal ends this process before the old mode is back. */
struct silence {
	bool held;
	struct termios old;
	sigset_t mask;
};

static void be_silent(struct silence *s)
{
	struct termios mode;
	sigset_t late;

	s->held = tcgetattr(STDIN_FILENO, &s->old) == 0;
	if (!s->held)
		return;
	(void)sigfillset(&late);
	(void)sigprocmask(SIG_BLOCK, &late, &s->mask);
	mode = s->old;
	mode.c_lflag &= ~(tcflag_t)(ECHO | ECHONL | ICANON | ISIG);
	mode.c_cc[VMIN] = 1;
	mode.c_cc[VTIME] = 0;
	(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &mode);
}

static void end_silence(const struct silence *s)
{
	if (!s->held)
		return;
	(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &s->old);
	(void)sigprocmask(SIG_SETMASK, &s->mask, NULL);
	(void)fputc('\n', stderr);
}

/* Standard input is read byte by byte: what stands behind an answer belongs to
 * the next question, and no buffer of stdio keeps a secret. */
static int read_byte(uint8_t *c, struct err *err)
{
	ssize_t n;

	do
		n = read(STDIN_FILENO, c, 1);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return err_errno(err, ERR_IO, "cannot read standard input");
	return n == 0 ? ERR_EOF : 0;
}

/* True if the key is one that edits a line that nobody sees. */
static bool edit_unseen(struct buf *out, uint8_t key)
{
	const size_t len = buf_len(out);

	if (key == CTRL_U)
		buf_reset(out);
	else if ((key == BACKSPACE || key == DELETE) && len > 0)
		buf_truncate(out, len - 1);
	else
		return key == BACKSPACE || key == DELETE;
	return true;
}

static int read_typed(bool unseen, struct buf *out, struct err *err)
{
	uint8_t c;
	int rc;

	for (;;) {
		rc = read_byte(&c, err);
		if (rc == 0 && unseen && (c == CTRL_C || c == CTRL_D))
			return err_set(err, ERR_CANCELED,
			    "stopped; what was done before stays");
		if (rc == ERR_EOF && buf_len(out) > 0)
			return 0;
		if (rc != 0 || c == '\n' || (unseen && c == '\r'))
			return rc;
		if (!unseen || !edit_unseen(out, c))
			rc = buf_add(out, &c, 1);
		explicit_bzero(&c, sizeof c);
		if (rc != 0)
			return rc;
	}
}

static int trim_answer(struct buf *out)
{
	const char *s = buf_str(out);
	size_t len = buf_len(out), from = strspn(s, " \t");
	struct buf *whole;
	int rc;

	while (len > from && strchr(" \t\r", s[len - 1]) != NULL)
		len--;
	buf_truncate(out, len);
	if (from == 0)
		return 0;
	whole = buf_new(ASK_LINE_MAX);
	rc = whole == NULL ? ERR_NOMEM
			   : buf_set(whole, buf_data(out), buf_len(out));
	if (rc == 0)
		rc =
		    buf_set(out, buf_data(whole) + from, buf_len(whole) - from);
	buf_free(whole);
	return rc;
}

int ask_line(
    const char *question, bool secret, struct buf *out, struct err *err)
{
	const bool terminal = isatty(STDIN_FILENO) == 1;
	struct silence silence = {.held = false};
	int rc;

	buf_reset(out);
	if (terminal)
		(void)fprintf(stderr, "%s: ", question);
	(void)fflush(stderr);
	if (terminal && secret)
		be_silent(&silence);
	rc = read_typed(silence.held, out, err);
	end_silence(&silence);
	if (rc == ERR_EOF)
		return err_set(err, ERR_USAGE,
		    "no answer to \"%s\": give it on standard input, a line "
		    "for each question",
		    question);
	if (rc == 0)
		rc = trim_answer(out);
	if (rc == ERR_NOMEM)
		return err_set(err, rc, "out of memory");
	if (rc == ERR_LIMIT ||
	    (rc == 0 && !text_is_printable(buf_str(out), buf_len(out))))
		return err_set(err, ERR_USAGE,
		    "the answer to \"%s\" is too long, or not printable",
		    question);
	return rc;
}

int ask_needed(
    const char *question, bool secret, struct buf *out, struct err *err)
{
	const int rc = ask_line(question, secret, out, err);

	if (rc != 0 || buf_len(out) > 0)
		return rc;
	return err_set(err, ERR_USAGE,
	    "the answer to \"%s\" is empty: start again, and give one",
	    question);
}

int ask_whether(
    const struct ask *ask, const char *question, bool *yes, struct err *err)
{
	static const char *const yeses[] = {"y", "Y", "yes"};
	static const char *const noes[] = {"", "n", "N", "no"};
	char shown[512];
	struct buf *out;
	int rc;

	*yes = ask->yes;
	if (ask->yes)
		return 0;
	out = buf_new(ASK_LINE_MAX);
	if (out == NULL)
		return err_set(err, ERR_NOMEM, "out of memory");
	(void)snprintf(shown, sizeof shown, "%s [y/N]", question);
	rc = ask_line(shown, false, out, err);
	for (size_t i = 0; rc == 0 && i < 3; i++)
		*yes = *yes || strcmp(buf_str(out), yeses[i]) == 0;
	if (rc == 0 && !*yes) {
		rc = ERR_USAGE;
		for (size_t i = 0; rc != 0 && i < 4; i++)
			rc = strcmp(buf_str(out), noes[i]) == 0 ? 0 : rc;
		if (rc != 0)
			(void)err_set(err, rc,
			    "the answer to \"%s\" is neither y nor n",
			    question);
	}
	buf_free(out);
	return rc;
}
