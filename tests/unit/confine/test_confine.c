/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "aid/confine.h"
#include "confine/confine.h"
#include "confine/steps.h"

#define NO_SUCH_USER    "no-such-user-of-sqs-entropy"
#define ROOT_ONLY()     SKIP_IF(geteuid() != 0, "not root")
#define SYS_ADMIN_ALONE "0000000000200000"
#define NOTHING         "0000000000000000"

static const char *const reading[] = {"/etc", "/usr", "/lib", "/proc", NULL};

static struct confine_half half_of(enum confine_role role, const char *user)
{
	return (struct confine_half){
	    .role = role, .user = user, .cap = -1, .readable = reading};
}

static bool status_is(const char *name, const char *value)
{
	const char *now = confine_aid_status(name);

	if (strcmp(now, value) == 0)
		return true;
	print_error("%s is \"%s\", not \"%s\"\n", name, now, value);
	return false;
}

static void child_all_of_it(void)
{
	struct confine_half half = half_of(CONFINE_ONLINE, NULL);
	struct err err = {0};

	CHECK(confine_has_calls());
	CHECK(confine_half(&half, &err) == 0);
	CHECK(err.code == 0);
	CHECK(status_is("Seccomp", "2"));
}

static void child_no_core(void)
{
	struct rlimit core;

	CHECK(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) == 0);
	CHECK(confine_no_core() == 0);
	CHECK(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0);
	CHECK(getrlimit(RLIMIT_CORE, &core) == 0);
	CHECK(core.rlim_cur == 0 && core.rlim_max == 0);
}

static void a_process_is_made_to_leave_no_core(void **state)
{
	(void)state;
	confine_aid_run(child_no_core);
}

static void confine(const char *user, int cap, enum confine_role role)
{
	struct confine_half half = half_of(role, user);
	struct err err = {0};

	half.cap = cap;
	half.lifetime_ms = 20000;
	confine_aid_open_status();
	CHECK(confine_no_core() == 0);
	CHECK(confine_half(&half, &err) == 0);
}

static void child_online_half(void)
{
	confine(NO_SUCH_USER, -1, CONFINE_ONLINE);
	CHECK(status_is("CapEff", NOTHING) && status_is("CapPrm", NOTHING));
	CHECK(status_is("CapInh", NOTHING) && status_is("CapAmb", NOTHING));
	CHECK(status_is("NoNewPrivs", "1") && status_is("Seccomp", "2"));
	CHECK(status_is("Uid", "65534\t65534\t65534\t65534"));
	CHECK(status_is("Groups", "") && status_is("CapBnd", NOTHING));
}

static void child_agent_offline_half(void)
{
	confine(NULL, CAP_SYS_ADMIN, CONFINE_AGENT_OFFLINE);
	CHECK(status_is("CapEff", SYS_ADMIN_ALONE));
	CHECK(status_is("CapPrm", SYS_ADMIN_ALONE));
	CHECK(status_is("CapBnd", SYS_ADMIN_ALONE));
	CHECK(status_is("CapInh", NOTHING) && status_is("CapAmb", NOTHING));
	CHECK(status_is("NoNewPrivs", "1") && status_is("Seccomp", "2"));
}

static void child_producer_offline_half(void)
{
	confine(NO_SUCH_USER, -1, CONFINE_PRODUCER_OFFLINE);
	CHECK(status_is("CapEff", NOTHING) && status_is("CapPrm", NOTHING));
	CHECK(status_is("NoNewPrivs", "1") && status_is("Seccomp", "2"));
}

static void each_half_keeps_only_the_privileges_it_needs(void **state)
{
	(void)state;
	SKIP_IF(confine_aid_valgrind(), "valgrind's own calls are refused");
	confine_aid_run(child_producer_offline_half);
	ROOT_ONLY();
	confine_aid_run(child_online_half);
	confine_aid_run(child_agent_offline_half);
}

