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
#include <poll.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "aid/confine.h"
#include "confine/steps.h"

#define MEMORY          (64 << 20)
#define NO_SUCH_USER    "sqs-entropy-no-such-user"
#define ROOT_ONLY()     SKIP_IF(geteuid() != 0, "not root")
#define SYS_ADMIN_ALONE "0000000000200000"
#define NOTHING         "0000000000000000"

static bool status_is(const char *name, const char *value)
{
	const char *now = confine_aid_status(name);

	if (strcmp(now, value) == 0)
		return true;
	print_error("%s is \"%s\", not \"%s\"\n", name, now, value);
	return false;
}

static bool limit_is(__rlimit_resource_t resource, rlim_t value)
{
	struct rlimit now;

	return getrlimit(resource, &now) == 0 && now.rlim_cur == value &&
	       now.rlim_max == value;
}

static bool has_no_ceiling(void)
{
#ifdef __SANITIZE_ADDRESS__
	return true;
#else
	return !confine_has_calls(); /* an emulator */
#endif
}

static void child_limits(void)
{
	const struct rlimit of_caller = {1000, 1000};
	char path[] = "/tmp/test_confine.XXXXXX", big[2000] = {0};
	int fd = mkstemp(path);
	void *volatile big_block;
	struct err err;

	CHECK(fd >= 0 && unlink(path) == 0);
	CHECK(setrlimit(RLIMIT_FSIZE, &of_caller) == 0);
	CHECK(confine_limits(32, MEMORY, &err) == 0);
	CHECK(limit_is(RLIMIT_NOFILE, 32) && limit_is(RLIMIT_FSIZE, 1000));
	CHECK(has_no_ceiling() || limit_is(RLIMIT_DATA, MEMORY));
	/* GCC 16 leaves out a block that nobody looks at. */
	big_block = malloc(2 * (size_t)MEMORY);
	CHECK(has_no_ceiling() || big_block == NULL);
	free(big_block);
	/* It fails, and does not kill. */
	CHECK(write(fd, big, sizeof big) == 1000);
	CHECK(write(fd, big, 1) == -1 && errno == EFBIG);
	CHECK(dup2(fd, 32) == -1 && errno == EBADF);
	/* What is in force is never raised. */
	CHECK(confine_limits(33, MEMORY + 1, &err) == 0);
	CHECK(limit_is(RLIMIT_NOFILE, 32));
}

static void child_limits_stay(void)
{
	const struct rlimit more = {33, 33};
	struct err err;

	CHECK(confine_limits(32, MEMORY, &err) == 0);
	CHECK(confine_capabilities(-1, &err) == 0);
	CHECK(setrlimit(RLIMIT_NOFILE, &more) == -1 && errno == EPERM);
}

static void limits_are_lowered_and_never_raised(void **state)
{
	(void)state;
	SKIP_IF(confine_aid_valgrind(), "valgrind keeps RLIMIT_NOFILE");
	confine_aid_run(child_limits);
	confine_aid_run(child_limits_stay);
}

static void child_lifetime(void)
{
	struct err err;
	sigset_t all;

	CHECK(confine_lifetime(0, &err) != 0);
	CHECK(confine_lifetime(-5, &err) != 0);
	CHECK(confine_lifetime(150, &err) == 0);
	CHECK(sigfillset(&all) == 0);
	CHECK(sigprocmask(SIG_SETMASK, &all, NULL) == 0);
	(void)poll(NULL, 0, 30000);
}

static void a_lifetime_ends_in_a_kill_that_nothing_blocks(void **state)
{
	int status;

	(void)state;
	status = confine_aid_wait_status(child_lifetime);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGKILL);
}

static void child_capabilities(void)
{
	struct err err;

	CHECK(confine_capabilities(-1, &err) == 0);
	CHECK(status_is("CapEff", NOTHING) && status_is("CapPrm", NOTHING));
	CHECK(status_is("CapInh", NOTHING) && status_is("CapAmb", NOTHING));
	CHECK(status_is("NoNewPrivs", "1"));
	/* Twice does no harm; nothing is there to be kept. */
	CHECK(confine_capabilities(-1, &err) == 0);
	CHECK(confine_capabilities(CAP_SYS_ADMIN, &err) == ERR_PERM);
	CHECK(strcmp(err.text,
		  "capability 21 is not there to keep: run as root, or let the "
		  "service have it (CapabilityBoundingSet)") == 0);
	CHECK(confine_capabilities(64, &err) == ERR_INTERNAL);
}

static void all_capabilities_go_when_none_is_kept(void **state)
{
	(void)state;
	confine_aid_run(child_capabilities);
}

