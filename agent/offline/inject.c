/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/offline/inject.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/random.h>
#include <stdbool.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* Linux 4.17; older kernel headers lack it. */
#ifndef RNDRESEEDCRNG
#define RNDRESEEDCRNG _IO('R', 0x07)
#endif

#define MEMORY_MAJOR 1
#define RANDOM_MINOR 8

static int permission(struct err *err)
{
	return err_set(err, ERR_PERM,
	    "the kernel lets only CAP_SYS_ADMIN add entropy: run as root (not "
	    "in an unprivileged container), or use --output FILE");
}

static bool is_random_device(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISCHR(st.st_mode) &&
	       st.st_rdev == makedev(MEMORY_MAJOR, RANDOM_MINOR);
}

int inject_probe(int fd, struct err *err)
{
	/* The kernel asks for the privilege before it reads the argument. */
	if (ioctl(fd, RNDADDTOENTCNT, NULL) == 0 || errno == EFAULT)
		return 0;
	if (errno == EPERM || errno == EACCES)
		return permission(err);
	return err_errno(
	    err, ERR_IO, "%s does not take entropy", INJECT_DEVICE);
}

int inject_open(int *fd, struct err *err)
{
	int rc;

	*fd = open(INJECT_DEVICE, O_WRONLY | O_CLOEXEC | O_NOCTTY);
	if (*fd < 0 && (errno == EACCES || errno == EPERM))
		return permission(err);
	if (*fd < 0)
		return err_errno(err, ERR_IO, "cannot open %s", INJECT_DEVICE);
	if (is_random_device(*fd))
		rc = inject_probe(*fd, err);
	else
		rc = err_set(err, ERR_IO,
		    "%s is not the kernel's device (char 1:8)", INJECT_DEVICE);
	if (rc != 0) {
		(void)close(*fd);
		*fd = -1;
	}
	return rc;
}

int inject_argument(
    const void *data, size_t len, unsigned bits, struct buf **out)
{
	struct rand_pool_info head = {.entropy_count = (int)bits};
	int rc;

	*out = NULL;
	if (len > INT_MAX / 8 || bits > 8 * len)
		return ERR_LIMIT;
	head.buf_size = (int)len;
	*out = buf_new(sizeof head + len);
	if (*out == NULL)
		return ERR_NOMEM;
	rc = buf_add(*out, &head, sizeof head);
	return rc == 0 ? buf_add(*out, data, len) : rc;
}

static int add_entropy(int fd, const struct buf *argument, struct err *err)
{
	if (ioctl(fd, RNDADDENTROPY, buf_data(argument)) == 0)
		return 0;
	if (errno == EPERM)
		return permission(err);
	return err_errno(err, ERR_IO, "RNDADDENTROPY failed");
}

/* ENODATA: the generator is not ready, and reseeds by itself when it is.
 * EINVAL and ENOTTY: kernels before 4.17 lack the request, and reseed some
 * minutes later. */
static int reseed(int fd, bool at_once, struct err *err)
{
	if (ioctl(fd, RNDRESEEDCRNG) == 0 || errno == ENODATA)
		return 0;
	if (errno != EINVAL && errno != ENOTTY)
		return err_errno(err, ERR_IO, "RNDRESEEDCRNG failed");
	if (!at_once)
		return 0;
	return err_set(err, ERR_IO,
	    "the bytes are mixed, but this kernel cannot reseed its generator "
	    "at once, as --forked and --strict need it: use Linux 4.17 or "
	    "later");
}

int inject(int fd, const struct buf *bytes, unsigned bits, bool at_once,
    struct err *err)
{
	struct buf *argument;
	int rc =
	    inject_argument(buf_data(bytes), buf_len(bytes), bits, &argument);

	if (rc != 0)
		err_set(
		    err, rc, "cannot prepare the injection: %s", err_text(rc));
	else
		rc = add_entropy(fd, argument, err);
	buf_free(argument);
	return rc == 0 ? reseed(fd, at_once, err) : rc;
}
