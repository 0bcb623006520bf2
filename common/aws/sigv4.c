/* SPDX-License-Identifier: Apache-2.0 */
#include "aws/sigv4.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/text.h"
#include "crypto/digest.h"

#define BLANKS     " \t" /* RFC 9110, section 5.6.3 */
#define ALGORITHM  "AWS4-HMAC-SHA256"
#define TERMINATOR "aws4_request"
#define DAY_LEN    8 /* "20150830" */
#define HEX_LEN    TEXT_HEX_LEN(DIGEST_SHA256_LEN)
#define SCOPE_MAX  256 /* "DAY/REGION/SERVICE/aws4_request" */
#define OWN_MAX    3   /* Host, X-Amz-Date, X-Amz-Security-Token */

struct sigv4 {
	bool has_key;
	/* SHA-256 of what the key was derived from: a changed secret is seen
	 * without keeping the secret. */
	uint8_t origin[DIGEST_SHA256_LEN];
	uint8_t key[DIGEST_SHA256_LEN];
};

/* What the steps of one signature share. */
struct scope {
	const char *amz_date; /* its first DAY_LEN characters are the day */
	const char *region;
	const char *service;
	struct buf *text;
};

/* The headers to be signed, sorted by name. */
struct list {
	struct sigv4_header at[SIGV4_HEADERS_MAX + OWN_MAX];
	size_t n;
};

struct sigv4 *sigv4_new(void)
{
	return calloc(1, sizeof(struct sigv4));
}

void sigv4_free(struct sigv4 *s)
{
	if (s == NULL)
		return;
	explicit_bzero(s, sizeof *s);
	free(s);
}

/* A name in small letters. */
static int add_header_name(struct buf *b, const char *name)
{
	size_t len = strlen(name);
	uint8_t *space;
	int rc = buf_extend(b, len, &space);

	for (size_t i = 0; rc == 0 && i < len; i++)
		space[i] = (uint8_t)text_lower(name[i]);
	return rc;
}

/* The order of two names, small letters or not, whatever the locale is. */
static int compare_header_names(const char *a, const char *b)
{
	for (; text_lower(*a) == text_lower(*b); a++, b++)
		if (*a == '\0')
			return 0;
	return (unsigned char)text_lower(*a) < (unsigned char)text_lower(*b)
		   ? -1
		   : 1;
}

/* A value without blanks around it, with single spaces within. */
static int add_header_value(struct buf *b, const char *value)
{
	size_t begin = buf_len(b), len;
	int rc = 0;

	value += strspn(value, BLANKS);
	while (rc == 0 && *value != '\0') {
		len = strcspn(value, BLANKS);
		if (buf_len(b) > begin)
			rc = buf_add(b, " ", 1);
		if (rc == 0)
			rc = buf_add(b, value, len);
		value += len;
		value += strspn(value, BLANKS);
	}
	return rc;
}

static int compare_headers(const void *left, const void *right)
{
	const struct sigv4_header *a = left, *b = right;

	return compare_header_names(a->name, b->name);
}

static int collect_headers(struct list *l, const struct sigv4_request *req,
    const char *token, const char *amz_date)
{
	l->n = 0;
	if (req->headers_n > SIGV4_HEADERS_MAX)
		return ERR_LIMIT;
	for (size_t i = 0; i < req->headers_n; i++)
		l->at[l->n++] = req->headers[i];
	l->at[l->n++] = (struct sigv4_header){"host", req->host};
	l->at[l->n++] = (struct sigv4_header){"x-amz-date", amz_date};
	if (token != NULL && *token != '\0')
		l->at[l->n++] =
		    (struct sigv4_header){"x-amz-security-token", token};
	qsort(l->at, l->n, sizeof l->at[0], compare_headers);
	return 0;
}

/* "a:1\nb:3\n" */
static int add_headers(struct buf *b, const struct list *l)
{
	int rc = 0;

	for (size_t i = 0; i < l->n && rc == 0; i++) {
		rc = add_header_name(b, l->at[i].name);
		if (rc == 0)
			rc = buf_add(b, ":", 1);
		if (rc == 0)
			rc = add_header_value(b, l->at[i].value);
		if (rc == 0)
			rc = buf_add(b, "\n", 1);
	}
	return rc;
}

/* "a;b" */
static int add_signed_names(struct buf *b, const struct list *l)
{
	int rc = 0;

	for (size_t i = 0; i < l->n && rc == 0; i++) {
		if (i > 0)
			rc = buf_add(b, ";", 1);
		if (rc == 0)
			rc = add_header_name(b, l->at[i].name);
	}
	return rc;
}

static int hash_to_hex(char hex[static HEX_LEN], const void *data, size_t len)
{
	const struct digest_part part = {data, len};
	uint8_t sum[DIGEST_SHA256_LEN];
	int rc = digest_sha256(sum, &part, 1);

	if (rc == 0)
		text_hex(hex, sum, sizeof sum);
	return rc;
}

/* IAM User Guide, "Create a canonical request". */
static int add_request(struct buf *b, const struct sigv4_request *req,
    const struct list *l, const char *body_hash)
{
	/* The path, and an empty line for the query. */
	int rc = buf_addf(b, "%s\n/\n\n", req->method);

	if (rc == 0)
		rc = add_headers(b, l);
	if (rc == 0)
		rc = buf_add(b, "\n", 1);
	if (rc == 0)
		rc = add_signed_names(b, l);
	return rc != 0 ? rc : buf_addf(b, "\n%s", body_hash);
}