static void child_keeps_one(void)
{
	int status = -1;
	struct err err;
	pid_t child;

	/* Something in the ambient set, which must go too. */
	(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_CHOWN, 0, 0);
	CHECK(confine_capabilities(CAP_SYS_ADMIN, &err) == 0);
	child = fork();
	CHECK(child >= 0);
	CHECK(status_is("CapEff", SYS_ADMIN_ALONE));
	CHECK(status_is("CapPrm", SYS_ADMIN_ALONE));
	CHECK(status_is("CapBnd", SYS_ADMIN_ALONE));
	CHECK(status_is("CapInh", NOTHING) && status_is("CapAmb", NOTHING));
	CHECK(status_is("NoNewPrivs", "1"));
	CHECK(status_is("Groups", "") || getgroups(0, NULL) > 0);
	CHECK(setgroups(0, NULL) == -1 && errno == EPERM);
	CHECK(chown("/", 1, 1) == -1 && errno == EPERM);
	if (child == 0)
		_exit(0);
	CHECK(waitpid(child, &status, 0) == child && status == 0);
}

static void one_capability_is_kept_and_the_others_go(void **state)
{
	(void)state;
	ROOT_ONLY();
	confine_aid_run(child_keeps_one);
}

static int become(const char *user, int cap, bool *changed, struct err *err)
{
	const struct confine_half half = {.user = user, .cap = cap};

	return confine_become(&half, changed, err);
}

static void child_nobody(void)
{
	const gid_t groups[] = {0, 4, 6};
	bool changed = false;
	struct err err;

	CHECK(become("root", -1, &changed, &err) == ERR_PERM && !changed);
	CHECK(strcmp(err.text, "user root has root's user or group id: give it "
			       "its own") == 0);
	CHECK(setgroups(3, groups) == 0);
	/* Would keep capabilities across the change. */
	CHECK(prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) == 0);
	CHECK(!confine_user_exists(NO_SUCH_USER));
	CHECK(!confine_root_is_gone());
	CHECK(become(NO_SUCH_USER, -1, &changed, &err) == 0);
	CHECK(changed);
	CHECK(confine_no_core() == 0);
	CHECK(status_is("CapBnd", NOTHING) && status_is("CapPrm", NOTHING));
	CHECK(confine_capabilities(-1, &err) == 0);
	CHECK(confine_root_is_gone());
	CHECK(status_is("Uid", "65534\t65534\t65534\t65534"));
	CHECK(status_is("Gid", "65534\t65534\t65534\t65534"));
	CHECK(status_is("Groups", ""));
	CHECK(status_is("CapEff", NOTHING) && status_is("CapPrm", NOTHING));
	CHECK(status_is("CapBnd", NOTHING) && status_is("CapAmb", NOTHING));
	CHECK(setuid(0) != 0 && setgid(0) != 0 && seteuid(0) != 0);
	CHECK(setgroups(3, groups) != 0);
	CHECK(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0);
	/* No longer root: nothing happens. */
	CHECK(become("root", -1, &changed, &err) == 0 && !changed);
	CHECK(getuid() == 65534);
}

/* The one capability is kept across the change, and alone. */
static void child_named_user(void)
{
	const struct passwd *user = getpwnam("daemon");
	bool changed = false;
	struct err err;

	if (user == NULL)
		return;
	CHECK(confine_user_exists("daemon"));
	CHECK(become("daemon", CAP_SYS_ADMIN, &changed, &err) == 0 && changed);
	CHECK(confine_capabilities(CAP_SYS_ADMIN, &err) == 0);
	CHECK(confine_root_is_gone());
	CHECK(status_is("CapEff", SYS_ADMIN_ALONE));
	CHECK(status_is("CapPrm", SYS_ADMIN_ALONE));
	CHECK(status_is("CapBnd", SYS_ADMIN_ALONE));
	CHECK(status_is("CapAmb", NOTHING) && status_is("NoNewPrivs", "1"));
	CHECK(prctl(PR_GET_KEEPCAPS, 0, 0, 0, 0) == 0);
	CHECK(geteuid() == user->pw_uid && getegid() == user->pw_gid);
}

/* Whoever may stay root does so only where its user is missing. */
static void child_may_stay_root(void)
{
	struct confine_half half = {
	    .user = NO_SUCH_USER, .stays_root = true, .cap = -1};
	bool changed = true;
	struct err err;

	CHECK(confine_become(&half, &changed, &err) == 0 && !changed);
	CHECK(geteuid() == 0);
	half.user = "daemon";
	CHECK(confine_become(&half, &changed, &err) == 0 && changed);
	CHECK(geteuid() != 0);
}