/* As a kernel without filters answers; other calls go on. */
static void without_filters(void)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);

	CHECK(filter != NULL);
	CHECK(seccomp_rule_add(filter, SCMP_ACT_ERRNO(EINVAL), SCMP_SYS(prctl),
		  1, SCMP_A0(SCMP_CMP_EQ, PR_SET_SECCOMP, 0)) == 0);
	CHECK(seccomp_rule_add(filter, SCMP_ACT_ERRNO(EINVAL), SCMP_SYS(prctl),
		  1, SCMP_A0(SCMP_CMP_EQ, PR_GET_SECCOMP, 0)) == 0);
	CHECK(seccomp_rule_add(
		  filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(seccomp), 0) == 0);
	CHECK(seccomp_load(filter) == 0);
	seccomp_release(filter);
}

/* How many of the lacks name this. */
static bool lacks(const char *what, size_t times)
{
	struct confine_lacks l;

	confine_find_lacks(NO_SUCH_USER, "daemon", &l);
	for (size_t i = 0; i < l.n; i++)
		times -= strstr(l.text[i], what) != NULL ? 1 : 0;
	return times == 0;
}

static void child_without_landlock(void)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	struct confine_half half = half_of(CONFINE_ONLINE, NO_SUCH_USER);
	struct err err = {0};

	CHECK(filter != NULL);
	CHECK(seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS),
		  SCMP_SYS(landlock_create_ruleset), 0) == 0);
	CHECK(seccomp_load(filter) == 0);
	seccomp_release(filter);
	CHECK(lacks("Landlock", 1) && lacks("seccomp", 0));
	CHECK(confine_half(&half, &err) == 0);
	CHECK(status_is("Seccomp", "2") && status_is("NoNewPrivs", "1"));
}

static void child_lacks_users(void)
{
	struct confine_lacks l;

	CHECK(lacks(NO_SUCH_USER, geteuid() == 0 ? 1 : 0));
	CHECK(lacks("useradd", geteuid() == 0 ? 1 : 0));
	confine_find_lacks("daemon", "bin", &l);
	CHECK(l.one_user == (geteuid() != 0));
	CHECK(lacks("daemon", 0));
}

static void child_without_filters(void)
{
	struct confine_half half = half_of(CONFINE_ONLINE, NO_SUCH_USER);
	const bool root = geteuid() == 0;
	struct err err = {0};

	without_filters();
	CHECK(lacks("seccomp", 1));
	CHECK(confine_half(&half, &err) == 0);
	CHECK(err.code == 0);
	/* No filter of ours: this is a call that all of them refuse. */
	CHECK(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0);
	/* The rest is as ever. */
	CHECK(!root || status_is("Uid", "65534\t65534\t65534\t65534"));
	CHECK(status_is("NoNewPrivs", "1"));
	CHECK(status_is("CapEff", NOTHING) && status_is("CapPrm", NOTHING));
	CHECK(open("/proc/self/stat", O_RDONLY) >= 0);
	if (confine_has_files()) {
		CHECK(open("/tmp", O_RDONLY) == -1 && errno == EACCES);
		CHECK(open("/dev/null", O_WRONLY) == -1 && errno == EACCES);
	}
}

/* What keeps the calls from being restricted in another way is an error. */
static void child_filters_refused(void)
{
	struct confine_half half = half_of(CONFINE_ONLINE, NULL);
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	struct err err = {0};

	CHECK(filter != NULL);
	CHECK(seccomp_rule_add(filter, SCMP_ACT_ERRNO(EACCES), SCMP_SYS(prctl),
		  1, SCMP_A0(SCMP_CMP_EQ, PR_SET_SECCOMP, 0)) == 0);
	CHECK(seccomp_rule_add(
		  filter, SCMP_ACT_ERRNO(EACCES), SCMP_SYS(seccomp), 0) == 0);
	CHECK(seccomp_load(filter) == 0);
	seccomp_release(filter);
	CHECK(confine_half(&half, &err) == ERR_PERM);
	CHECK(err.code == ERR_PERM);
}

static void a_confined_half_knows_what_is_in_force(void **state)
{
	(void)state;
	SKIP_IF(confine_aid_valgrind(), "valgrind's own calls are refused");
	confine_aid_run(child_all_of_it);
}

static void without_seccomp_the_rest_is_confined_all_the_same(void **state)
{
	(void)state;
	SKIP_IF(confine_aid_valgrind(), "valgrind keeps RLIMIT_NOFILE");
	confine_aid_run(child_without_filters);
}

/* Calls that a kernel, or whoever filters them, answers with success and does
 * not do. */
