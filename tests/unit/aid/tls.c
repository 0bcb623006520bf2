/* SPDX-License-Identifier: Apache-2.0 */
#include "aid/tls.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

char tls_aid_folder[] = "/tmp/sqs-entropy-tls-XXXXXX";
char tls_aid_cert[64], tls_aid_key[64], tls_aid_other[64];
static char other_key[64];

void tls_aid_path(char out[static 64], const char *name)
{
	(void)snprintf(out, 64, "%s/%s", tls_aid_folder, name);
}

/* in: its standard input, -1 for none. */
static pid_t spawn(const char *const argv[], int in, int *out)
{
	int fd[2], null;
	pid_t child;

	assert_int_equal(pipe(fd), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		null = open("/dev/null", O_RDWR);
		(void)dup2(in >= 0 ? in : null, STDIN_FILENO);
		(void)dup2(fd[1], STDOUT_FILENO);
		(void)dup2(null, STDERR_FILENO);
		(void)close(fd[0]);
		(void)execvp(argv[0], (char *const *)argv);
		_exit(127);
	}
	(void)close(fd[1]);
	*out = fd[0];
	return child;
}

pid_t tls_aid_spawn(const char *const argv[], int *out)
{
	return spawn(argv, -1, out);
}

static bool make_certificate(char *path, char *key_path)
{
	const char *const argv[] = {"openssl", "req", "-x509", "-newkey", "ec",
	    "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1",
	    "-subj", "/CN=test", "-addext", "subjectAltName=IP:127.0.0.1",
	    "-keyout", key_path, "-out", path, NULL};
	int status, out;
	pid_t child = tls_aid_spawn(argv, &out);

	(void)close(out);
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

int tls_aid_set_up(void **state)
{
	(void)state;
	if (mkdtemp(tls_aid_folder) == NULL)
		return -1;
	tls_aid_path(tls_aid_cert, "cert.pem");
	tls_aid_path(tls_aid_key, "key.pem");
	tls_aid_path(tls_aid_other, "other.pem");
	tls_aid_path(other_key, "other.key");
	if (make_certificate(tls_aid_cert, tls_aid_key) &&
	    make_certificate(tls_aid_other, other_key))
		return 0;
	print_message("no openssl command: TLS is not tested\n");
	tls_aid_cert[0] = '\0';
	return 0;
}

int tls_aid_tear_down(void **state)
{
	(void)state;
	(void)unlink(tls_aid_cert);
	(void)unlink(tls_aid_key);
	(void)unlink(tls_aid_other);
	(void)unlink(other_key);
	return rmdir(tls_aid_folder);
}

static struct tls_server start_server(const char *const *options, int in)
{
	const char *argv[16] = {"openssl", "s_server", "-accept", "127.0.0.1:0",
	    "-cert", tls_aid_cert, "-key", tls_aid_key};
	struct tls_server s = {.in = -1};
	char line[512];
	size_t len = 0;
	int port = 0;

	if (tls_aid_cert[0] == '\0') {
		print_message("skipped: there is no openssl command\n");
		skip();
	}
	for (size_t i = 0; options[i] != NULL; i++)
		argv[8 + i] = options[i];
	s.child = spawn(argv, in, &s.out);
	memset(line, 0, sizeof line);
	while (port == 0 && len < sizeof line - 1) {
		const char *at;

		assert_int_equal(read(s.out, line + len, 1), 1);
		at = line[len++] == '\n' ? strstr(line, "ACCEPT ") : NULL;
		at = at != NULL ? strrchr(at, ':') : NULL;
		if (at != NULL)
			port = atoi(at + 1);
	}
	assert_true(port > 0);
	(void)snprintf(s.url, sizeof s.url, "https://127.0.0.1:%d/", port);
	return s;
}

struct tls_server tls_server_start(const char *version)
{
	const char *const options[] = {
	    "-www", "-cipher", "ALL:@SECLEVEL=0", version, NULL};

	return start_server(options, -1);
}

/* Without -www, s_server sends what it reads until that ends. */
struct tls_server tls_server_answer(const char *answer)
{
	const char *const none[] = {NULL};
	struct tls_server s;
	int fd[2];

	assert_int_equal(pipe2(fd, O_CLOEXEC), 0);
	s = start_server(none, fd[0]);
	s.in = fd[1];
	(void)close(fd[0]);
	assert_int_equal(
	    write(s.in, answer, strlen(answer)), (ssize_t)strlen(answer));
	return s;
}

void tls_server_stop(struct tls_server *s)
{
	(void)kill(s->child, SIGKILL);
	assert_int_equal(waitpid(s->child, NULL, 0), s->child);
	(void)close(s->out);
	if (s->in >= 0)
		(void)close(s->in);
}
