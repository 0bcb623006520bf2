/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_TESTS_YEARS_WRAPPED_H
#define SQS_ENTROPY_TESTS_YEARS_WRAPPED_H

#include <poll.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "agent/offline/inject.h"
#include "confine/confine.h"
#include "confine/split.h"
#include "http/transfer.h"

/* What the linker calls instead of the system's and the product's own
 * (YEARS_WRAPPED in tests/rules.mk). */
int __real_poll(struct pollfd *p, nfds_t n, int timeout);
int __wrap_poll(struct pollfd *p, nfds_t n, int timeout);
int __wrap_nanosleep(const struct timespec *t, struct timespec *left);
ssize_t __wrap_getrandom(void *p, size_t n, unsigned flags);
ssize_t __real_write(int fd, const void *data, size_t n);
ssize_t __wrap_write(int fd, const void *data, size_t n);
ssize_t __real_read(int fd, void *data, size_t n);
ssize_t __wrap_read(int fd, void *data, size_t n);

int __wrap_split_run(const struct split *s, struct err *end, struct err *why);
int __real_split_end_fd(int peer, int stop_fd, int *fd);
int __wrap_split_end_fd(int peer, int stop_fd, int *fd);
int __wrap_split_stop_fd(int *fd);
int __wrap_split_hup(int fd, uint32_t type);
int __wrap_confine_no_core(void);
int __wrap_confine_half(const struct confine_half *half, struct err *why);
int __wrap_confine_lifetime(long ms, struct err *why);
void __wrap_confine_find_lacks(
    const char *offline_user, const char *online_user, struct confine_lacks *l);
int __wrap_confine_as(const char *user, struct err *why);
int __wrap_descriptors_let_go(void);
void __wrap_descriptors_init(void);
void __wrap_program_end(int code);

int __wrap_inject_open(int *fd, struct err *why);
int __wrap_inject_probe(int fd, struct err *why);
int __wrap_inject(int fd, const struct buf *bytes, unsigned bits, bool at_once,
    struct err *why);
int __real_file_read(const char *path, void *data, size_t max, size_t *len);
int __wrap_file_read(const char *path, void *data, size_t max, size_t *len);

ssize_t __real_pwrite64(int fd, const void *data, size_t len, off_t at);
ssize_t __wrap_pwrite64(int fd, const void *data, size_t len, off_t at);
int __wrap_fdatasync(int fd);
int __wrap_fsync(int fd);
int __real_renameat(int from, const char *old, int to, const char *name);
int __wrap_renameat(int from, const char *old, int to, const char *name);
int __real_openat64(int dir, const char *name, int flags, ...);
int __wrap_openat64(int dir, const char *name, int flags, mode_t mode);

int __wrap_http_new(
    const struct http_config *cfg, struct http **h, struct err *why);
void __wrap_http_free(struct http *h);
const char *__wrap_http_ca_bundle(const struct http *h);
bool __wrap_http_distrusts(const struct http *h);
void __wrap_http_rest(struct http *h);
int __wrap_http_start(struct http *h, const struct http_request *req,
    struct http_transfer **t, struct err *why);
int __wrap_http_release(
    struct http_transfer *t, const char *const *headers, struct err *why);
int __wrap_http_wait(struct http *h, struct http_transfer *t, struct err *why);
size_t __wrap_http_wait_any(
    struct http *h, struct http_transfer *const *all, size_t n, int64_t until);
int __wrap_http_do(struct http *h, const struct http_request *req,
    struct http_transfer **t, struct err *why);
int __wrap_http_status(const struct http_transfer *t);
const struct buf *__wrap_http_body(const struct http_transfer *t);
const char *__wrap_http_header(const struct http_transfer *t, const char *name);
bool __wrap_http_was_sent(const struct http_transfer *t);
void __wrap_http_transfer_free(struct http_transfer *t);

#endif