static const struct lie {
	const char *call;
	int first;   /* the first argument that it is about; -1: any */
	bool second; /* only if the third argument is not NULL */
	bool stays;  /* told to a half that does not change its user, which
			would make it undumpable all the same */
} lies[] = {
    {"timer_settime", .first = -1},
    {"setgroups", .first = -1},
    {"setresgid", .first = -1},
    {"setresuid", .first = -1},
    {"capset", .first = -1},
    {"prctl", .first = PR_CAPBSET_DROP},
    {"prctl", .first = PR_SET_DUMPABLE, .stays = true},
    {"prctl", .first = PR_SET_NO_NEW_PRIVS},
    {"prlimit64", .first = RLIMIT_NOFILE, .second = true},
#ifndef __SANITIZE_ADDRESS__
    {"prlimit64", .first = RLIMIT_DATA, .second = true},
#endif
    {"landlock_restrict_self", .first = -1},
    {"seccomp", .first = -1},
};

static const struct lie *lie;

/* On 32 bits libc makes a later call, named so, of most of them. */
static void tell_lie(scmp_filter_ctx filter, const char *suffix)
{
	const int at = strcmp(lie->call, "prlimit64") == 0 ? 1 : 0;
	const struct scmp_arg_cmp when[] = {
	    {(unsigned)at, SCMP_CMP_EQ, (scmp_datum_t)lie->first, 0},
	    {2, SCMP_CMP_NE, 0, 0}};
	char call[32];
	int number;

	(void)snprintf(call, sizeof call, "%s%s", lie->call, suffix);
	number = seccomp_syscall_resolve_name(call);
	CHECK(number >= 0 || suffix[0] != '\0');
	CHECK(number < 0 ||
	      seccomp_rule_add_array(filter, SCMP_ACT_ERRNO(0), number,
		  lie->first < 0 ? 0
		  : lie->second  ? 2
				 : 1,
		  when) == 0);
}

static void tell_lies(void)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);

	CHECK(filter != NULL);
	CHECK(seccomp_attr_set(filter, SCMP_FLTATR_CTL_NNP, 0) == 0);
	tell_lie(filter, "");
	tell_lie(filter, "32");
	tell_lie(filter, "64");
	CHECK(seccomp_load(filter) == 0);
	seccomp_release(filter);
}

static void child_told_lies(void)
{
	struct confine_half half =
	    half_of(CONFINE_ONLINE, lie->stays ? NULL : "daemon");
	const gid_t group = 1;
	struct err err = {0};

	half.lifetime_ms = 60000;
	CHECK(setgroups(1, &group) == 0);
	CHECK(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) == 0);
	tell_lies();
	CHECK(confine_half(&half, &err) != 0);
	CHECK(err.code != 0 && err.text[0] != '\0');
}

static void a_step_that_did_not_take_is_an_error(void **state)
{
	(void)state;
	ROOT_ONLY();
	SKIP_IF(confine_aid_valgrind(), "valgrind's own calls are refused");
	SKIP_IF(!confine_has_files(), "no Landlock here");
	for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
		lie = &lies[i];
		print_message("%s %d\n", lie->call, lie->first);
		confine_aid_run(child_told_lies);
	}
}

static void what_is_not_to_be_had_is_told(void **state)
{
	(void)state;
	SKIP_IF(confine_aid_valgrind(), "valgrind keeps RLIMIT_NOFILE");
	confine_aid_run(child_lacks_users);
	confine_aid_run(child_without_landlock);
}

static void filters_that_the_kernel_refuses_are_an_error(void **state)
{
	(void)state;
	SKIP_IF(confine_aid_valgrind(), "valgrind keeps RLIMIT_NOFILE");
	confine_aid_run(child_filters_refused);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_process_is_made_to_leave_no_core),
	    cmocka_unit_test(each_half_keeps_only_the_privileges_it_needs),
	    cmocka_unit_test(a_confined_half_knows_what_is_in_force),
	    cmocka_unit_test(without_seccomp_the_rest_is_confined_all_the_same),
	    cmocka_unit_test(a_step_that_did_not_take_is_an_error),
	    cmocka_unit_test(what_is_not_to_be_had_is_told),
	    cmocka_unit_test(filters_that_the_kernel_refuses_are_an_error),
	};

	return cmocka_run_group_tests_name("confine", tests, NULL, NULL);
}
