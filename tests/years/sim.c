/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/years/sim.h"

#include <dirent.h>
#include <err.h>
#include <malloc.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#include "base/descriptors.h"
#include "base/record.h"
#include "config/program.h"
#include "confine/confine.h"
#include "confine/split.h"
#include "tests/years/wrapped.h"

#define STACK ((size_t)1 << 20)
#define UP_MS 5000 /* how long a machine is up when it runs anything */

/* What waits, and until when. */
struct task {
	ucontext_t at;
	void (*work)(void);
	bool done;
	int64_t wake;
};

/* The halves of the program that runs. */
enum { OFFLINE, ONLINE, HALVES };
static struct {
	const struct split *split;
	struct err *end, *err;
	int64_t until;
	int fd[HALVES], rc[HALVES];
	int set;      /* of split_end_fd() */
	uint32_t hup; /* the record that SIGHUP sends */
} halves;

struct sim sim;
static struct task tasks[HALVES];
static _Alignas(64) char stacks[HALVES][STACK];
static struct task outside; /* what is no half */
static struct task *current = &outside;
static ucontext_t scheduler;
static bool moved;   /* a half has gone on */
static bool touched; /* one may go on before its time */
static int stop[2] = {-1, -1};
static jmp_buf out;
static int exit_code;

void sim_fail(const char *format, ...)
{
	va_list list;

	va_start(list, format);
	(void)fprintf(stderr,
	    "seed %llu, %s %lld: ", (unsigned long long)sim.seed, sim.what,
	    (long long)sim.where);
	(void)vfprintf(stderr, format, list);
	(void)fprintf(stderr, "\n");
	va_end(list);
	sim_end();
	exit(1);
}

bool sim_draws(double chance)
{
	return random_unit(&sim.chance) < chance;
}

int64_t sim_wall(void)
{
	return SIM_EPOCH + sim.now;
}

const char *sim_path(const char *name)
{
	static char paths[4][256];
	static size_t next;
	char *path = paths[next++ % 4];

	(void)snprintf(path, sizeof paths[0], "%s/%s", sim.dir, name);
	return path;
}

size_t sim_memory(void)
{
	const struct mallinfo2 m = mallinfo2();

	return m.uordblks + m.hblkhd;
}

size_t sim_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	size_t n = 0;

	while (dir != NULL && readdir(dir) != NULL)
		n++;
	if (dir != NULL)
		(void)closedir(dir);
	return n;
}

void sim_note(struct sim_use *use, size_t now, bool begins)
{
	use->last = now;
	if (begins && now > use->first)
		use->first = now;
}

void sim_judge(const struct sim_use *use, const char *what, size_t slack)
{
	if (use->last > use->first + slack)
		sim_fail(
		    "%s: %zu at first, %zu now", what, use->first, use->last);
}

/* ---- time */

/* With 64 bits of time on 32-bit systems it has another name. */
#if __WORDSIZE == 32
#define wrapped_gettime __wrap___clock_gettime64
#else
#define wrapped_gettime __wrap_clock_gettime
#endif
int wrapped_gettime(clockid_t id, struct timespec *ts);

int wrapped_gettime(clockid_t id, struct timespec *ts)
{
	int64_t ms = sim.now - sim.booted + UP_MS;

	if (id == CLOCK_REALTIME)
		ms = sim_wall() + sim.off;
	else if (id == CLOCK_MONOTONIC)
		ms -= sim.asleep;
	*ts = (struct timespec){
	    .tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000 * 1000000)};
	return 0;
}

/* Until then, or until something happens that ends a wait. */
static void pass_time(int64_t until)
{
	touched = false;
	while (!touched && sim.event <= until) {
		sim.now = sim.event > sim.now ? sim.event : sim.now;
		world_event();
	}
	if (touched)
		return;
	if (until == SIM_NEVER)
		sim_fail("nothing would ever happen again");
	sim.now = until > sim.now ? until : sim.now;
}

void sim_suspend(int64_t ms)
{
	touched = true;
	sim.now += ms;
	sim.asleep += ms;
	outside.wake += outside.wake < SIM_NEVER ? ms : 0;
	for (size_t i = 0; i < HALVES; i++)
		tasks[i].wake += tasks[i].wake < SIM_NEVER ? ms : 0;
}

