/* SPDX-License-Identifier: Apache-2.0 */
#include "aid/failing.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

struct failing {
	const char *name;
	long value;
};

static _Thread_local struct {
	bool held;
	const char *name;            /* the one that fails; NULL: of all */
	unsigned left;               /* calls until then; 0: none fails */
	unsigned count;              /* calls that were made */
	const struct failing *found; /* what failed */
} plan;

/* Before each call of a function of the list; called by the code below. */
__attribute__((visibility("hidden"), used)) bool failing_now(
    const struct failing *f);

bool failing_now(const struct failing *f)
{
	if (plan.held)
		return false;
	if (plan.name != NULL && strcmp(plan.name, f->name) != 0)
		return false;
	plan.count++;
	if (plan.left == 0 || --plan.left > 0)
		return false;
	plan.found = f;
	errno = EIO;
	return true;
}

#ifdef __x86_64__
/* Keeps the arguments, whatever they are, and leaves the answer in r11. */
__asm__(".text\n"
	"failing_ask:\n"
	"push %rax\n push %rdi\n push %rsi\n push %rdx\n push %rcx\n"
	"push %r8\n push %r9\n push %r10\n sub $128, %rsp\n"
	"movups %xmm0, (%rsp)\n movups %xmm1, 16(%rsp)\n"
	"movups %xmm2, 32(%rsp)\n movups %xmm3, 48(%rsp)\n"
	"movups %xmm4, 64(%rsp)\n movups %xmm5, 80(%rsp)\n"
	"movups %xmm6, 96(%rsp)\n movups %xmm7, 112(%rsp)\n"
	"mov %r10, %rdi\n call failing_now\n movzbl %al, %r11d\n"
	"movups (%rsp), %xmm0\n movups 16(%rsp), %xmm1\n"
	"movups 32(%rsp), %xmm2\n movups 48(%rsp), %xmm3\n"
	"movups 64(%rsp), %xmm4\n movups 80(%rsp), %xmm5\n"
	"movups 96(%rsp), %xmm6\n movups 112(%rsp), %xmm7\n"
	"add $128, %rsp\n pop %r10\n pop %r9\n pop %r8\n pop %rcx\n"
	"pop %rdx\n pop %rsi\n pop %rdi\n pop %rax\n ret\n");

