/* SPDX-License-Identifier: Apache-2.0 */
/*
 * LD_PRELOAD for both programs: fails one allocation of one process, whoever
 * asks for it, or cuts one transfer short, and notes on a board what the
 * processes do.  With TORTURE_WRAPPED it is linked with --wrap instead, and
 * sees the product's own calls alone, which sanitizers can be built with.
 * TORTURE names the file of the board; without it nothing happens.
 */
#include "tests/torture/board.h"

#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <link.h>
#include <linux/random.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifdef TORTURE_WRAPPED
#define OURS(name) __wrap_##name
#define REAL(name) __real_##name
#else
#define OURS(name) name
#define REAL(name) __libc_##name
#endif

void *REAL(malloc)(size_t size);
void *REAL(calloc)(size_t n, size_t size);
void *REAL(realloc)(void *old, size_t size);
void REAL(free)(void *p);
void *OURS(malloc)(size_t size);
void *OURS(calloc)(size_t n, size_t size);
void *OURS(realloc)(void *old, size_t size);
void OURS(free)(void *p);
char *OURS(strdup)(const char *text);
pid_t OURS(fork)(void);
_Noreturn void OURS(_exit)(int code);

static struct board *board;
static uint32_t half;
static _Thread_local bool inside; /* of what this file itself calls */
static uintptr_t text_begin, text_end;

/* ---- whose blocks are not freed */

#define LIVE 8192

static struct {
	void *at, *site;
} live[LIVE];
static atomic_flag live_lock = ATOMIC_FLAG_INIT;

static size_t place_of(const void *p)
{
	return (size_t)((uintptr_t)p >> 4) * 0x9e3779b1U % LIVE;
}

static void note_live(void *p, void *site)
{
	const uintptr_t by = (uintptr_t)site;

	if (board == NULL || p == NULL || by < text_begin || by >= text_end)
		return;
	while (atomic_flag_test_and_set(&live_lock))
		;
	for (size_t n = 0, i = place_of(p); n < 64; n++, i = (i + 1) % LIVE)
		if (live[i].at == NULL) {
			live[i].at = p;
			live[i].site = site;
			break;
		}
	atomic_flag_clear(&live_lock);
}

static void note_freed(const void *p)
{
	if (board == NULL || p == NULL)
		return;
	while (atomic_flag_test_and_set(&live_lock))
		;
	for (size_t n = 0, i = place_of(p); n < 64; n++, i = (i + 1) % LIVE)
		if (live[i].at == p) {
			live[i].at = NULL;
			break;
		}
	atomic_flag_clear(&live_lock);
}

static void note_leaks(void)
{
	uint32_t n = 0;

	for (size_t i = 0; i < LIVE; i++)
		if (live[i].at != NULL && n < LEAKS)
			board->leaked[half][n++] = (uintptr_t)live[i].site;
	board->leaks[half] = n;
}

/* ---- the board */

static int find_text(struct dl_phdr_info *info, size_t size, void *ctx)
{
	(void)size;
	(void)ctx;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *h = &info->dlpi_phdr[i];

		if (h->p_type != PT_LOAD || (h->p_flags & PF_X) == 0)
			continue;
		text_begin = info->dlpi_addr + h->p_vaddr;
		text_end = text_begin + h->p_memsz;
	}
	return 1; /* the first one is the program */
}

static void open_board(void)
{
	static bool tried;
	void *stack[DEPTH], *at;
	const char *name;
	int fd;

	if (tried || environ == NULL || inside)
		return;
	inside = tried = true;
	name = getenv("TORTURE");
	fd = name == NULL ? -1 : open(name, O_RDWR | O_CLOEXEC);
	if (fd >= 0) {
		at = mmap(NULL, sizeof *board, PROT_READ | PROT_WRITE,
		    MAP_SHARED, fd, 0);
		(void)backtrace(stack, 1); /* loads what it needs */
		(void)dl_iterate_phdr(find_text, NULL);
		/* A program that the runner starts has it in its environment,
		 * too. */
		if (at != MAP_FAILED && ((struct board *)at)->pid[0] == 0) {
			board = at;
			board->pid[0] = (uint32_t)getpid();
		}
		(void)close(fd);
	}
	inside = false;
}

/* What comes before this call is the loader's. */
__attribute__((constructor)) static void begin(void)
{
	open_board();
	(void)syscall(SYS_getcpu, NULL, NULL, NULL);
}

