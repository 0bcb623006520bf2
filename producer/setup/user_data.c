/* SPDX-License-Identifier: Apache-2.0 */
/* The last step of --setup: what instances are to be launched with. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/arn.h"
#include "base/text.h"
#include "base/url.h"
#include "producer/setup/setup.h"

#define QUESTION                                                               \
	"user-data for an image with the package (\"hook\", \"directive\"), "  \
	"or, for Debian and Ubuntu, the https URL of your package repository"

/* YAML in double quotes takes what JSON takes. */
static void put_yaml_text(const char *text)
{
	(void)putchar('"');
	for (; *text != '\0'; text++) {
		if (*text == '"' || *text == '\\')
			(void)putchar('\\');
		(void)putchar(*text);
	}
	(void)putchar('"');
}

static void put_queues(const struct conf *conf)
{
	const size_t n = arn_count_queues(conf->common.queues);

	(void)fputs("  queue: ", stdout);
	if (n > 1)
		(void)putchar('[');
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			(void)fputs(", ", stdout);
		put_yaml_text(conf->common.queues[i]);
	}
	(void)puts(n > 1 ? "]" : "");
}

/* The name is the comment of the key's line, and tells people whose it is. */
static void put_directive(const struct setup *s)
{
	char host[64] = "";

	if (gethostname(host, sizeof host - 1) != 0 ||
	    !text_is_graphic(host, strlen(host)) || strchr(host, '"') != NULL ||
	    strchr(host, '\\') != NULL)
		(void)snprintf(host, sizeof host, "producer");
	(void)puts("sqs_entropy:");
	put_queues(&s->conf);
	if (s->conf.common.region[0] != '\0') {
		(void)fputs("  region: ", stdout);
		put_yaml_text(s->conf.common.region);
		(void)putchar('\n');
	}
	(void)printf("  trusted_producers:\n    - %s %s\n", s->line, host);
	if (s->conf.seal_to[0] != '\0')
		(void)puts("  # The fleet's secret key comes with the image:\n"
			   "  seal_key: /etc/sqs-entropy/seal.key");
}

static void put_hook(const struct setup *s, const char *repository)
{
	(void)fputs("#cloud-boothook\n#!/bin/sh\numask 022\n", stdout);
	if (repository[0] != '\0')
		(void)printf("if [ ! -x /usr/sbin/sqs-entropy-agent ]; then\n"
			     "\texport DEBIAN_FRONTEND=noninteractive\n"
			     "\tcurl -fsSLo "
			     "/etc/apt/sources.list.d/sqs-entropy.sources \\\n"
			     "\t\t%s/sqs-entropy.sources &&\n"
			     "\t\tapt-get -q update && "
			     "apt-get -q install -y sqs-entropy-agent\n"
			     "fi\n",
		    repository);
	(void)puts("cat >/etc/cloud/cloud.cfg.d/95_sqs_entropy_instance.cfg "
		   "<<'END'");
	put_directive(s);
	(void)puts("END");
}

/* It goes into a shell's words. */
static int take_repository(const char *text, struct err *err)
{
	struct url url;

	if (url_split(text, &url) == 0 && strncmp(text, "https://", 8) == 0 &&
	    text[strspn(text, "abcdefghijklmnopqrstuvwxyz"
			      "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:/._-")] ==
		'\0')
		return 0;
	return err_set(err, ERR_USAGE,
	    "\"%.128s\" is none of hook, directive and an https URL: start "
	    "again",
	    text);
}

int setup_user_data(struct setup *s, struct err *err)
{
	struct buf *form = buf_new(ASK_LINE_MAX);
	size_t len;
	int rc = 0;

	if (form == NULL)
		return err_set(err, ERR_NOMEM, "out of memory");
	if (!s->ask.yes)
		rc = ask_line(QUESTION, false, form, err);
	len = buf_len(form);
	while (len > 0 && buf_str(form)[len - 1] == '/')
		buf_truncate(form, --len);
	if (rc == 0 && strcmp(buf_str(form), "directive") == 0) {
		(void)puts("#cloud-config");
		put_directive(s);
	} else if (rc == 0 && (len == 0 || strcmp(buf_str(form), "hook") == 0))
		put_hook(s, "");
	else if (rc == 0) {
		rc = take_repository(buf_str(form), err);
		if (rc == 0)
			put_hook(s, buf_str(form));
	}
	if (rc == 0 && fflush(stdout) != 0)
		rc = err_errno(err, ERR_IO, "cannot print the user-data");
	if (rc == 0)
		findings_ok(
		    &s->all, "user-data", "printed: launch instances with it");
	buf_free(form);
	return rc;
}
