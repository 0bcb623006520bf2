/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_AID_TLS_H
#define SQS_ENTROPY_AID_TLS_H

#include <sys/types.h>

/* A server of TLS that somebody else wrote, openssl s_server, and two
 * certificates for 127.0.0.1: its own and another one. */

/* For cmocka_run_group_tests(): a folder with the certificates. */
int tls_aid_set_up(void **state);
int tls_aid_tear_down(void **state);
extern char tls_aid_folder[];
/* Paths of PEM files. */
extern char tls_aid_cert[64], tls_aid_key[64], tls_aid_other[64];

/* The path of a file in that folder. */
void tls_aid_path(char out[static 64], const char *name);

/* A child with its standard output on *out, its standard error nowhere. */
pid_t tls_aid_spawn(const char *const argv[], int *out);

struct tls_server {
	pid_t child;
	int in, out; /* in: -1, or what is answered is read from */
	char url[64];
};

/* version is an option as "-tls1_2", or NULL.  The test is skipped where there
 * is no openssl command. */
struct tls_server tls_server_start(const char *version);
/* One that answers the first request so, and leaves the connection open. */
struct tls_server tls_server_answer(const char *answer);
void tls_server_stop(struct tls_server *s);

#endif