int __wrap_poll(struct pollfd *p, nfds_t n, int timeout)
{
	struct task *me = current;
	int ready = __real_poll(p, n, 0);

	if (ready != 0 || timeout == 0)
		return ready;
	me->wake = timeout < 0 ? SIM_NEVER : sim.now + timeout;
	do {
		if (me == &outside)
			pass_time(me->wake);
		else
			(void)swapcontext(&me->at, &scheduler);
		ready = __real_poll(p, n, 0);
	} while (ready == 0 && sim.now < me->wake);
	moved = true;
	return ready;
}

int __wrap_nanosleep(const struct timespec *t, struct timespec *left)
{
	(void)left;
	return __wrap_poll(
	    NULL, 0, (int)(t->tv_sec * 1000 + t->tv_nsec / 1000000));
}

ssize_t __wrap_getrandom(void *p, size_t n, unsigned flags)
{
	uint8_t *bytes = p;

	(void)flags;
	for (size_t i = 0; i < n; i++)
		bytes[i] = (uint8_t)random_below(&sim.program, 256);
	return (ssize_t)n;
}

ssize_t __wrap_write(int fd, const void *data, size_t n)
{
	char line[4200];

	if (fd != STDERR_FILENO)
		return __real_write(fd, data, n);
	(void)snprintf(line, sizeof line, "%.*s", (int)n, (const char *)data);
	line[strcspn(line, "\n")] = '\0';
	world_said(line);
	return (ssize_t)n;
}

/* ---- the halves */

static void be_offline(void)
{
	halves.rc[OFFLINE] = halves.split->offline(
	    halves.split->ctx, halves.fd[OFFLINE], &halves.until, halves.err);
	(void)close(halves.fd[OFFLINE]);
}

/* The pair is closed by the end of its process. */
static void be_online(void)
{
	halves.rc[ONLINE] =
	    halves.split->online(halves.split->ctx, halves.fd[ONLINE]);
	(void)close(halves.fd[ONLINE]);
	if (halves.set >= 0)
		(void)close(halves.set);
}

static void run_task(void)
{
	current->work();
	current->done = true;
}

static void begin_task(struct task *t, void (*work)(void))
{
	if (getcontext(&t->at) != 0)
		err(1, "getcontext");
	t->at.uc_stack.ss_sp = stacks[t - tasks];
	t->at.uc_stack.ss_size = STACK;
	t->at.uc_link = &scheduler;
	t->work = work;
	t->done = false;
	t->wake = sim.now;
	makecontext(&t->at, run_task, 0);
}

/* Whoever may go on does; when nobody may, time passes. */
static void run_tasks(void)
{
	while (!tasks[OFFLINE].done || !tasks[ONLINE].done) {
		int64_t wake = SIM_NEVER;

		moved = false;
		for (size_t i = 0; i < HALVES; i++) {
			if (tasks[i].done)
				continue;
			current = &tasks[i];
			(void)swapcontext(&scheduler, &current->at);
			current = &outside;
			moved = moved || tasks[i].done;
			if (!tasks[i].done && tasks[i].wake < wake)
				wake = tasks[i].wake;
		}
		if (!moved)
			pass_time(wake);
	}
}

int __wrap_split_run(const struct split *s, struct err *end, struct err *why)
{
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, halves.fd) !=
	    0)
		err(1, "socketpair");
	halves.split = s;
	halves.err = why;
	halves.set = -1;
	begin_task(&tasks[OFFLINE], be_offline);
	begin_task(&tasks[ONLINE], be_online);
	run_tasks();
	halves.split = NULL;
	if (halves.rc[ONLINE] == 0)
		*end = (struct err){.code = 0};
	else
		(void)err_told(end, halves.rc[ONLINE]);
	return halves.rc[OFFLINE];
}

int __wrap_split_end_fd(int peer, int stop_fd, int *fd)
{
	const int rc = __real_split_end_fd(peer, stop_fd, fd);

	halves.set = *fd;
	return rc;
}

int __wrap_split_stop_fd(int *fd)
{
	*fd = stop[0];
	return 0;
}