/* A test that has a __wrap_ of its own takes that one: these are weak. */
#define FAILS(function, result)                                                \
	__attribute__((used, visibility("hidden")))                            \
	const struct failing failing_##function = {#function, result};         \
	__asm__(".text\n.weak __wrap_" #function "\n.weak __real_" #function   \
		"\n__wrap_" #function ":\nlea failing_" #function              \
		"(%rip), %r10\ncall failing_ask\n"                             \
		"test %r11d, %r11d\njnz 1f\n"                                  \
		"jmp *__real_" #function "@GOTPCREL(%rip)\n"                   \
		"1: mov failing_" #function "+8(%rip), %rax\nret\n");
#else
#define FAILS(function, result)
#endif
#define NOTHING 0    /* NULL, or what OpenSSL returns */
#define FAILED  (-1) /* an error of libc, or ERR_NOMEM */

/* tests/rules.mk reads the names here. */
/* clang-format off */
FAILS(malloc, NOTHING)
FAILS(calloc, NOTHING)
FAILS(strdup, NOTHING)
FAILS(open64, FAILED)
FAILS(openat64, FAILED)
FAILS(read, FAILED)
FAILS(fstat64, FAILED)
FAILS(ftruncate64, FAILED)
FAILS(fchmod, FAILED)
FAILS(flock, FAILED)
FAILS(prctl, FAILED)
FAILS(syscall, FAILED)
FAILS(setrlimit64, FAILED)
FAILS(getrlimit64, FAILED)
FAILS(setresuid, FAILED)
FAILS(setresgid, FAILED)
FAILS(setgroups, FAILED)
FAILS(signal, FAILED)
FAILS(sigaction, FAILED)
FAILS(sigprocmask, FAILED)
FAILS(pipe2, FAILED)
FAILS(fcntl64, FAILED)
FAILS(fork, FAILED)
FAILS(dup2, FAILED)
FAILS(timer_create, FAILED)
FAILS(timer_settime, FAILED)
FAILS(timer_gettime, FAILED)
FAILS(socketpair, FAILED)
FAILS(setsid, FAILED)
FAILS(seccomp_init, NOTHING)
FAILS(seccomp_attr_set, FAILED)
FAILS(seccomp_rule_add_array, FAILED)
FAILS(seccomp_load, FAILED)
FAILS(buf_new, NOTHING)
FAILS(buf_new_zero, NOTHING)
FAILS(buf_add, FAILED)
FAILS(buf_addstr, FAILED)
FAILS(buf_addf, FAILED)
FAILS(buf_extend, FAILED)
FAILS(buf_set, FAILED)
FAILS(curl_easy_init, NOTHING)
FAILS(curl_easy_setopt, 27) /* CURLE_OUT_OF_MEMORY */
FAILS(curl_multi_init, NOTHING)
FAILS(curl_multi_add_handle, 3) /* CURLM_OUT_OF_MEMORY */
FAILS(curl_slist_append, NOTHING)
FAILS(curl_url, NOTHING)
FAILS(curl_url_set, 7) /* CURLUE_OUT_OF_MEMORY */
FAILS(curl_url_get, 7)
FAILS(EVP_CIPHER_fetch, NOTHING)
FAILS(EVP_CIPHER_CTX_new, NOTHING)
FAILS(EVP_CIPHER_CTX_ctrl, NOTHING)
FAILS(EVP_CipherInit_ex2, NOTHING)
FAILS(EVP_CipherUpdate, NOTHING)
FAILS(EVP_CipherFinal_ex, NOTHING)
FAILS(EVP_MD_fetch, NOTHING)
FAILS(EVP_MD_CTX_new, NOTHING)
FAILS(EVP_MD_get_size, NOTHING)
FAILS(EVP_DigestInit_ex2, NOTHING)
FAILS(EVP_DigestUpdate, NOTHING)
FAILS(EVP_DigestFinal_ex, NOTHING)
FAILS(EVP_DigestFinalXOF, NOTHING)
FAILS(EVP_DigestSignInit, NOTHING)
FAILS(EVP_DigestSign, NOTHING)
FAILS(EVP_DigestVerifyInit, NOTHING)
FAILS(EVP_DigestVerify, NOTHING)
FAILS(EVP_KEM_fetch, NOTHING)
FAILS(EVP_MAC_fetch, NOTHING)
FAILS(EVP_MAC_CTX_new, NOTHING)
FAILS(EVP_MAC_init, NOTHING)
FAILS(EVP_MAC_update, NOTHING)
FAILS(EVP_MAC_final, NOTHING)
FAILS(EVP_PKEY_new_raw_private_key, NOTHING)
FAILS(EVP_PKEY_new_raw_public_key, NOTHING)
FAILS(EVP_PKEY_new_raw_public_key_ex, NOTHING)
FAILS(EVP_PKEY_get_raw_public_key, NOTHING)
FAILS(EVP_PKEY_CTX_new, NOTHING)
FAILS(EVP_PKEY_CTX_new_from_name, NOTHING)
FAILS(EVP_PKEY_CTX_new_from_pkey, NOTHING)
FAILS(EVP_PKEY_fromdata_init, NOTHING)
FAILS(EVP_PKEY_fromdata, NOTHING)
FAILS(EVP_PKEY_encapsulate_init, NOTHING)
FAILS(EVP_PKEY_encapsulate, NOTHING)
FAILS(EVP_PKEY_decapsulate_init, NOTHING)
FAILS(EVP_PKEY_decapsulate, NOTHING)
FAILS(EVP_PKEY_derive_init, NOTHING)
FAILS(EVP_PKEY_derive_set_peer, NOTHING)
FAILS(EVP_PKEY_derive, NOTHING)
FAILS(RAND_priv_bytes_ex, NOTHING)
/* clang-format on */

unsigned failing_each(failing_work *work, void *state, bool may_end_well)
{
	unsigned k, calls, unseen = 0;

	/* What is done once in a process is done before they are counted. */
	assert_int_equal(work(state), 0);
	memset(&plan, 0, sizeof plan);
	assert_int_equal(work(state), 0);
	calls = plan.count;
#ifdef __x86_64__
	assert_true(calls > 0);
#else
	print_message("skipped: no call fails on this processor\n");
#endif
	for (k = 1; k <= calls; k++) {
		int rc;

		memset(&plan, 0, sizeof plan);
		plan.left = k;
		rc = work(state);
		plan.left = 0;
		assert_non_null(plan.found);
		if (rc == 0 && !may_end_well) {
			print_error("call %u of %u, of %s, failed, and the "
				    "work did not\n",
			    k, calls, plan.found->name);
			unseen++;
		}
	}
	assert_int_equal(unseen, 0);
	return calls;
}

int failing_in_child(failing_work *work, void *state)
{
	struct shared {
		unsigned count;
		const struct failing *found;
		int rc;
	} *shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct shared got;
	pid_t child;
	int status;

	assert_true(shared != MAP_FAILED);
	plan.held = true;
	child = fork();
	plan.held = false;
	assert_true(child >= 0);
	if (child == 0) {
		shared->rc = work(state);
		shared->count = plan.count;
		shared->found = plan.found;
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	got = *shared;
	assert_int_equal(munmap(shared, sizeof *shared), 0);
	plan.count = got.count;
	plan.found = got.found;
	return got.rc;
}

void failing_hold(bool hold)
{
	plan.held = hold;
}

void failing_next(const char *name)
{
	memset(&plan, 0, sizeof plan);
	plan.name = name;
	plan.left = 1;
}
