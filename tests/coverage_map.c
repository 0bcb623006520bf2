/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Linked into each program of "tests/coverage", with coverage_map.ld: the
 * counters of gcov lie in a file that all processes of one program share.  So
 * what a process has run counts also when it is killed, and when its
 * confinement would let it write no file.
 */
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef COVERAGE_COUNTS
#define COVERAGE_COUNTS "." /* tests/coverage gives a folder */
#endif

extern const ElfW(Ehdr) __ehdr_start __attribute__((visibility("hidden")));
extern char coverage_counts[] __attribute__((visibility("hidden")));
extern char coverage_counts_end[] __attribute__((visibility("hidden")));
void __gcov_dump(void);
void __wrap___gcov_exit(void);

/* At the end of a process there is nothing left to write. */
void __wrap___gcov_exit(void)
{
}

/* COUNTS/ID: the linker has given each program its id, and a copy has it, too.
 */
static int open_counts(void)
{
	const char *start = (const char *)&__ehdr_start;
	const ElfW(Phdr) *header = (const void *)(start + __ehdr_start.e_phoff);
	char path[sizeof COVERAGE_COUNTS + 64] = COVERAGE_COUNTS "/";
	size_t at = strlen(path);
	int i, fd;

	for (i = 0; i < __ehdr_start.e_phnum; i++) {
		const ElfW(Nhdr) *note =
		    (const void *)(start + header[i].p_vaddr);
		const unsigned char *id = (const void *)(note + 1);
		ElfW(Word) k;

		if (header[i].p_type != PT_NOTE ||
		    note->n_type != NT_GNU_BUILD_ID)
			continue;
		for (k = 0; k < note->n_descsz && at < sizeof path - 2;
		     k++, at += 2)
			(void)sprintf(
			    path + at, "%02x", id[note->n_namesz + k]);
	}
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0) {
		fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
		if (fd >= 0)
			(void)fchmod(fd, 0666);
	}
	return fd;
}

/* After those of gcov, whose priority is 100, and before all others.  A process
 * that does not see the file, in a world of its own, is not counted.  What
 * __gcov_dump() adds to the counters, from the files that it writes, is no
 * count of this program. */
__attribute__((constructor(101))) static void share_counts(void)
{
	const bool dump = getenv("COVERAGE_DUMP") != NULL;
	size_t size = (size_t)(coverage_counts_end - coverage_counts);
	int fd = size > 0 ? open_counts() : -1;

	if (fd >= 0) {
		if (ftruncate(fd, (off_t)size) == 0)
			(void)mmap(coverage_counts, size,
			    PROT_READ | PROT_WRITE,
			    (dump ? MAP_PRIVATE : MAP_SHARED) | MAP_FIXED, fd,
			    0);
		(void)close(fd);
	}
	if (!dump)
		return;
	if (fd >= 0)
		__gcov_dump();
	_exit(fd < 0 && size > 0);
}
