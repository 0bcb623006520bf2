/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_TESTS_CONF_BENCH_H
#define SQS_ENTROPY_TESTS_CONF_BENCH_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "config/program.h"

/* A configuration file and a command line for conf_program. */
static char path[64];
static struct err err;

static void write_file(const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static inline int make_file(const char *text)
{
	(void)snprintf(path, sizeof path, "/tmp/test_conf.%d", (int)getpid());
	write_file(text);
	memset(&err, 0, sizeof err);
	return 0;
}

static inline int remove_file(void **state)
{
	(void)state;
	(void)unlink(path);
	return 0;
}

/* Two words at most; argv as the kernel gives it: writable strings. */
static inline int load_words(
    struct conf *conf, const char *file, const char *a, const char *b)
{
	const char *words[] = {"program", "-c", file, a, b};
	static char room[5][LIMIT_URL + 8];
	char *argv[6] = {NULL};
	int argc = 0;

	while (argc < 5 && words[argc] != NULL) {
		assert_true(strlen(words[argc]) < sizeof room[0]);
		argv[argc] = strcpy(room[argc], words[argc]);
		argc++;
	}
	optind = 0; /* begin anew, glibc */
	return program_load(&conf_program, conf, argc, argv, &err);
}

#endif
