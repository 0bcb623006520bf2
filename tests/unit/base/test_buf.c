/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"

/* The Makefile links this program with --wrap=free, so that every block is
 * looked at before it goes. */
static const char *watched;
static int leaks;

void __real_free(void *p);
void __wrap_free(void *p);

void __wrap_free(void *p)
{
	if (p != NULL && watched != NULL &&
	    memmem(p, malloc_usable_size(p), watched, strlen(watched)) != NULL)
		leaks++;
	__real_free(p);
}

static void a_new_buffer_is_empty(void **state)
{
	struct buf *b = buf_new(10);

	(void)state;
	assert_non_null(b);
	assert_int_equal(buf_len(b), 0);
	assert_string_equal(buf_str(b), "");
	buf_free(b);
	buf_free(NULL);
}

static void zero_is_full(void **state)
{
	uint8_t *p;
	struct buf *b = buf_new_zero(100, &p);

	(void)state;
	assert_non_null(b);
	assert_int_equal(buf_len(b), 100);
	assert_ptr_equal(buf_data(b), p);
	for (size_t i = 0; i < 100; i++)
		assert_int_equal(p[i], 0);
	assert_int_equal(buf_add(b, "a", 1), ERR_LIMIT);
	buf_free(b);
}

static void ceiling_holds(void **state)
{
	struct buf *b = buf_new(5);
	uint8_t *p;

	(void)state;
	assert_int_equal(buf_add(b, "abcdef", 6), ERR_LIMIT);
	assert_int_equal(buf_len(b), 0);
	assert_int_equal(buf_addstr(b, "abc"), 0);
	assert_int_equal(buf_addstr(b, "def"), ERR_LIMIT);
	assert_string_equal(buf_str(b), "abc");
	assert_int_equal(buf_addf(b, "%d", 123), ERR_LIMIT);
	assert_int_equal(buf_addf(b, "%d", 12), 0);
	assert_string_equal(buf_str(b), "abc12");
	assert_int_equal(buf_extend(b, 1, &p), ERR_LIMIT);
	assert_int_equal(buf_extend(b, SIZE_MAX, &p), ERR_LIMIT);
	assert_int_equal(buf_extend(b, 0, &p), 0);
	assert_int_equal(buf_set(b, "123456", 6), ERR_LIMIT);
	assert_string_equal(buf_str(b), "abc12");
	assert_int_equal(buf_set(b, "12345", 5), 0);
	assert_string_equal(buf_str(b), "12345");
	buf_free(b);
}

static void a_ceiling_may_be_zero_or_huge(void **state)
{
	struct buf *b = buf_new(0);

	(void)state;
	assert_int_equal(buf_add(b, "", 0), 0);
	assert_int_equal(buf_add(b, "x", 1), ERR_LIMIT);
	buf_free(b);
	b = buf_new(SIZE_MAX);
	assert_int_equal(buf_addstr(b, "x"), 0);
	assert_string_equal(buf_str(b), "x");
	buf_free(b);
}

static void a_buffer_grows_byte_by_byte(void **state)
{
	struct buf *b = buf_new(100000);

	(void)state;
	for (int i = 0; i < 100000; i++) {
		uint8_t c = (uint8_t)(i * 7);

		assert_int_equal(buf_add(b, &c, 1), 0);
	}
	for (size_t i = 0; i < 100000; i++)
		assert_int_equal(buf_data(b)[i], (uint8_t)(i * 7));
	assert_int_equal(buf_data(b)[100000], 0);
	buf_free(b);
}

static void truncation_wipes(void **state)
{
	struct buf *b = buf_new(64);
	const uint8_t *p;

	(void)state;
	assert_int_equal(buf_addstr(b, "secret"), 0);
	p = buf_data(b);
	buf_truncate(b, 10);
	assert_int_equal(buf_len(b), 6);
	buf_truncate(b, 2);
	assert_string_equal(buf_str(b), "se");
	assert_memory_equal(p, "se\0\0\0\0", 6);
	buf_reset(b);
	assert_memory_equal(p, "\0\0\0\0\0\0", 6);
	buf_free(b);
}

static void nothing_freed_holds_a_secret(void **state)
{
	struct buf *b = buf_new(1 << 16);

	(void)state;
	watched = "hunter2-hunter2";
	leaks = 0;
	for (int i = 0; i < 2000; i++)
		assert_int_equal(buf_addstr(b, watched), 0);
	buf_free(b);
	assert_int_equal(leaks, 0);
	/* The watch itself works. */
	char *copy = strdup(watched);
	free(copy);
	watched = NULL;
	assert_int_equal(leaks, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_new_buffer_is_empty),
	    cmocka_unit_test(zero_is_full),
	    cmocka_unit_test(ceiling_holds),
	    cmocka_unit_test(a_ceiling_may_be_zero_or_huge),
	    cmocka_unit_test(a_buffer_grows_byte_by_byte),
	    cmocka_unit_test(truncation_wipes),
	    cmocka_unit_test(nothing_freed_holds_a_secret),
	};

	return cmocka_run_group_tests_name("buf", tests, NULL, NULL);
}