static int64_t now_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static struct board_event *note(uint32_t kind, int64_t value)
{
	static struct board_event lost;
	const int saved = errno;
	uint32_t i;

	if (board == NULL)
		return &lost;
	i = __atomic_fetch_add(&board->events, 1, __ATOMIC_SEQ_CST);
	if (i >= EVENTS)
		return &lost;
	board->event[i] =
	    (struct board_event){half, kind, now_ns(), value, INT64_MIN};
	errno = saved;
	return &board->event[i];
}

/* ---- what fails */

static uint64_t hash_stack(void *const *stack, int n)
{
	uint64_t sum = 0xcbf29ce484222325U;

	for (int i = 0; i < n; i++)
		sum = (sum ^ (uintptr_t)stack[i]) * 0x100000001b3U;
	return sum;
}

/* FILE:FUNCTION, or FILE+OFFSET for addr2line(1). */
static void name_frame(char *to, const void *at)
{
	Dl_info info = {0};
	const char *slash;

	if (dladdr(at, &info) == 0 || info.dli_fname == NULL)
		return;
	slash = strrchr(info.dli_fname, '/');
	slash = slash == NULL ? info.dli_fname : slash + 1;
	if (info.dli_sname != NULL)
		(void)snprintf(to, FRAME, "%s:%s", slash, info.dli_sname);
	else
		(void)snprintf(to, FRAME, "%s+%#tx", slash,
		    (const char *)at - (const char *)info.dli_fbase - 1);
}

/* The frames of this file are the first two. */
static void note_point(uint32_t what)
{
	void *stack[DEPTH + 2];
	const int n = backtrace(stack, board->what == RECORD ? 10 : DEPTH + 2);
	uint32_t i;

	if (board->what == RECORD) {
		i = __atomic_fetch_add(&board->points, 1, __ATOMIC_SEQ_CST);
		if (i < POINTS)
			board->point[i] = (struct board_point){
			    half, what, hash_stack(stack + 2, n - 2)};
		return;
	}
	for (int k = 2; k < n; k++)
		name_frame(board->frame[k - 2], stack[k]);
	board->struck = 1;
}

__attribute__((noinline)) static bool strikes(uint32_t what)
{
	uint32_t ordinal;
	bool it;

	open_board();
	if (board == NULL || inside || half >= HALVES)
		return false;
	ordinal = __atomic_add_fetch(
	    &board->counted[half][what], 1, __ATOMIC_SEQ_CST);
	it = board->what == what && board->half == half &&
	     board->ordinal == ordinal;
	if (it || board->what == RECORD) {
		const int saved = errno;

		inside = true;
		note_point(what);
		inside = false;
		errno = saved;
	}
	return it;
}

#define SITE __builtin_return_address(0)

static bool is_refused(void)
{
	if (!strikes(ALLOCATION))
		return false;
	errno = ENOMEM;
	return true;
}

void *OURS(malloc)(size_t size)
{
	void *p = is_refused() ? NULL : REAL(malloc)(size);

	note_live(p, SITE);
	return p;
}

void *OURS(calloc)(size_t n, size_t size)
{
	void *p = is_refused() ? NULL : REAL(calloc)(n, size);

	note_live(p, SITE);
	return p;
}

void *OURS(realloc)(void *old, size_t size)
{
	void *p;

	if (is_refused())
		return NULL;
	p = REAL(realloc)(old, size);
	if (p != NULL || size == 0)
		note_freed(old);
	note_live(p, SITE);
	return p;
}

void OURS(free)(void *p)
{
	note_freed(p);
	REAL(free)(p);
}

char *OURS(strdup)(const char *text)
{
	const size_t size = strlen(text) + 1;
	char *p = is_refused() ? NULL : REAL(malloc)(size);

	note_live(p, SITE);
	return p == NULL ? NULL : memcpy(p, text, size);
}

/* ---- processes */

#ifdef TORTURE_WRAPPED
pid_t __real_fork(void);
_Noreturn void __real__exit(int code);
#define NEXT(name) __real_##name
#else
/* The functions before which this file's stand.  They are looked up once,
 * because a handler of signals may not do so. */
#define EACH_NEXT(X)                                                           \
	X(read);                                                               \
	X(write);                                                              \
	X(send);                                                               \
	X(recv);                                                               \
	X(pread64);                                                            \
	X(pwrite64);                                                           \
	X(fdatasync);                                                          \
	X(fsync);                                                              \
	X(waitpid);                                                            \
	X(ioctl);                                                              \
	X(syscall);                                                            \
	X(fork)
