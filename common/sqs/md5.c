/* SPDX-License-Identifier: Apache-2.0 */
#include "sqs/md5.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/err.h"
#include "base/text.h"
#include "crypto/digest.h"

#define PARTS_EACH 7

static bool matches_digest(
    const struct digest_part *parts, size_t n, const char *hex)
{
	char ours[TEXT_HEX_LEN(DIGEST_MD5_LEN)];
	uint8_t digest[DIGEST_MD5_LEN];
	int rc = digest_md5(digest, parts, n);

	/* FIPS mode: TLS protects the way as well, and algorithms_start()
	 * has said it. */
	if (rc == ERR_UNSUPPORTED)
		return true;
	if (rc != 0 || hex == NULL)
		return false;
	text_hex(ours, digest, sizeof digest);
	return strcasecmp(ours, hex) == 0;
}

bool sqs_md5_body(const char *body, size_t len, const char *hex)
{
	const struct digest_part part = {body, len};

	return matches_digest(&part, 1, hex);
}

static int compare_attributes(const void *a, const void *b)
{
	const struct sqs_attribute *x = a, *y = b;

	return strcmp(x->name, y->name);
}

struct length {
	uint8_t bytes[4];
};

static struct digest_part put_length(struct length *out, size_t len)
{
	for (size_t i = 0; i < 4; i++)
		out->bytes[i] = (uint8_t)(len >> (24 - 8 * i));
	return (struct digest_part){out->bytes, sizeof out->bytes};
}

bool sqs_md5_attributes(
    struct sqs_attribute *attributes, size_t n, const char *hex)
{
	static const uint8_t string_kind = 1, binary_kind = 2;
	struct digest_part parts[SQS_MD5_ATTRIBUTES_MAX * PARTS_EACH];
	struct length lengths[SQS_MD5_ATTRIBUTES_MAX][3];

	if (n == 0)
		return hex == NULL;
	if (n > SQS_MD5_ATTRIBUTES_MAX)
		return false;
	qsort(attributes, n, sizeof *attributes, compare_attributes);
	for (size_t i = 0; i < n; i++) {
		const struct sqs_attribute *a = &attributes[i];
		struct digest_part *p = parts + i * PARTS_EACH;
		bool binary = strncmp(a->type, "Binary", 6) == 0;

		p[0] = put_length(&lengths[i][0], strlen(a->name));
		p[1] = (struct digest_part){a->name, strlen(a->name)};
		p[2] = put_length(&lengths[i][1], strlen(a->type));
		p[3] = (struct digest_part){a->type, strlen(a->type)};
		p[4] = (struct digest_part){
		    binary ? &binary_kind : &string_kind, 1};
		p[5] = put_length(&lengths[i][2], a->len);
		p[6] = (struct digest_part){a->value, a->len};
	}
	return matches_digest(parts, n * PARTS_EACH, hex);
}
