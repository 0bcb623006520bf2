/* SPDX-License-Identifier: Apache-2.0 */
/* Whom a client trusts, and what of it moves. */
#include "aid/http.h"
#include "aid/tls.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "http/internal.h"

/* The bundle of a libcurl that has no folder; "": its own. */
static char only_bundle[64];

curl_version_info_data *curl_version_info(CURLversion age)
{
	static curl_version_info_data info;
	curl_version_info_data *(*real)(CURLversion);
	union {
		void *object;
		curl_version_info_data *(*function)(CURLversion);
	} cast = {.object = dlsym(RTLD_NEXT, "curl_version_info")};

	real = cast.function;
	info = *real(age);
	if (only_bundle[0] != '\0') {
		info.cainfo = only_bundle;
		info.capath = NULL;
	}
	return &info;
}

/* As those do who renew a file: written beside it, renamed over it. */
static void put_bundle(const char *from, const char *to)
{
	char beside[64];

	tls_aid_path(beside, "beside.pem");
	assert_int_equal(link(from, beside), 0);
	assert_int_equal(rename(beside, to), 0);
}

static void a_bundle_that_moves_is_read_again(void **state)
{
	struct tls_server s = tls_server_start(NULL);
	char bundle[64];
	struct http_config cfg = {.ca_bundle = bundle, .cancel_fd = -1};
	struct http_request req = http_aid_get(s.url);
	struct http_transfer *t;
	struct http *h;
	struct err err;

	(void)state;
	tls_aid_path(bundle, "bundle.pem");
	req.answer_max = 65536;
	assert_int_equal(http_new(&cfg, &h, &err), ERR_CONFIG);
	cfg.bundle_may_come = true;
	assert_int_equal(http_new(&cfg, &h, &err), 0);
	for (int k = 0; k < 2; k++) {
		assert_int_equal(http_start(h, &req, &t, &err), ERR_CONFIG);
		assert_non_null(strstr(err.text, "cannot read the CA bundle"));
		put_bundle(tls_aid_other, bundle);
		http_aid_expect(h, &req, ERR_CONNECT, false, "cannot verify");
		assert_true(http_distrusts(h));
		put_bundle(tls_aid_cert, bundle);
		http_aid_expect(h, &req, 0, true, "");
		assert_false(http_distrusts(h));
		assert_int_equal(unlink(bundle), 0);
		/* The last one stays in force. */
		http_aid_expect(h, &req, 0, true, "");
		http_free(h);
		assert_int_equal(http_new(&cfg, &h, &err), 0);
	}
	http_free(h);
	tls_server_stop(&s);
}

/* Nothing of its file's look has changed. */
static void after_distrust_a_bundle_is_read_whatever_it_looks_like(void **state)
{
	struct tls_server s = tls_server_start(NULL);
	const struct http_config cfg = {
	    .ca_bundle = tls_aid_other, .cancel_fd = -1};
	struct http_request req = http_aid_get(s.url);
	struct http *h;
	struct err err;

	(void)state;
	req.answer_max = 65536;
	assert_int_equal(http_new(&cfg, &h, &err), 0);
	http_aid_expect(h, &req, ERR_CONNECT, false, "cannot verify");
	put_bundle(tls_aid_cert, tls_aid_other);
	assert_int_equal(stat(tls_aid_other, &h->ca_file), 0);
	http_aid_expect(h, &req, 0, true, "");
	http_free(h);
	tls_server_stop(&s);
}

/* What openssl-rehash(1) calls the certificate that the server has. */
static void read_hashed_name(char out[static 64])
{
	const char *const argv[] = {
	    "openssl", "x509", "-hash", "-noout", "-in", tls_aid_cert, NULL};
	char hash[16] = "";
	int fd, status;
	pid_t child = tls_aid_spawn(argv, &fd);

	assert_true(read(fd, hash, sizeof hash - 1) >= 8);
	assert_int_equal(waitpid(child, &status, 0), child);
	(void)close(fd);
	(void)snprintf(
	    out, 64, "%s/directory-hash/%.8s.0", tls_aid_folder, hash);
}

/* The system's bundle has the other certificate, by a link, and the
 * tls_aid_folder beside it names that no certificate is asked for by. */
static void make_system_trust(void)
{
	char path[64];

	tls_aid_path(path, "tls-ca-bundle.pem");
	assert_int_equal(link(tls_aid_other, path), 0);
	tls_aid_path(only_bundle, "ca-bundle.crt");
	assert_int_equal(symlink("tls-ca-bundle.pem", only_bundle), 0);
	tls_aid_path(path, "directory-hash");
	assert_int_equal(mkdir(path, 0700), 0);
	for (unsigned k = 0; k < 32; k++) {
		(void)snprintf(path, sizeof path, "%s/directory-hash/%08x.0",
		    tls_aid_folder, k);
		assert_int_equal(link(tls_aid_other, path), 0);
	}
}

static void remove_system_trust(const char *name)
{
	char path[64];

	(void)unlink(name);
	for (unsigned k = 0; k < 32; k++) {
		(void)snprintf(path, sizeof path, "%s/directory-hash/%08x.0",
		    tls_aid_folder, k);
		(void)unlink(path);
	}
	tls_aid_path(path, "directory-hash");
	assert_int_equal(rmdir(path), 0);
	tls_aid_path(path, "tls-ca-bundle.pem");
	assert_int_equal(unlink(path), 0);
	assert_int_equal(unlink(only_bundle), 0);
	only_bundle[0] = '\0';
}

static void the_folder_beside_the_systems_bundle_is_used(void **state)
{
	struct tls_server s = tls_server_start(NULL);
	const struct http_config cfg = {.cancel_fd = -1};
	struct http_request req = http_aid_get(s.url);
	char name[64];
	struct http *h;
	struct err err;

	(void)state;
	req.answer_max = 65536;
	read_hashed_name(name);
	make_system_trust();
	assert_int_equal(http_new(&cfg, &h, &err), 0);
	assert_int_equal(link(tls_aid_cert, name), 0);
	http_aid_expect(h, &req, 0, true, "");
	http_rest(h);
	assert_int_equal(unlink(name), 0);
	http_aid_expect(h, &req, ERR_CONNECT, false, "cannot verify");
	/* Somebody may have added to the bundle alone. */
	assert_non_null(h->ca_hashed);
	http_aid_expect(h, &req, ERR_CONNECT, false, "cannot verify");
	assert_null(h->ca_hashed);
	assert_false(h->ca_folder);
	http_free(h);
	remove_system_trust(name);
	tls_server_stop(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_bundle_that_moves_is_read_again),
	    cmocka_unit_test(
		after_distrust_a_bundle_is_read_whatever_it_looks_like),
	    cmocka_unit_test(the_folder_beside_the_systems_bundle_is_used),
	};

	return cmocka_run_group_tests(tests, tls_aid_set_up, tls_aid_tear_down);
}