int __wrap_split_hup(int fd, uint32_t type)
{
	(void)fd;
	halves.hup = type;
	return 0;
}

void sim_stop(void)
{
	touched = true;
	(void)!__real_write(stop[1], "", 1);
}

void sim_look(void)
{
	touched = true;
	if (halves.split != NULL && !tasks[OFFLINE].done)
		(void)!record_send(
		    halves.fd[OFFLINE], halves.hup, NULL, 0, -1, 1);
}

/* ---- what this process must not do to itself */

int __wrap_confine_no_core(void)
{
	return 0;
}

int __wrap_confine_half(const struct confine_half *half, struct err *why)
{
	(void)half;
	(void)why;
	return 0;
}

int __wrap_confine_lifetime(long ms, struct err *why)
{
	(void)ms;
	(void)why;
	return 0;
}

void __wrap_confine_find_lacks(
    const char *offline_user, const char *online_user, struct confine_lacks *l)
{
	(void)offline_user;
	(void)online_user;
	l->one_user = false;
	l->n = l->users = 0;
}

int __wrap_confine_as(const char *user, struct err *why)
{
	(void)user;
	(void)why;
	return 0;
}

int __wrap_descriptors_let_go(void)
{
	return 0;
}

void __wrap_descriptors_init(void)
{
}

void __wrap_program_end(int code)
{
	exit_code = code;
	longjmp(out, 1);
}

static int run_main(
    int (*main_of)(int argc, char *argv[]), const char *const argv[], int argc)
{
	if (setjmp(out) == 0)
		(void)main_of(argc, (char **)(void *)(uintptr_t)argv);
	return exit_code;
}

int sim_run(int (*main_of)(int argc, char *argv[]), const char *const argv[])
{
	int argc = 0;
	char nothing[16];

	while (__real_poll(&(struct pollfd){stop[0], POLLIN, 0}, 1, 0) > 0)
		(void)!read(stop[0], nothing, sizeof nothing);
	while (argv[argc] != NULL)
		argc++;
	return run_main(main_of, argv, argc);
}

/* ---- set-up */

/* So that all that is counted as allocated is. */
static void keep_nothing(char *argv[])
{
	static const char name[] = "GLIBC_TUNABLES";

	if (getenv(name) == NULL) {
		(void)setenv(name, "glibc.malloc.tcache_count=0", 1);
		(void)execv("/proc/self/exe", argv);
		err(1, "exec");
	}
	(void)mallopt(M_MXFAST, 0);
}

void sim_begin(char *argv[], const char *what, uint64_t seed)
{
	struct stat st;
	char stream[64];

	keep_nothing(argv);
	sim = (struct sim){.what = what, .seed = seed, .event = SIM_NEVER};
	sim.chance = random_new(seed, 1);
	sim.program = random_new(seed, 2);
	(void)strcpy(sim.dir, "/tmp/sqs-entropy-years-XXXXXX");
	if (mkdtemp(sim.dir) == NULL || mkdir(sim_path("state"), 0700) != 0 ||
	    mkdir(sim_path("run"), 0755) != 0 || pipe(stop) != 0 ||
	    fstat(STDERR_FILENO, &st) != 0)
		err(1, "%s", sim.dir);
	(void)snprintf(sim.conf, sizeof sim.conf, "%s/conf", sim.dir);
	/* So each line bears its level. */
	(void)snprintf(stream, sizeof stream, "%llu:%llu",
	    (unsigned long long)st.st_dev, (unsigned long long)st.st_ino);
	(void)setenv("JOURNAL_STREAM", stream, 1);
	(void)setenv("STATE_DIRECTORY", sim_path("state"), 1);
	(void)setenv("RUNTIME_DIRECTORY", sim_path("run"), 1);
	(void)setenv("HOME", sim.dir, 1);
	(void)setenv(
	    "AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://169.254.169.254", 1);
	(void)signal(SIGPIPE, SIG_IGN);
}

void sim_end(void)
{
	char command[128];

	(void)snprintf(command, sizeof command, "rm -rf '%s'", sim.dir);
	if (system(command) != 0)
		warnx("%s is left", sim.dir);
	for (size_t i = 0; i < 2; i++)
		(void)close(stop[i]);
}
