/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who signs in this environment, for test_vectors_credentials.py and
 * test_botocore.py:
 *
 *	chain WALL TRAFFIC
 *
 * WALL is the time, in epoch seconds, 0 for the system's.  TRAFFIC is a URL
 * before which the URL of each request is asked instead; "" asks the services
 * themselves.  The answer is "ok KEY SECRET TOKEN EXPIRES ORIGIN", in
 * hexadecimal but for the time in epoch milliseconds, "-" for nothing; or
 * "error CODE TEXT".
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "aws/chain.h"
#include "aws/imds.h"
#include "confine/command.h"
#include "http/client.h"
#include "http/transfer.h"

#define PATIENCE_MS 20000

extern char **environ;

static const char *traffic;
static int64_t wall;
static const struct words *words;

/* Linked in the place of http_do() and http_start(). */
int __wrap_http_do(struct http *h, const struct http_request *req,
    struct http_transfer **out, struct err *err);
int __real_http_do(struct http *h, const struct http_request *req,
    struct http_transfer **out, struct err *err);
int __wrap_http_start(struct http *h, const struct http_request *req,
    struct http_transfer **out, struct err *err);
int __real_http_start(struct http *h, const struct http_request *req,
    struct http_transfer **out, struct err *err);

/* The request as it goes to TRAFFIC, until the next call. */
static const struct http_request *redirect(const struct http_request *req)
{
	static struct http_request other;
	static char url[4096];

	if (traffic[0] == '\0')
		return req;
	(void)snprintf(url, sizeof url, "%s/%s", traffic, req->url);
	other = *req;
	other.url = url;
	other.kind = HTTP_METADATA; /* no proxy */
	return &other;
}

int __wrap_http_do(struct http *h, const struct http_request *req,
    struct http_transfer **out, struct err *err)
{
	return __real_http_do(h, redirect(req), out, err);
}

int __wrap_http_start(struct http *h, const struct http_request *req,
    struct http_transfer **out, struct err *err)
{
	return __real_http_start(h, redirect(req), out, err);
}

static int64_t tell_wall(void *ctx)
{
	(void)ctx;
	return wall;
}

static int run_words(
    void *ctx, struct buf *out, int64_t deadline, struct err *err)
{
	struct command_result result;
	int ends[2];

	(void)ctx;
	if (pipe(ends) != 0)
		return err_errno(err, ERR_IO, "pipe");
	command_run(
	    (char *const *)words->at, environ, deadline, ends[0], out, &result);
	(void)close(ends[0]);
	(void)close(ends[1]);
	if (result.end == COMMAND_EXITED && result.value == 0)
		return 0;
	return err_set(err, ERR_IO, "failed: %s", result.said);
}

static void print_text(const char *s)
{
	printf(*s != '\0' ? " " : " -");
	for (; *s != '\0'; s++)
		printf("%02x", (unsigned)(unsigned char)*s);
}

static void print_signer(const struct cred *c)
{
	printf("ok");
	print_text(buf_str(c->access_key));
	print_text(buf_str(c->secret_key));
	print_text(buf_str(c->token));
	printf(" %lld", (long long)c->expires);
	print_text(c->origin[0] != '\0' ? c->origin : c->source);
	printf("\n");
}

static int find_signer(const struct chain_config *cfg, struct err *err)
{
	struct chain *chain = chain_new(cfg);
	const struct cred *c;
	int rc;

	if (chain == NULL)
		return ERR_NOMEM;
	if (cred_process_find(cfg->process, &words, err) == 0 && words != NULL)
		cred_process_connect(cfg->process, run_words, NULL);
	rc = cred_chain_get(chain_credentials(chain),
	    clock_mono(cfg->clock) + PATIENCE_MS, &c, err);
	if (rc == 0)
		print_signer(c);
	chain_free(chain);
	return rc;
}

static int open_all(const struct clock *clock, struct err *err)
{
	const struct http_config http = {.cancel_fd = -1};
	struct chain_config cfg = {.clock = clock, .region = ""};
	struct imds_config machine = {.machine = IMDS_MACHINE_EC2};
	struct imds *imds = NULL;
	int rc = http_new(&http, &cfg.http, err);

	machine.files = cfg.files = shared_files_new(NULL);
	if (rc == 0)
		rc = imds_new(cfg.http, clock, &machine, &imds, err);
	if (rc != 0)
		return rc;
	cfg.metadata = imds_source(imds);
	cfg.process = cred_process_new(cfg.files, clock, false);
	rc = find_signer(&cfg, err);
	cred_process_free(cfg.process);
	shared_files_free(cfg.files);
	imds_free(imds);
	http_free(cfg.http);
	return rc;
}

int main(int argc, char *argv[])
{
	struct clock clock = clock_system(NULL);
	struct err err = {0};
	int rc;

	if (argc != 3 || command_prepare() != 0)
		return 64;
	(void)signal(SIGPIPE, SIG_IGN);
	wall = (int64_t)strtoll(argv[1], NULL, 10) * 1000;
	traffic = argv[2];
	if (wall != 0)
		clock.wall = tell_wall;
	rc = open_all(&clock, &err);
	if (rc != 0)
		printf("error %d %s\n", err_exit(rc), err.text);
	return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