static int hash_request(char hex[static HEX_LEN],
    const struct sigv4_request *req, const struct list *l)
{
	struct buf *text = buf_new(SIGV4_TEXT_MAX);
	char body_hash[HEX_LEN];
	int rc = text != NULL ? 0 : ERR_NOMEM;

	if (rc == 0)
		rc = hash_to_hex(body_hash, req->body, req->body_len);
	if (rc == 0)
		rc = add_request(text, req, l, body_hash);
	if (rc == 0)
		rc = hash_to_hex(hex, buf_data(text), buf_len(text));
	buf_free(text);
	return rc;
}

static int mac_in_place(uint8_t key[static DIGEST_SHA256_LEN], const char *text)
{
	const struct digest_part part = {text, strlen(text)};

	return digest_hmac_sha256(key, key, DIGEST_SHA256_LEN, &part, 1);
}

/* IAM User Guide, "Calculate the signature": the signing key. */
static int derive_signing_key(uint8_t key[static DIGEST_SHA256_LEN],
    const char *secret, const struct scope *scope)
{
	const struct digest_part day = {scope->amz_date, DAY_LEN};
	struct buf *first = buf_new(strlen("AWS4") + SIGV4_SECRET_MAX);
	int rc = ERR_NOMEM;

	if (first == NULL)
		return rc;
	rc = buf_addstr(first, "AWS4");
	if (rc == 0)
		rc = buf_addstr(first, secret);
	if (rc == 0)
		rc = digest_hmac_sha256(
		    key, buf_data(first), buf_len(first), &day, 1);
	buf_free(first);
	if (rc == 0)
		rc = mac_in_place(key, scope->region);
	if (rc == 0)
		rc = mac_in_place(key, scope->service);
	if (rc == 0)
		rc = mac_in_place(key, TERMINATOR);
	return rc;
}

/* Have the key of this day, region, service and secret in s->key. */
static int ensure_key(
    struct sigv4 *s, const char *secret, const struct scope *scope)
{
	/* The NULs keep the ends of the parts apart. */
	const struct digest_part parts[] = {{scope->amz_date, DAY_LEN},
	    {scope->region, strlen(scope->region) + 1},
	    {scope->service, strlen(scope->service) + 1},
	    {secret, strlen(secret)}};
	uint8_t origin[DIGEST_SHA256_LEN];
	int rc = digest_sha256(origin, parts, sizeof parts / sizeof parts[0]);

	if (rc != 0)
		return rc;
	if (s->has_key && digest_equal(origin, s->origin, sizeof origin))
		goto out;
	explicit_bzero(s, sizeof *s);
	rc = derive_signing_key(s->key, secret, scope);
	if (rc != 0) {
		explicit_bzero(s, sizeof *s);
		goto out;
	}
	memcpy(s->origin, origin, sizeof origin);
	s->has_key = true;
out:
	explicit_bzero(origin, sizeof origin);
	return rc;
}

/* The MAC of the string to sign. */
static int make_signature(char hex[static HEX_LEN], const struct sigv4 *s,
    const struct scope *scope, const char *request_hash)
{
	const struct digest_part parts[] = {
	    {ALGORITHM "\n", strlen(ALGORITHM "\n")},
	    {scope->amz_date, strlen(scope->amz_date)}, {"\n", 1},
	    {buf_data(scope->text), buf_len(scope->text)}, {"\n", 1},
	    {request_hash, strlen(request_hash)}};
	uint8_t sum[DIGEST_SHA256_LEN];
	int rc = digest_hmac_sha256(
	    sum, s->key, sizeof s->key, parts, sizeof parts / sizeof parts[0]);

	if (rc == 0)
		text_hex(hex, sum, sizeof sum);
	return rc;
}

static int add_authorization(struct buf *b, const char *access_key,
    const struct scope *scope, const struct list *l, const char *signature)
{
	int rc = buf_addf(b,
	    ALGORITHM " Credential=%s/%s, SignedHeaders=", access_key,
	    buf_str(scope->text));

	if (rc == 0)
		rc = add_signed_names(b, l);
	return rc != 0 ? rc : buf_addf(b, ", Signature=%s", signature);
}

int sigv4_sign(struct sigv4 *s, const struct sigv4_credentials *credentials,
    const struct sigv4_request *req, const char *region, const char *service,
    int64_t wall, struct sigv4_result *out)
{
	char amz_date[DATE_AMZ_MAX], hash_hex[HEX_LEN], signature[HEX_LEN];
	struct scope scope = {amz_date, region, service, buf_new(SCOPE_MAX)};
	struct buf *text = buf_new(SIGV4_TEXT_MAX);
	struct list list;
	int rc = ERR_NOMEM;

	if (scope.text == NULL || text == NULL)
		goto out;
	date_format_amz(wall, amz_date);
	if ((rc = buf_addf(scope.text, "%.*s/%s/%s/" TERMINATOR, DAY_LEN,
		 amz_date, region, service)) != 0 ||
	    (rc = collect_headers(&list, req, credentials->token, amz_date)) !=
		0 ||
	    (rc = hash_request(hash_hex, req, &list)) != 0 ||
	    (rc = ensure_key(s, credentials->secret_key, &scope)) != 0 ||
	    (rc = make_signature(signature, s, &scope, hash_hex)) != 0 ||
	    (rc = add_authorization(
		 text, credentials->access_key, &scope, &list, signature)) != 0)
		goto out;
	memcpy(out->amz_date, amz_date, sizeof amz_date);
	out->authorization = text;
	text = NULL;
out:
	buf_free(scope.text);
	buf_free(text);
	return rc;
}
