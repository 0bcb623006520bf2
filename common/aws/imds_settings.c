/* SPDX-License-Identifier: Apache-2.0 */
#include "aws/imds_settings.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "base/url.h"

#define ENDPOINT_IPV4 "http://169.254.169.254"
#define ENDPOINT_IPV6 "http://[fd00:ec2::254]"
#define TIMEOUT_MAX_S 3600
#define ATTEMPTS_MAX  1000

/* A setting by its two names, and what it is set to. */
struct setting {
	const char *variable, *key;
	const char *name;  /* of these the one that counts */
	const char *value; /* NULL: not set */
};

/* shared may be NULL. */
static struct setting find_setting(
    const struct shared *shared, const char *variable, const char *key)
{
	struct setting s = {.variable = variable, .key = key};

	s.name = variable;
	s.value = getenv(variable);
	if ((s.value == NULL || s.value[0] == '\0') && shared != NULL) {
		s.name = key;
		s.value = shared_get(shared, shared_profile(shared), key);
	}
	if (s.value != NULL && s.value[0] == '\0')
		s.value = NULL;
	return s;
}

static int set_imds_endpoint(
    const struct setting *s, struct imds_settings *out, struct err *err)
{
	const char *text = s->value;
	size_t scheme = url_scheme_len(text), len = strlen(text);

	while (len > 0 && text[len - 1] == '/')
		len--;
	if (len >= sizeof out->endpoint || !text_is_graphic(text, len) ||
	    strpbrk(text, "?#@") != NULL || scheme == 0 || scheme >= len)
		return err_set(err, ERR_CONFIG,
		    "%s is no endpoint: write it as " ENDPOINT_IPV4, s->name);
	memcpy(out->endpoint, text, len);
	out->endpoint[len] = '\0';
	out->configured = true;
	return 0;
}

/* A wrong mode is an error also where an endpoint is set, which overrules it:
 * so does botocore. */
static int set_endpoint_by_mode(
    const struct setting *s, struct imds_settings *out, struct err *err)
{
	static const char four[] = ENDPOINT_IPV4, six[] = ENDPOINT_IPV6;

	if (s->value == NULL || strcasecmp(s->value, "ipv4") == 0)
		memcpy(out->endpoint, four, sizeof four);
	else if (strcasecmp(s->value, "ipv6") == 0)
		memcpy(out->endpoint, six, sizeof six);
	else
		return err_set(err, ERR_CONFIG,
		    "%s is %.64s: write IPv4 or IPv6", s->name, s->value);
	return 0;
}

static int read_count(
    const struct setting *s, uint64_t most, int *out, struct err *err)
{
	uint64_t n;

	if (s->value == NULL)
		return 0;
	if (!text_read_number(s->value, strlen(s->value), most, &n) || n == 0)
		return err_set(err, ERR_CONFIG,
		    "%s is %.64s: write a whole number from 1 to %d", s->name,
		    s->value, (int)most);
	*out = (int)n;
	return 0;
}

static int find_imds_settings(
    const struct shared *shared, struct imds_settings *out, struct err *err)
{
	const char *disabled = getenv("AWS_EC2_METADATA_DISABLED");
	struct setting s;
	int rc;

	*out = (struct imds_settings){
	    .disabled = disabled != NULL && strcasecmp(disabled, "true") == 0};
	s = find_setting(shared, "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE",
	    "ec2_metadata_service_endpoint_mode");
	rc = set_endpoint_by_mode(&s, out, err);
	s = find_setting(shared, "AWS_EC2_METADATA_SERVICE_ENDPOINT",
	    "ec2_metadata_service_endpoint");
	if (rc == 0 && s.value != NULL)
		rc = set_imds_endpoint(&s, out, err);
	s = find_setting(
	    shared, "AWS_METADATA_SERVICE_TIMEOUT", "metadata_service_timeout");
	if (rc == 0)
		rc = read_count(&s, TIMEOUT_MAX_S, &out->try_ms, err);
	out->try_ms *= 1000;
	s = find_setting(shared, "AWS_METADATA_SERVICE_NUM_ATTEMPTS",
	    "metadata_service_num_attempts");
	if (rc == 0)
		rc = read_count(&s, ATTEMPTS_MAX, &out->tries, err);
	return rc;
}

int imds_settings_read(
    struct shared_files *files, struct imds_settings *out, struct err *err)
{
	struct shared *shared = NULL;
	int rc = files != NULL ? shared_read(files, &shared, err) : 0;

	if (rc == 0)
		rc = find_imds_settings(shared, out, err);
	shared_free(shared);
	return rc;
}