#define DECLARE(name) static __typeof__(name) *next_##name
#define FIND(name)    *(void **)(&next_##name) = dlsym(RTLD_NEXT, #name)
#define NEXT(name)    (find_next(), next_##name)
EACH_NEXT(DECLARE);

static void find_next(void)
{
	const bool was = inside;

	if (next_fork != NULL)
		return;
	inside = true;
	EACH_NEXT(FIND);
	inside = was;
}
#endif

/* The tracer counts the calls of each process by themselves.  These put the
 * numbers of a child's calls behind all that its parent makes. */
static void begin_half(void)
{
	half++;
	if (board == NULL || half >= HALVES)
		return;
	board->pid[half] = (uint32_t)getpid();
	for (uint32_t i = 0; i < board->times * half; i++)
		(void)syscall(
		    (long)board->number, -1L, -1L, -1L, -1L, -1L, -1L);
}

pid_t OURS(fork)(void)
{
	const pid_t pid = NEXT(fork)();

	if (pid == 0)
		begin_half();
	return pid;
}

_Noreturn void OURS(_exit)(int code)
{
	if (board != NULL && half < HALVES) {
		note_leaks();
		note(ENDED, code)->result = 0;
	}
#ifdef TORTURE_WRAPPED
	__real__exit(code);
#else
	for (;;)
		(void)syscall(SYS_exit_group, code);
#endif
}

/* ---- what is noted, and transfers that are cut short */

#ifndef TORTURE_WRAPPED

static size_t shorten(size_t n)
{
	return n > 1 && strikes(SHORT) ? (n + 1) / 2 : n;
}

ssize_t read(int fd, void *p, size_t n)
{
	return NEXT(read)(fd, p, shorten(n));
}

ssize_t write(int fd, const void *p, size_t n)
{
	return NEXT(write)(fd, p, shorten(n));
}

ssize_t send(int fd, const void *p, size_t n, int flags)
{
	return NEXT(send)(fd, p, shorten(n), flags);
}

ssize_t recv(int fd, void *p, size_t n, int flags)
{
	return NEXT(recv)(fd, p, shorten(n), flags);
}

ssize_t pread64(int fd, void *p, size_t n, off64_t at)
{
	return NEXT(pread64)(fd, p, shorten(n), at);
}

ssize_t pwrite64(int fd, const void *p, size_t n, off64_t at)
{
	struct board_event *e = note(WRITTEN, fd);
	const ssize_t done = NEXT(pwrite64)(fd, p, shorten(n), at);

	e->result = done;
	return done;
}

int fdatasync(int fd)
{
	struct board_event *e = note(SYNCED, fd);
	const int rc = NEXT(fdatasync)(fd);

	e->result = rc;
	return rc;
}

int fsync(int fd)
{
	struct board_event *e = note(SYNCED, fd);
	const int rc = NEXT(fsync)(fd);

	e->result = rc;
	return rc;
}

pid_t waitpid(pid_t child, int *status, int options)
{
	const pid_t pid = NEXT(waitpid)(child, status, options);

	if (pid > 0 && status != NULL && WIFSIGNALED(*status))
		note(KILLED, WTERMSIG(*status))->result = pid;
	return pid;
}

int ioctl(int fd, unsigned long request, ...)
{
	struct board_event *e;
	va_list list;
	void *p;
	int rc;

	va_start(list, request);
	p = va_arg(list, void *);
	va_end(list);
	if (request != RNDADDENTROPY || board == NULL || p == NULL ||
	    ((const int *)p)[0] <= 0)
		return NEXT(ioctl)(fd, request, p);
	board->injected = (uint32_t)((const int *)p)[1];
	memcpy(board->bytes, (const int *)p + 2,
	    board->injected < INJECTED ? board->injected : INJECTED);
	e = note(CREDIT, ((const int *)p)[0]);
	rc = NEXT(ioctl)(fd, request, p);
	e->result = rc;
	return rc;
}

long syscall(long number, ...)
{
	long a[6], rc;
	va_list list;

	va_start(list, number);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(list, long);
	va_end(list);
	rc = NEXT(syscall)(number, a[0], a[1], a[2], a[3], a[4], a[5]);
	if (number == SYS_landlock_restrict_self)
		note(LANDLOCKED, 0)->result = rc;
	return rc;
}

#endif
