/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Drives a target where there is no libFuzzer:
 *	fuzz_X [-max_total_time=SECONDS] [-seed=N] FILE|DIRECTORY...
 * runs every file once, then mutants of them for that time.  What broke it is
 * left in ./crash-input.
 */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "fuzz.h"

#define INPUT_MAX  65536
#define INPUTS_MAX 512

struct input {
	size_t len;
	uint8_t data[INPUT_MAX];
};

static struct input *inputs[INPUTS_MAX];
static size_t inputs_n;
static struct input now;
static uint64_t state = 88172645463325252;

static uint32_t chance(uint32_t below)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)(state >> 32) % below;
}

static void add_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct input *input;
	ssize_t n;

	if (fd < 0 || inputs_n == INPUTS_MAX)
		return;
	input = malloc(sizeof *input);
	n = input != NULL ? read(fd, input->data, sizeof input->data) : -1;
	(void)close(fd);
	if (n < 0) {
		free(input);
		return;
	}
	input->len = (size_t)n;
	inputs[inputs_n++] = input;
}

static void add(const char *path)
{
	DIR *dir = opendir(path);
	const struct dirent *entry;
	char name[4096];

	if (dir == NULL) {
		add_file(path);
		return;
	}
	while ((entry = readdir(dir)) != NULL) {
		(void)snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
		if (entry->d_name[0] != '.')
			add_file(name);
	}
	(void)closedir(dir);
}

static void on_crash(int number)
{
	int fd = open("crash-input", O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (fd < 0 || write(fd, now.data, now.len) < 0)
		(void)!write(STDERR_FILENO, "no crash-input\n", 15);
	(void)signal(number, SIG_DFL);
	(void)raise(number);
}

/* A copy of its own, so that a read beyond the end is one of the heap's. */
static void run(void)
{
	uint8_t *copy = malloc(now.len > 0 ? now.len : 1);

	if (copy == NULL)
		abort();
	memcpy(copy, now.data, now.len);
	(void)LLVMFuzzerTestOneInput(copy, now.len);
	free(copy);
}

static void splice_in(void)
{
	const struct input *other = inputs[chance((uint32_t)inputs_n)];
	size_t at = chance((uint32_t)now.len + 1);
	size_t from = chance((uint32_t)other->len + 1);
	size_t len = chance((uint32_t)(other->len - from) + 1);

	if (len > sizeof now.data - at)
		len = sizeof now.data - at;
	memcpy(now.data + at, other->data + from, len);
	if (at + len > now.len)
		now.len = at + len;
}

static void mutate_once(void)
{
	static const uint8_t bytes[] =
	    "\0\xff\x7f\x80\n\r\"\\{}[]:=;,#'/ 09aA+-";
	size_t at = chance((uint32_t)now.len + 1);

	switch (chance(6)) {
	case 0:
		if (at < now.len)
			now.data[at] ^= (uint8_t)(1 << chance(8));
		break;
	case 1:
		if (at < now.len)
			now.data[at] = bytes[chance(sizeof bytes - 1)];
		break;
	case 2:
		if (now.len == sizeof now.data)
			break;
		memmove(now.data + at + 1, now.data + at, now.len - at);
		now.data[at] = bytes[chance(sizeof bytes - 1)];
		now.len++;
		break;
	case 3:
		if (at == now.len)
			break;
		memmove(now.data + at, now.data + at + 1, now.len - at - 1);
		now.len--;
		break;
	case 4:
		now.len = at;
		break;
	default:
		splice_in();
	}
}

static void mutate(void)
{
	now = *inputs[chance((uint32_t)inputs_n)];
	for (uint32_t n = 1 + chance(8); n > 0; n--)
		mutate_once();
}

static void take_option(const char *option, long *seconds)
{
	if (strncmp(option, "-max_total_time=", 16) == 0)
		*seconds = atol(option + 16);
	else if (strncmp(option, "-seed=", 6) == 0)
		state += strtoull(option + 6, NULL, 10);
}

int main(int argc, char *argv[])
{
	static const int deadly[] = {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL};
	unsigned long runs = 0;
	long seconds = 0;
	time_t end;

	for (int i = 1; i < argc; i++)
		if (argv[i][0] == '-')
			take_option(argv[i], &seconds);
		else
			add(argv[i]);
	for (size_t i = 0; i < sizeof deadly / sizeof deadly[0]; i++)
		(void)signal(deadly[i], on_crash);
	for (size_t i = 0; i < inputs_n; i++, runs++) {
		now = *inputs[i];
		run();
	}
	end = time(NULL) + seconds;
	while (inputs_n > 0 && time(NULL) < end) {
		mutate();
		run();
		runs++;
	}
	(void)printf("%lu runs\n", runs);
	return inputs_n == 0;
}
