/* SPDX-License-Identifier: Apache-2.0 */
#include "aid/refused.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

void refused_run(const char *how)
{
	static const char conf[] =
	    "openssl_conf = start\n"
	    "[start]\nproviders = providers\nalg_section = algorithms\n"
	    "[algorithms]\ndefault_properties = fips=yes\n"
	    "[active]\nactivate = 1\n"
	    "[providers]\nbase = active\n";
	static const char beside[] = "default = active\n";
	char path[] = "/tmp/test_refused.XXXXXX";
	char self[4096] = "";
	int fd, status;
	pid_t child;

	/* By its name: behind the link itself stands valgrind, if it runs. */
	assert_true(readlink("/proc/self/exe", self, sizeof self - 1) > 0);
	fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, conf, sizeof conf - 1), sizeof conf - 1);
	if (strcmp(how, "--beside") == 0)
		assert_int_equal(
		    write(fd, beside, sizeof beside - 1), sizeof beside - 1);
	(void)close(fd);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		if (setenv("OPENSSL_CONF", path, 1) == 0)
			execl(self, self, how, (char *)NULL);
		_exit(127);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(unlink(path), 0);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}