/* Without a descriptor for passwd(5) nobody knows whether there is a user, and
 * nobody goes on as another one. */
static void child_cannot_look(void)
{
	struct confine_half half = {
	    .user = "daemon", .stays_root = true, .cap = -1};
	struct rlimit limit, none;
	bool changed = true;
	struct err err;

	CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
	none = (struct rlimit){.rlim_cur = 0, .rlim_max = limit.rlim_max};
	CHECK(setrlimit(RLIMIT_NOFILE, &none) == 0);
	CHECK(confine_user_exists(NO_SUCH_USER));
	CHECK(confine_become(&half, &changed, &err) == ERR_IO && !changed);
	CHECK(strcmp(err.text, "cannot look up user daemon: "
			       "Too many open files") == 0);
	CHECK(become(NO_SUCH_USER, -1, &changed, &err) == ERR_IO && !changed);
	CHECK(confine_as("daemon", &err) == ERR_IO && geteuid() == 0);
	CHECK(confine_give("/", "daemon", &err) == ERR_IO);
	/* Nothing of that is believed later. */
	CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
	CHECK(!confine_user_exists(NO_SUCH_USER));
	CHECK(confine_become(&half, &changed, &err) == 0 && changed);
}

/* The services of nsswitch.conf(5) know nobody, as when the first one could not
 * read passwd(5) and the next one has been asked. */
static bool services_know_nobody;

int __real_getpwnam_r(const char *name, struct passwd *entry, char *space,
    size_t size, struct passwd **found);
int __wrap_getpwnam_r(const char *name, struct passwd *entry, char *space,
    size_t size, struct passwd **found);

int __wrap_getpwnam_r(const char *name, struct passwd *entry, char *space,
    size_t size, struct passwd **found)
{
	*found = NULL;
	return services_know_nobody
		   ? 0
		   : __real_getpwnam_r(name, entry, space, size, found);
}

static void child_looks_into_the_file(void)
{
	services_know_nobody = true;
	child_cannot_look();
}

/* Root in the saved id alone is root all the same. */
static void child_saved_root(void)
{
	bool changed = false;
	struct err err;

	CHECK(setresuid(1, 1, 0) == 0);
	CHECK(become(NO_SUCH_USER, -1, &changed, &err) == ERR_PERM);
	CHECK(seteuid(0) == 0);
	CHECK(become(NO_SUCH_USER, -1, &changed, &err) == 0);
	CHECK(seteuid(0) != 0);
}

static void child_root_is_no_user(void)
{
	bool changed = true;
	struct err err;

	CHECK(become("root", -1, &changed, &err) == ERR_PERM);
	CHECK(strstr(err.text, "root") != NULL);
	CHECK(getuid() == 0);
}

/* A namespace with root alone has no user to change to. */
static void child_unmapped(void)
{
	bool changed = true;
	struct err err;
	int fd;

	if (unshare(CLONE_NEWUSER) != 0)
		return;
	fd = open("/proc/self/uid_map", O_WRONLY | O_CLOEXEC);
	CHECK(fd >= 0 && write(fd, "0 0 1", 5) == 5 && close(fd) == 0);
	CHECK(become("daemon", -1, &changed, &err) == ERR_PERM);
	CHECK(strstr(err.text, "not mapped") != NULL);
	CHECK(become(NO_SUCH_USER, -1, &changed, &err) == ERR_PERM);
	CHECK(geteuid() == 0 && !changed);
}

static void root_becomes_the_user_or_nobody_for_good(void **state)
{
	(void)state;
	ROOT_ONLY();
	confine_aid_run(child_nobody);
	confine_aid_run(child_named_user);
	confine_aid_run(child_may_stay_root);
	if (!confine_aid_valgrind()) { /* which keeps RLIMIT_NOFILE */
		confine_aid_run(child_cannot_look);
		confine_aid_run(child_looks_into_the_file);
	}
	confine_aid_run(child_saved_root);
	confine_aid_run(child_root_is_no_user);
	confine_aid_run(child_unmapped);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(limits_are_lowered_and_never_raised),
	    cmocka_unit_test(a_lifetime_ends_in_a_kill_that_nothing_blocks),
	    cmocka_unit_test(all_capabilities_go_when_none_is_kept),
	    cmocka_unit_test(one_capability_is_kept_and_the_others_go),
	    cmocka_unit_test(root_becomes_the_user_or_nobody_for_good),
	};

	return cmocka_run_group_tests_name("confine_steps", tests, NULL, NULL);
}
