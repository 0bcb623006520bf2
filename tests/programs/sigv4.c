/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sign the requests on standard input, one after the other with one cache:
 * "X-AMZ-DATE TAB AUTHORIZATION LF" each, on standard output.
 *
 * A request is a list of fields, a field its length as 32-bit big-endian and
 * that many bytes.  In order: method, host, region, service,
 * access key, secret key, token, epoch milliseconds (decimal), body, then the
 * name and the value of each header; a field of length END closes the list.
 * Length ABSENT stands for NULL, which token and body may be.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aws/sigv4.h"
#include "base/err.h"

#define END       0xffffffffu
#define ABSENT    0xfffffffeu
#define FIELD_MAX (1u << 20)

enum {
	METHOD,
	HOST,
	REGION,
	SERVICE,
	ACCESS_KEY,
	SECRET_KEY,
	TOKEN,
	WALL,
	BODY,
	FIRST_HEADER
};

/* More than sigv4 takes, so that its own ceiling can be tried. */
#define FIELDS_MAX (FIRST_HEADER + 2 * (SIGV4_HEADERS_MAX + 2))

struct fields {
	char *at[FIELDS_MAX]; /* each with a NUL added; NULL: absent */
	size_t len[FIELDS_MAX];
	size_t n;
};

static void fields_free(struct fields *f)
{
	while (f->n > 0)
		free(f->at[--f->n]);
}

/* ERR_EOF: nothing more; ERR_FORMAT: cut short. */
static int read_length(uint32_t *len)
{
	uint8_t b[4];
	size_t got = fread(b, 1, sizeof b, stdin);

	if (got < sizeof b)
		return got == 0 ? ERR_EOF : ERR_FORMAT;
	*len = (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 |
	       (uint32_t)b[2] << 8 | b[3];
	return 0;
}

static int read_field(struct fields *f, uint32_t len)
{
	char *data;

	if (f->n == FIELDS_MAX || (len != ABSENT && len > FIELD_MAX))
		return ERR_LIMIT;
	f->at[f->n] = NULL;
	f->len[f->n] = 0;
	if (len == ABSENT) {
		if (f->n != TOKEN && f->n != BODY)
			return ERR_FORMAT;
		f->n++;
		return 0;
	}
	data = malloc((size_t)len + 1);
	if (data == NULL)
		return ERR_NOMEM;
	data[len] = '\0';
	f->at[f->n] = data;
	f->len[f->n++] = len;
	return fread(data, 1, len, stdin) == len ? 0 : ERR_FORMAT;
}

static int read_fields(struct fields *f)
{
	uint32_t len;
	int rc = read_length(&len);

	while (rc == 0 && len != END) {
		rc = read_field(f, len);
		if (rc == 0)
			rc = read_length(&len);
		if (rc == ERR_EOF)
			rc = ERR_FORMAT;
	}
	if (rc == 0 && (f->n < FIRST_HEADER || (f->n - FIRST_HEADER) % 2 != 0))
		rc = ERR_FORMAT;
	return rc;
}

static int sign(struct sigv4 *s, const struct fields *f)
{
	struct sigv4_header headers[(FIELDS_MAX - FIRST_HEADER) / 2];
	struct sigv4_request req = {.method = f->at[METHOD],
	    .host = f->at[HOST],
	    .headers = headers,
	    .body = f->at[BODY],
	    .body_len = f->len[BODY]};
	struct sigv4_credentials credentials = {
	    f->at[ACCESS_KEY], f->at[SECRET_KEY], f->at[TOKEN]};
	struct sigv4_result result;
	size_t i;
	int rc;

	for (i = FIRST_HEADER; i < f->n; i += 2)
		headers[req.headers_n++] =
		    (struct sigv4_header){f->at[i], f->at[i + 1]};
	rc = sigv4_sign(s, &credentials, &req, f->at[REGION], f->at[SERVICE],
	    strtoll(f->at[WALL], NULL, 10), &result);
	if (rc != 0)
		return rc;
	printf("%s\t%s\n", result.amz_date, buf_str(result.authorization));
	buf_free(result.authorization);
	return 0;
}

int main(void)
{
	struct sigv4 *s = sigv4_new();
	struct fields f = {.n = 0};
	int rc = s != NULL ? 0 : ERR_NOMEM;

	while (rc == 0) {
		rc = read_fields(&f);
		if (rc == 0)
			rc = sign(s, &f);
		fields_free(&f);
	}
	sigv4_free(s);
	if (rc == ERR_EOF && fflush(stdout) == 0)
		return EXIT_SUCCESS;
	fprintf(stderr, "sigv4: %s\n", err_text(rc));
	return EXIT_FAILURE;
}
